"""What can be said, asked and answered: relations, and the ways in which people word them.

A relation has noun phrases ("{P} door code"), questions with their embedded form, statements and
one answer. Slots: `{S}` the owner as subject, `{P}` as possessive, `{v}` the value; `[a/b/c]`
chooses a verb form for I / she / you. The last noun phrase, question and statement of a relation
that has at least three of them is kept for evaluation.
"""

import dataclasses

from values import kept_for_evaluation

PEOPLE, THINGS = "people", "things"


@dataclasses.dataclass(frozen=True)
class Relation:
    """One kind of fact about one kind of owner."""

    key: str
    value: str
    owners: str
    nouns: tuple
    asks: tuple
    says: tuple
    answer: str
    who: str = "What"


def _table(rows):
    relations = []
    for row in rows.strip().split("\n"):
        key, value, owners, nouns, asks, says, answer = (cell.strip() for cell in row.split("|"))
        split = lambda cell: tuple(part.strip() for part in cell.split(";") if part.strip())
        asks = tuple(tuple(ask.split(">")) for ask in split(asks))
        who = "Who" if value == "person" else "When" if value in ("day", "time") else "What"
        owners = {"p": PEOPLE, "t": THINGS}[owners]
        relations.append(Relation(key, value, owners, split(nouns), asks, split(says), answer, who))
    return relations


FIXED = _table("""
home|place|p|{P} home town;the city where {S} [live/lives]|Where [do/does] {S} live>where {S} [live/lives];What city [do/does] {S} live in>what city {S} [live/lives] in;Which town [do/does] {S} live in>which town {S} [live/lives] in|{S} [live/lives] in {v};{P} home is in {v};{S} moved to {v};{S} [have/has] a flat in {v}|{S} [live/lives] in {v}
birthplace|place|p|{P} birthplace;{P} place of birth|Where [was/was/were] {S} born>where {S} [was/was/were] born;What city [was/was/were] {S} born in>what city {S} [was/was/were] born in;In which place [was/was/were] {S} born>in which place {S} [was/was/were] born|{S} [was/was/were] born in {v};{P} birthplace is {v};{S} came into the world in {v}|{S} [was/was/were] born in {v}
job|job|p|{P} job;{P} profession;{P} occupation|What [do/does] {S} do for a living>what {S} [do/does] for a living;What [do/does] {S} work as>what {S} [work/works] as;What job [do/does] {S} have>what job {S} [have/has]|{S} [work/works] as a {v};{S} [am/is/are] a {v};{P} job is {v};{S} [earn/earns] a living as a {v}|{S} [work/works] as a {v}
employer|title|p|{P} employer;{P} company|Where [do/does] {S} work>where {S} [work/works];Who [do/does] {S} work for>who {S} [work/works] for;Which company [do/does] {S} work for>which company {S} [work/works] for|{S} [work/works] at {v};{S} [work/works] for {v};{P} employer is {v};{S} [am/is/are] employed by {v}|{S} [work/works] for {v}
allergy|food|p|{P} allergy|What [am/is/are] {S} allergic to>what {S} [am/is/are] allergic to;What allergy [do/does] {S} have>what allergy {S} [have/has];Which food [am/is/are] {S} allergic to>which food {S} [am/is/are] allergic to|{S} [am/is/are] allergic to {v};{S} [have/has] an allergy to {v};{S} cannot eat {v} because of an allergy|{S} [am/is/are] allergic to {v}
birthday|date|p|{P} birthday;the date of {P} birthday|When is {P} birthday>when {P} birthday is;On what day is {P} birthday>on what day {P} birthday is;What day is {P} birthday>what day {P} birthday is|{P} birthday is on {v};{P} birthday is {v};{S} [celebrate/celebrates] a birthday on {v}|{P} birthday is on {v}
age|size|p|{P} age|How old [am/is/are] {S}>how old {S} [am/is/are]|{S} [am/is/are] {v} years old;{P} age is {v};{S} just turned {v}|{S} [am/is/are] {v} years old
car|model|p|{P} car;{P} car model|What car [do/does] {S} drive>what car {S} [drive/drives];What [do/does] {S} drive>what {S} [drive/drives];Which car [do/does] {S} have>which car {S} [have/has]|{S} [drive/drives] a {v};{P} car is a {v};{S} [have/has] a {v} as a car;{S} bought a {v} car|{S} [drive/drives] a {v}
study|word|p|{P} subject of study;{P} major|What [do/does] {S} study>what {S} [study/studies];Which subject [do/does] {S} study>which subject {S} [study/studies]|{S} [study/studies] {v};{S} [am/is/are] a student of {v};{P} major is {v};{S} [take/takes] classes in {v}|{S} [study/studies] {v}
language|name|p|{P} native language;{P} mother tongue|What language [do/does] {S} speak>what language {S} [speak/speaks];Which language [do/does] {S} speak at home>which language {S} [speak/speaks] at home|{S} [speak/speaks] {v};{P} native language is {v};{P} mother tongue is {v}|{S} [speak/speaks] {v}
learning|name|p|the language {S} [am/is/are] learning|What language [am/is/are] {S} learning>what language {S} [am/is/are] learning;Which language [am/is/are] {S} learning now>which language {S} [am/is/are] learning now|{S} [am/is/are] learning {v};{S} started to learn {v};{S} [take/takes] lessons in {v}|{S} [am/is/are] learning {v}
spouse|person|p|{P} spouse;{P} partner|Who [am/is/are] {S} married to>who {S} [am/is/are] married to;Who did {S} marry>who {S} married|{S} [am/is/are] married to {v};{P} spouse is {v};{S} married {v}|{S} [am/is/are] married to {v}
boss|person|p|{P} boss;{P} manager|Who [do/does] {S} report to>who {S} [report/reports] to;Who [do/does] {S} work under>who {S} [work/works] under|{P} boss is {v};{S} [report/reports] to {v};{P} manager is {v}|{P} boss is {v}
instrument|word|p|{P} instrument|What instrument [do/does] {S} play>what instrument {S} [play/plays];Which instrument [do/does] {S} practise>which instrument {S} [practise/practises]|{S} [play/plays] the {v};{P} instrument is the {v};{S} [practise/practises] the {v}|{S} [play/plays] the {v}
hobby|word|p|{P} hobby|What [do/does] {S} do for fun>what {S} [do/does] for fun;What [do/does] {S} do in the free time>what {S} [do/does] in the free time|{P} hobby is {v};{S} [do/does] {v} for fun;{S} [enjoy/enjoys] {v} as a hobby|{P} hobby is {v}
collects|word|p|{P} collection|What [do/does] {S} collect>what {S} [collect/collects];Which things [do/does] {S} collect>which things {S} [collect/collects]|{S} [collect/collects] {v};{S} [have/has] a collection of {v}|{S} [collect/collects] {v}
travel|place|p|{P} next trip;{P} travel destination|Where will {S} travel>where {S} will travel;Where [am/is/are] {S} going on holiday>where {S} [am/is/are] going on holiday;Where [do/does] {S} plan to travel>where {S} [plan/plans] to travel|{S} will travel to {v};{P} next trip is to {v};{S} [am/is/are] going on holiday to {v};{S} [plan/plans] a trip to {v}|{S} will travel to {v}
school|title|p|{P} school|What school did {S} go to>what school {S} went to;Where did {S} go to school>where {S} went to school|{S} went to school at {v};{P} school was {v};{S} attended {v}|{S} went to school at {v}
doctor|person|p|{P} doctor;the name of {P} doctor|Who is {P} doctor>who {P} doctor is|{P} doctor is {v};{P} doctor is called {v};{S} [see/sees] a doctor named {v}|{P} doctor is {v}
team|title|p|{P} team;the team {S} [support/supports]|What team [do/does] {S} support>what team {S} [support/supports];Which club [do/does] {S} support>which club {S} [support/supports]|{S} [support/supports] {v};{P} team is {v};{S} [am/is/are] a fan of {v}|{S} [support/supports] {v}
floor|size|p|{P} floor|On which floor [do/does] {S} live>on which floor {S} [live/lives];What floor [do/does] {S} live on>what floor {S} [live/lives] on|{S} [live/lives] on floor {v};{P} flat is on floor {v}|{S} [live/lives] on floor {v}
writing|title|p|the book {S} [am/is/are] writing|What book [am/is/are] {S} writing>what book {S} [am/is/are] writing|{S} [am/is/are] writing a book called {v};{S} [write/writes] a book named {v}|{S} [am/is/are] writing {v}
reading|title|p|the book {S} [am/is/are] reading|What [am/is/are] {S} reading>what {S} [am/is/are] reading;Which book [am/is/are] {S} reading>which book {S} [am/is/are] reading|{S} [am/is/are] reading {v};{S} started to read {v};{S} [am/is/are] in the middle of a book called {v}|{S} [am/is/are] reading {v}
arrival|day|p|{P} arrival;{P} arrival date|When will {S} arrive>when {S} will arrive;What day will {S} arrive>what day {S} will arrive|{S} will arrive on {v};{P} arrival is on {v};{S} [arrive/arrives] on {v}|{S} will arrive on {v}
start|day|p|{P} first day at work|When [do/does] {S} start the new job>when {S} [start/starts] the new job|{S} [start/starts] the new job on {v};{P} first day at work is {v}|{S} [start/starts] the new job on {v}
wake|time|p|{P} wake-up time|When [do/does] {S} wake up>when {S} [wake/wakes] up;What time [do/does] {S} get up>what time {S} [get/gets] up|{S} [wake/wakes] up at {v};{S} [get/gets] up at {v}|{S} [wake/wakes] up at {v}
opens|time|t|{P} opening time|When does {S} open>when {S} opens;What time does {S} open>what time {S} opens;At what time does {S} open>at what time {S} opens|{S} opens at {v};{P} opening time is {v};{S} opens its doors at {v}|{S} opens at {v}
closes|time|t|{P} closing time|When does {S} close>when {S} closes;What time does {S} close>what time {S} closes;Until when is {S} open>until when {S} is open|{S} closes at {v};{P} closing time is {v};{S} stays open until {v}|{S} closes at {v}
location|place|t|the location of {S};{P} location|Where is {S}>where {S} is;Where can I find {S}>where I can find {S};In which city is {S}>in which city {S} is|{S} is in {v};{S} is located in {v};{S} stands in {v};You can find {S} in {v}|{S} is in {v}
built|year|t|the year {S} was built|When was {S} built>when {S} was built;In what year was {S} built>in what year {S} was built|{S} was built in {v};{S} dates from {v};{S} was completed in {v}|{S} was built in {v}
founder|person|t|the founder of {S};{P} founder|Who founded {S}>who founded {S};Who started {S}>who started {S}|{S} was founded by {v};{v} founded {S};The founder of {S} is {v}|{S} was founded by {v}
leader|person|t|the head of {S};the leader of {S}|Who leads {S}>who leads {S};Who is in charge of {S}>who is in charge of {S};Who runs {S}>who runs {S}|{S} is led by {v};{v} leads {S};{v} is in charge of {S};{v} runs {S}|{S} is led by {v}
cost|money|t|the price of {S};{P} price|How much does {S} cost>how much {S} costs;What does {S} cost>what {S} costs;How expensive is {S}>how expensive {S} is|{S} costs {v};The price of {S} is {v};You pay {v} for {S}|{S} costs {v}
weight|length|t|the weight of {S}|How heavy is {S}>how heavy {S} is;How much does {S} weigh>how much {S} weighs|{S} weighs {v};The weight of {S} is {v}|{S} weighs {v}
warranty|length|t|the warranty of {S};{P} warranty|How long is the warranty of {S}>how long the warranty of {S} is;How long does the warranty of {S} last>how long the warranty of {S} lasts|The warranty of {S} lasts {v};{S} has a warranty of {v};{S} comes with a warranty of {v}|The warranty of {S} lasts {v}
rooms|size|t|the number of rooms in {S}|How many rooms does {S} have>how many rooms {S} has;How many rooms are there in {S}>how many rooms there are in {S}|{S} has {v} rooms;There are {v} rooms in {S}|{S} has {v} rooms
staff|number|t|the number of people at {S}|How many people work at {S}>how many people work at {S};How many people does {S} employ>how many people {S} employs|{S} employs {v} people;{v} people work at {S};{S} has a staff of {v} people|{S} employs {v} people
maker|title|t|the maker of {S};{P} maker|Who makes {S}>who makes {S};Which company makes {S}>which company makes {S}|{S} is made by {v};{v} makes {S};The maker of {S} is {v}|{S} is made by {v}
material|word|t|the material of {S}|What is {S} made of>what {S} is made of|{S} is made of {v};The material of {S} is {v}|{S} is made of {v}
deadline|day|t|the deadline of {S};{P} deadline|When is {S} due>when {S} is due;When does {S} have to be done>when {S} has to be done|{S} is due on {v};The deadline of {S} is {v};{S} must be done by {v}|The deadline of {S} is {v}
""")

PETS = "dog cat horse parrot hamster rabbit goldfish turtle pony puppy kitten".split()
KIN = (
    "sister brother mother father son daughter aunt uncle cousin neighbour friend wife husband "
    "teacher grandmother grandfather nephew niece roommate colleague landlord trainer dentist"
).split()
FAVOURITES = {
    "colour": "colour", "food": "food", "drink": "word", "book": "title", "film": "title",
    "band": "title", "song": "title", "sport": "word", "animal": "word", "flower": "word",
    "city": "place", "restaurant": "title", "author": "person", "game": "title", "fruit": "food",
    "dessert": "food", "singer": "person", "season": "word", "number": "size", "tea": "word",
}
EVENTS = {
    "meeting": "starts", "train": "leaves", "flight": "leaves", "bus": "leaves", "class": "starts",
    "concert": "starts", "exam": "starts", "interview": "starts", "lecture": "starts",
    "yoga class": "starts", "shift": "starts", "ferry": "leaves", "party": "starts",
}
APPOINTMENTS = (
    "dentist appointment;doctor's appointment;haircut;job interview;wedding;driving test;"
    "vet appointment;piano lesson;surgery;eye test;house viewing;graduation"
).split(";")
ITEMS = (
    "keys passport wallet umbrella bike suitcase glasses laptop charger toolbox camera tent "
    "documents ladder skis helmet notebook"
).split()
PLURAL = {"keys", "glasses", "documents", "skis"}
MODIFIERS = (
    "gym office locker garage boiler bank wifi router door gate garden kitchen car phone laptop "
    "library hotel school train flight parking alarm safe cellar attic storage bike insurance "
    "health tax rent electricity water gas internet email booking order ticket badge member "
    "customer project client server printer team travel passport voucher delivery invoice repair "
    "studio workshop studio cabin boat mail coffee camera tool pool club bus tent tower"
).split()
HEADS = {
    "code": "code", "number": "number", "password": "code", "PIN": "code", "name": "title",
    "address": "place", "size": "size", "model": "model", "brand": "proper", "price": "money",
    "limit": "number", "date": "date", "deadline": "day", "ID": "code", "budget": "money",
    "contact": "person", "colour": "colour", "key number": "code", "reference": "code",
    "account": "code", "fee": "money", "supplier": "title", "label": "word", "time": "time",
}
PLAIN = {
    "phone number": "phone", "shoe size": "size", "height": "length", "weight": "length",
    "salary": "money", "rent": "money", "postcode": "code", "room number": "size",
    "seat number": "code", "licence plate": "code", "blood type": "code", "user name": "word",
    "nickname": "name", "surname": "proper", "middle name": "name", "email address": "email",
    "street": "title", "house number": "size", "best friend": "person", "lawyer": "person",
    "favourite number": "size", "project name": "title", "team name": "title", "office": "spot",
    "desk": "spot", "star sign": "proper", "nationality": "proper", "savings goal": "money",
    "step goal": "number", "badge number": "code", "password": "code", "door code": "code",
    "phone model": "model", "bank": "title", "accountant": "person", "boat's name": "name",
    "wifi password": "code", "locker combination": "code", "order number": "code",
}
THING_HEADS = {
    "capacity": "number", "phone number": "phone", "code name": "title", "serial number": "code",
    "address": "title", "password": "code", "version": "number", "colour": "colour",
    "budget": "money", "contact person": "person", "website": "email", "length": "length",
    "maximum speed": "number", "start date": "date", "model number": "code", "sponsor": "title",
    "entrance fee": "money", "supplier": "title", "nickname": "title", "room": "code",
}


def _attribute(noun, value, owners=PEOPLE):
    of = "the " + noun + " of {S}"
    nouns = ("{P} " + noun,) if owners == PEOPLE else (of, "{P} " + noun)
    says = ("{P} %s is {v}", "{P} %s is {v}", "{P} %s: {v}", "{v} is {P} %s")
    if owners == THINGS:
        says = ("The %s of {S} is {v}", "{P} %s is {v}", "{S} has the %s {v}", "{P} %s: {v}")
    else:
        says += ("{P} %s was set to {v}",)
    answer = "{P} " + noun + " is {v}" if owners == PEOPLE else "The " + noun + " of {S} is {v}"
    said = tuple(say % noun for say in says)
    who = "Who" if value == "person" else "What"
    return Relation("attr:" + noun, value, owners, nouns, (), said, answer, who)


def _named(noun, key):
    """The name of a pet or a relative."""
    return Relation(
        key, "name", PEOPLE,
        ("{P} %s's name" % noun, "the name of {P} %s" % noun, "the name {P} %s has" % noun),
        (("What is {P} %s called" % noun, "what {P} %s is called" % noun),
         ("What is the name of {P} %s" % noun, "what the name of {P} %s is" % noun),
         ("How is {P} %s called" % noun, "how {P} %s is called" % noun)),
        ("{P} %s's name is {v}" % noun, "{P} %s is called {v}" % noun,
         "{S} [have/has] a %s named {v}" % noun, "{S} [have/has] a %s called {v}" % noun,
         "{P} %s is {v}" % noun, "{S} named {P} %s {v}" % noun if key.startswith("pet")
         else "the name of {P} %s is {v}" % noun),
        "{P} %s's name is {v}" % noun)


def _families():
    for pet in PETS:
        yield _named(pet, "pet:" + pet)
    for kin in KIN:
        yield _named(kin, "kin:" + kin)
    for noun, value in FAVOURITES.items():
        us = noun.replace("colour", "color")
        yield Relation(
            "favourite:" + noun, value, PEOPLE,
            ("{P} favourite " + noun, "{P} favorite " + us, "the %s {S} [like/likes] best" % noun),
            (("What %s [do/does] {S} like best" % noun, "what %s {S} [like/likes] best" % noun),
             ("Which %s [do/does] {S} like most" % noun, "which %s {S} [like/likes] most" % noun)),
            ("{P} favourite %s is {v}" % noun, "{P} favorite %s is {v}" % us,
             "The %s {S} [like/likes] best is {v}" % noun,
             "{v} is {P} favourite " + noun, "{P} %s of choice is {v}" % noun),
            "{P} favourite %s is {v}" % noun)
    for noun, verb in EVENTS.items():
        base = verb[:-1]
        yield Relation(
            "event:" + noun, "time", PEOPLE,
            ("the time of {P} " + noun,),
            (("When does {P} %s %s" % (noun, base), "when {P} %s %s" % (noun, verb)),
             ("What time does {P} %s %s" % (noun, base), "what time {P} %s %s" % (noun, verb)),
             ("What time is {P} " + noun, "what time {P} %s is" % noun)),
            ("{P} %s %s at {v}" % (noun, verb), "{S} [have/has] a %s at {v}" % noun,
             "{P} %s is at {v}" % noun),
            "{P} %s %s at {v}" % (noun, verb), "When")
    for noun in APPOINTMENTS:
        yield Relation(
            "date:" + noun, "day", PEOPLE,
            ("the date of {P} " + noun,),
            (("When is {P} " + noun, "when {P} %s is" % noun),
             ("What day is {P} " + noun, "what day {P} %s is" % noun),
             ("When [do/does] {S} have the " + noun, "when {S} [have/has] the " + noun)),
            ("{P} %s is on {v}" % noun, "{S} [have/has] a %s on {v}" % noun,
             "{P} %s will be on {v}" % noun),
            "{P} %s is on {v}" % noun, "When")
    for noun in ITEMS:
        be = "are" if noun in PLURAL else "is"
        yield Relation(
            "place:" + noun, "spot", PEOPLE, (),
            (("Where %s {P} %s" % (be, noun), "where {P} %s %s" % (noun, be)),
             ("Where did {S} put {P} " + noun, "where {S} put {P} " + noun),
             ("Where did {S} leave {P} " + noun, "where {S} left {P} " + noun)),
            ("{P} %s %s in the {v}" % (noun, be), "{S} put {P} %s in the {v}" % noun,
             "{S} left {P} %s in the {v}" % noun),
            "{P} %s %s in the {v}" % (noun, be), "Where")
    for noun, value in PLAIN.items():
        yield _attribute(noun, value)
    for noun, value in THING_HEADS.items():
        yield _attribute(noun, value, THINGS)


NAME_OF_USER = Relation(
    "name", "person", PEOPLE, ("my name",),
    (("What am I called", "what I am called"), ("Who am I", "who I am")),
    ("My name is {v}", "I am {v}", "I'm {v}", "I am called {v}", "You can call me {v}"),
    "{P} name is {v}")

RELATIONS = FIXED + list(_families())


def compound(rng, held_out=False):
    """An attribute of two nouns out of over a thousand ("garage key number")."""
    while True:
        modifier, head = rng.choice(MODIFIERS), rng.choice(tuple(HEADS))
        if kept_for_evaluation(modifier + " " + head) == held_out:
            return _attribute(modifier + " " + head, HEADS[head])
