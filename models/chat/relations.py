"""What can be said, asked and answered: relations, and the ways in which people word them.

A relation has noun phrases ("{P} door code"), questions with their embedded form, and statements;
its answer is the bare value. Slots: `{S}` the owner as subject, `{P}` as possessive, `{v}` the value; `[a/b]`
chooses a verb form for I / she. With `--keep`, the last noun phrase, question and statement of a relation
that has at least three of them are kept for evaluation.
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
    who: str = "What"


def _table(rows):
    relations = []
    for row in rows.strip().split("\n"):
        key, value, owners, nouns, asks, says = (cell.strip() for cell in row.split("|"))
        split = lambda cell: tuple(part.strip() for part in cell.split(";") if part.strip())
        asks = tuple(tuple(ask.split(">")) for ask in split(asks))
        who = "Who" if value == "person" else "When" if value in ("day", "time") else "What"
        owners = {"p": PEOPLE, "t": THINGS}[owners]
        relations.append(Relation(key, value, owners, split(nouns), asks, split(says), who))
    return relations


FIXED = _table("""
home|place|p|{P} home town;the city where {S} [live/lives]|Where [do/does] {S} live>where {S} [live/lives];What city [do/does] {S} live in>what city {S} [live/lives] in;Which town [do/does] {S} live in>which town {S} [live/lives] in|{S} [live/lives] in {v};{P} home is in {v};{S} moved to {v};{S} [have/has] a flat in {v}
birthplace|place|p|{P} birthplace;{P} place of birth|Where [was/was/were] {S} born>where {S} [was/was/were] born;What city [was/was/were] {S} born in>what city {S} [was/was/were] born in;In which place [was/was/were] {S} born>in which place {S} [was/was/were] born|{S} [was/was/were] born in {v};{P} birthplace is {v};{S} came into the world in {v}
job|job|p|{P} job;{P} profession;{P} occupation|What [do/does] {S} do for a living>what {S} [do/does] for a living;What [do/does] {S} work as>what {S} [work/works] as;What job [do/does] {S} have>what job {S} [have/has]|{S} [work/works] as a {v};{S} [am/is/are] a {v};{P} job is {v};{S} [earn/earns] a living as a {v}
employer|title|p|{P} employer;{P} company|Where [do/does] {S} work>where {S} [work/works];Who [do/does] {S} work for>who {S} [work/works] for;Which company [do/does] {S} work for>which company {S} [work/works] for|{S} [work/works] at {v};{S} [work/works] for {v};{P} employer is {v};{S} [am/is/are] employed by {v}
allergy|food|p|{P} allergy|What [am/is/are] {S} allergic to>what {S} [am/is/are] allergic to;What allergy [do/does] {S} have>what allergy {S} [have/has];Which food [am/is/are] {S} allergic to>which food {S} [am/is/are] allergic to|{S} [am/is/are] allergic to {v};{S} [have/has] an allergy to {v};{S} cannot eat {v} because of an allergy
birthday|date|p|{P} birthday;the date of {P} birthday|When is {P} birthday>when {P} birthday is;On what day is {P} birthday>on what day {P} birthday is;What day is {P} birthday>what day {P} birthday is|{P} birthday is on {v};{P} birthday is {v};{S} [celebrate/celebrates] a birthday on {v}
age|size|p|{P} age|How old [am/is/are] {S}>how old {S} [am/is/are]|{S} [am/is/are] {v} years old;{P} age is {v};{S} just turned {v}
car|model|p|{P} car;{P} car model|What car [do/does] {S} drive>what car {S} [drive/drives];What [do/does] {S} drive>what {S} [drive/drives];Which car [do/does] {S} have>which car {S} [have/has]|{S} [drive/drives] a {v};{P} car is a {v};{S} [have/has] a {v} as a car;{S} bought a {v} car
study|word|p|{P} subject of study;{P} major|What [do/does] {S} study>what {S} [study/studies];Which subject [do/does] {S} study>which subject {S} [study/studies]|{S} [study/studies] {v};{S} [am/is/are] a student of {v};{P} major is {v};{S} [take/takes] classes in {v}
language|name|p|{P} native language;{P} mother tongue|What language [do/does] {S} speak>what language {S} [speak/speaks];Which language [do/does] {S} speak at home>which language {S} [speak/speaks] at home|{S} [speak/speaks] {v};{P} native language is {v};{P} mother tongue is {v}
learning|name|p|the language {S} [am/is/are] learning|What language [am/is/are] {S} learning>what language {S} [am/is/are] learning;Which language [am/is/are] {S} learning now>which language {S} [am/is/are] learning now|{S} [am/is/are] learning {v};{S} started to learn {v};{S} [take/takes] lessons in {v}
spouse|person|p|{P} spouse;{P} partner|Who [am/is/are] {S} married to>who {S} [am/is/are] married to;Who did {S} marry>who {S} married|{S} [am/is/are] married to {v};{P} spouse is {v};{S} married {v}
boss|person|p|{P} boss;{P} manager|Who [do/does] {S} report to>who {S} [report/reports] to;Who [do/does] {S} work under>who {S} [work/works] under|{P} boss is {v};{S} [report/reports] to {v};{P} manager is {v}
instrument|word|p|{P} instrument|What instrument [do/does] {S} play>what instrument {S} [play/plays];Which instrument [do/does] {S} practise>which instrument {S} [practise/practises]|{S} [play/plays] the {v};{P} instrument is the {v};{S} [practise/practises] the {v}
hobby|word|p|{P} hobby|What [do/does] {S} do for fun>what {S} [do/does] for fun;What [do/does] {S} do in the free time>what {S} [do/does] in the free time|{P} hobby is {v};{S} [do/does] {v} for fun;{S} [enjoy/enjoys] {v} as a hobby
collects|word|p|{P} collection|What [do/does] {S} collect>what {S} [collect/collects];Which things [do/does] {S} collect>which things {S} [collect/collects]|{S} [collect/collects] {v};{S} [have/has] a collection of {v}
travel|place|p|{P} next trip;{P} travel destination|Where will {S} travel>where {S} will travel;Where [am/is/are] {S} going on holiday>where {S} [am/is/are] going on holiday;Where [do/does] {S} plan to travel>where {S} [plan/plans] to travel|{S} will travel to {v};{P} next trip is to {v};{S} [am/is/are] going on holiday to {v};{S} [plan/plans] a trip to {v}
school|title|p|{P} school|What school did {S} go to>what school {S} went to;Where did {S} go to school>where {S} went to school|{S} went to school at {v};{P} school was {v};{S} attended {v}
doctor|person|p|{P} doctor;the name of {P} doctor|Who is {P} doctor>who {P} doctor is|{P} doctor is {v};{P} doctor is called {v};{S} [see/sees] a doctor named {v}
team|title|p|{P} team;the team {S} [support/supports]|What team [do/does] {S} support>what team {S} [support/supports];Which club [do/does] {S} support>which club {S} [support/supports]|{S} [support/supports] {v};{P} team is {v};{S} [am/is/are] a fan of {v}
floor|size|p|{P} floor|On which floor [do/does] {S} live>on which floor {S} [live/lives];What floor [do/does] {S} live on>what floor {S} [live/lives] on|{S} [live/lives] on floor {v};{P} flat is on floor {v}
writing|title|p|the book {S} [am/is/are] writing|What book [am/is/are] {S} writing>what book {S} [am/is/are] writing|{S} [am/is/are] writing a book called {v};{S} [write/writes] a book named {v}
reading|title|p|the book {S} [am/is/are] reading|What [am/is/are] {S} reading>what {S} [am/is/are] reading;Which book [am/is/are] {S} reading>which book {S} [am/is/are] reading|{S} [am/is/are] reading {v};{S} started to read {v};{S} [am/is/are] in the middle of a book called {v}
arrival|day|p|{P} arrival;{P} arrival date|When will {S} arrive>when {S} will arrive;What day will {S} arrive>what day {S} will arrive|{S} will arrive on {v};{P} arrival is on {v};{S} [arrive/arrives] on {v}
start|day|p|{P} first day at work|When [do/does] {S} start the new job>when {S} [start/starts] the new job|{S} [start/starts] the new job on {v};{P} first day at work is {v}
wake|time|p|{P} wake-up time|When [do/does] {S} wake up>when {S} [wake/wakes] up;What time [do/does] {S} get up>what time {S} [get/gets] up|{S} [wake/wakes] up at {v};{S} [get/gets] up at {v}
opens|time|t|{P} opening time|When does {S} open>when {S} opens;What time does {S} open>what time {S} opens;At what time does {S} open>at what time {S} opens|{S} opens at {v};{P} opening time is {v};{S} opens its doors at {v}
closes|time|t|{P} closing time|When does {S} close>when {S} closes;What time does {S} close>what time {S} closes;Until when is {S} open>until when {S} is open|{S} closes at {v};{P} closing time is {v};{S} stays open until {v}
location|place|t|the location of {S};{P} location|Where is {S}>where {S} is;Where can I find {S}>where I can find {S};In which city is {S}>in which city {S} is|{S} is in {v};{S} is located in {v};{S} stands in {v};You can find {S} in {v}
built|year|t|the year {S} was built|When was {S} built>when {S} was built;In what year was {S} built>in what year {S} was built|{S} was built in {v};{S} dates from {v};{S} was completed in {v}
founder|person|t|the founder of {S};{P} founder|Who founded {S}>who founded {S};Who started {S}>who started {S}|{S} was founded by {v};{v} founded {S};The founder of {S} is {v}
leader|person|t|the head of {S};the leader of {S}|Who leads {S}>who leads {S};Who is in charge of {S}>who is in charge of {S};Who runs {S}>who runs {S}|{S} is led by {v};{v} leads {S};{v} is in charge of {S};{v} runs {S}
cost|money|t|the price of {S};{P} price|How much does {S} cost>how much {S} costs;What does {S} cost>what {S} costs;How expensive is {S}>how expensive {S} is|{S} costs {v};The price of {S} is {v};You pay {v} for {S}
weight|length|t|the weight of {S}|How heavy is {S}>how heavy {S} is;How much does {S} weigh>how much {S} weighs|{S} weighs {v};The weight of {S} is {v}
warranty|length|t|the warranty of {S};{P} warranty|How long is the warranty of {S}>how long the warranty of {S} is;How long does the warranty of {S} last>how long the warranty of {S} lasts|The warranty of {S} lasts {v};{S} has a warranty of {v};{S} comes with a warranty of {v}
rooms|size|t|the number of rooms in {S}|How many rooms does {S} have>how many rooms {S} has;How many rooms are there in {S}>how many rooms there are in {S}|{S} has {v} rooms;There are {v} rooms in {S}
staff|number|t|the number of people at {S}|How many people work at {S}>how many people work at {S};How many people does {S} employ>how many people {S} employs|{S} employs {v} people;{v} people work at {S};{S} has a staff of {v} people
maker|title|t|the maker of {S};{P} maker|Who makes {S}>who makes {S};Which company makes {S}>which company makes {S}|{S} is made by {v};{v} makes {S};The maker of {S} is {v}
material|word|t|the material of {S}|What is {S} made of>what {S} is made of|{S} is made of {v};The material of {S} is {v}
deadline|day|t|the deadline of {S};{P} deadline|When is {S} due>when {S} is due;When does {S} have to be done>when {S} has to be done|{S} is due on {v};The deadline of {S} is {v};{S} must be done by {v}
origin|place|p|the place {S} [come/comes] from|Where [am/is] {S} from>where {S} [am/is] from;Where [do/does] {S} come from>where {S} [come/comes] from;Where did {S} grow up>where {S} grew up;Which place [do/does] {S} come from>which place {S} [come/comes] from|{S} [am/is] from {v};{S} [come/comes] from {v};{S} grew up in {v};{S} originally [come/comes] from {v};{S} [am/is] originally from {v}
birthyear|year|p|{P} year of birth;{P} birth year|When [was/was] {S} born>when {S} [was/was] born;What year [was/was] {S} born in>what year {S} [was/was] born in;In which year [was/was] {S} born>in which year {S} [was/was] born|{S} [was/was] born in {v};{P} birth year is {v};{P} year of birth is {v}
university|title|p|{P} university;{P} college|Where did {S} study>where {S} studied;Which university did {S} go to>which university {S} went to;What college did {S} attend>what college {S} attended|{S} studied at {v};{S} went to {v} for university;{P} university was {v};{S} graduated from {v}
breakfast|meal|p||What did {S} have for breakfast>what {S} had for breakfast;What did {S} eat for breakfast>what {S} ate for breakfast;What [was/was] {P} breakfast>what {P} breakfast was|{S} had {v} for breakfast;For breakfast {S} had {v};{S} ate {v} for breakfast;{P} breakfast was {v}
dinner|meal|p||What did {S} have for dinner>what {S} had for dinner;What did {S} eat for dinner>what {S} ate for dinner;What [was/was] {P} dinner>what {P} dinner was|{S} had {v} for dinner;For dinner {S} had {v};{S} ate {v} for dinner;{P} dinner was {v}
lunch|meal|p||What did {S} have for lunch>what {S} had for lunch;What did {S} eat for lunch>what {S} ate for lunch;What [was/was] {P} lunch>what {P} lunch was|{S} had {v} for lunch;For lunch {S} had {v};{S} ate {v} for lunch;{P} lunch was {v}
bought|thing|p||What did {S} buy>what {S} bought;What did {S} buy recently>what {S} bought recently;What [have/has] {S} bought>what {S} bought|{S} bought {v};{S} just bought {v};Yesterday {S} bought {v};{S} got {v} at the shop
shopping|thing|p||What [do/does] {S} need to buy>what {S} [need/needs] to buy;What did {S} want to buy>what {S} wanted to buy;What should {S} buy>what {S} should buy|{S} [need/needs] to buy {v};{S} [have/has] to buy {v};{S} [want/wants] to buy {v};{S} must buy {v}
met|person|p||Who did {S} meet>who {S} met;Who did {S} meet yesterday>who {S} met yesterday;Whom did {S} meet>whom {S} met|{S} met {v};Yesterday {S} met {v};{S} met {v} yesterday;{S} ran into {v}
meets|person|p||Who will {S} meet>who {S} will meet;Who [am/is] {S} meeting tomorrow>who {S} [am/is] meeting tomorrow;Who [do/does] {S} meet>who {S} will meet|{S} will meet {v};{S} [am/is] meeting {v} tomorrow;{S} [have/has] a meeting with {v};Tomorrow {S} will meet {v}
holiday|place|p|{P} last holiday|Where did {S} go last summer>where {S} went last summer;Where did {S} go on holiday>where {S} went on holiday;Where did {S} spend the last vacation>where {S} spent the last vacation|{S} went to {v} last summer;Last summer {S} went to {v};{S} spent the last vacation in {v};{S} [was/was] in {v} on holiday
watched|title|p|the film {S} watched|What film did {S} watch>what film {S} watched;Which movie did {S} see>which movie {S} saw;What did {S} watch>what {S} watched|{S} watched {v};{S} saw the film {v};Last night {S} watched {v};{S} watched the movie {v}
medicine|word|p|{P} medicine;{P} medication|What medicine [do/does] {S} take>what medicine {S} [take/takes];Which medication [am/is] {S} on>which medication {S} [am/is] on;What pills [do/does] {S} take>what pills {S} [take/takes]|{S} [take/takes] {v};{P} medicine is {v};{P} doctor prescribed {v};{S} [am/is] on {v}
height|length|p|{P} height|How tall [am/is] {S}>how tall {S} [am/is];What height [am/is] {S}>what height {S} [am/is]|{S} [am/is] {v} tall;{P} height is {v};{S} measured {v}
weighs|length|p|{P} weight|How much [do/does] {S} weigh>how much {S} [weigh/weighs];How heavy [am/is] {S}>how heavy {S} [am/is]|{S} [weigh/weighs] {v};{P} weight is {v}
drinks|word|p||What [do/does] {S} drink in the morning>what {S} [drink/drinks] in the morning;What [do/does] {S} like to drink>what {S} [like/likes] to drink;What drink [do/does] {S} prefer>what drink {S} [prefer/prefers]|{S} [drink/drinks] {v} every morning;In the morning {S} [drink/drinks] {v};{S} [like/likes] to drink {v};{S} [prefer/prefers] to drink {v}
likes|word|p||What [do/does] {S} like>what {S} [like/likes];What [do/does] {S} love>what {S} [love/loves];What [do/does] {S} enjoy>what {S} [enjoy/enjoys]|{S} [like/likes] {v};{S} [love/loves] {v};{S} really [like/likes] {v};{S} [enjoy/enjoys] {v};{S} [am/is] very fond of {v}
dislikes|word|p||What [do/does] {S} hate>what {S} [hate/hates];What [do/does] {S} dislike>what {S} [dislike/dislikes];What [do/does] {S} not like>what {S} [do/does] not like|{S} [hate/hates] {v};{S} [do/does] not like {v};{S} [dislike/dislikes] {v};{S} cannot stand {v}
fear|word|p|{P} greatest fear;{P} fear|What [am/is] {S} afraid of>what {S} [am/is] afraid of;What [am/is] {S} scared of>what {S} [am/is] scared of;What [do/does] {S} fear>what {S} [fear/fears]|{S} [am/is] afraid of {v};{S} [am/is] scared of {v};{P} greatest fear is {v};{S} [have/has] a fear of {v}
diet|word|p|{P} diet|What diet [am/is] {S} on>what diet {S} [am/is] on;What kind of diet [do/does] {S} follow>what kind of diet {S} [follow/follows]|{S} [am/is] on a {v} diet;{P} diet is {v};{S} [follow/follows] a {v} diet
flight|place|p|{P} flight destination|Where [am/is] {S} flying to>where {S} [am/is] flying to;Where does {P} flight go>where {P} flight goes;Where [am/is] {S} flying>where {S} [am/is] flying|{S} [am/is] flying to {v};{P} flight goes to {v};{S} [have/has] a flight to {v};{S} booked a flight to {v}
visit|place|p||Where [do/does] {S} want to go>where {S} [want/wants] to go;Which city [do/does] {S} want to visit>which city {S} [want/wants] to visit;What place would {S} like to see>what place {S} would like to see|{S} [want/wants] to visit {v};{S} would like to visit {v};{S} [dream/dreams] of visiting {v};{S} [want/wants] to see {v}
gift|thing|p||What did {S} get for {P} birthday>what {S} got for {P} birthday;What present did {S} get>what present {S} got;What gift did {S} receive>what gift {S} received|{S} got {v} for {P} birthday;{P} birthday present was {v};{S} received {v} as a gift;{S} got {v} as a present
lost|thing|p||What did {S} lose>what {S} lost;What has gone missing>what {S} lost;What [have/has] {S} lost>what {S} lost|{S} lost {v};{S} [have/has] lost {v};{S} cannot find {v};{S} misplaced {v}
project|title|p|{P} project|What [am/is] {S} working on>what {S} [am/is] working on;Which project [am/is] {S} on>which project {S} [am/is] on;What project [do/does] {S} work on>what project {S} [work/works] on|{S} [am/is] working on {v};{P} project is called {v};{S} [work/works] on a project called {v};{P} project is {v}
parked|spot|p|the place where {S} parked|Where did {S} park>where {S} parked;Where did {S} park the car>where {S} parked the car;Where is {P} car>where {P} car is|{S} parked {v};{S} parked the car {v};{P} car is {v};{P} car is parked {v}
wedding|day|p|{P} anniversary;{P} wedding anniversary|When is {P} wedding anniversary>when {P} wedding anniversary is;When did {S} get married>when {S} got married|{P} anniversary is on {v};{S} got married on {v};{P} wedding anniversary is {v}
avoids|food|p||What food should {S} avoid>what food {S} should avoid;What [do/does] {S} have to avoid>what {S} [have/has] to avoid;What should {S} not eat>what {S} should not eat|{S} should avoid {v};{S} [have/has] to avoid {v};{S} should not eat {v};{S} must not eat {v}
moved|place|p||Where did {S} move to>where {S} moved to;Where did {S} move>where {S} moved;What city did {S} move to>what city {S} moved to;Which town did {S} move to>which town {S} moved to|{S} moved to {v};{S} just moved to {v};{S} moved to {v} last year;Last month {S} moved to {v};{S} moved over to {v}
shoes|size|p|{P} shoe size|What shoe size [do/does] {S} wear>what shoe size {S} [wear/wears];What size are {P} shoes>what size {P} shoes are;Which shoe size [do/does] {S} have>which shoe size {S} [have/has]|{P} shoe size is {v};{S} [wear/wears] shoe size {v};{S} [wear/wears] size {v} shoes;{P} shoes are size {v}
country|place|p|{P} home country|Which country [am/is] {S} from>which country {S} [am/is] from;What country [do/does] {S} come from>what country {S} [come/comes] from;Where [am/is] {S} from>where {S} [am/is] from|{S} [am/is] from {v};{S} [come/comes] from {v};{P} home country is {v}
degree|title|p||Where did {S} graduate>where {S} graduated;Where did {S} graduate from>where {S} graduated from;Which university did {S} graduate from>which university {S} graduated from;Which university did {S} go to>which university {S} went to|{S} graduated from {v};{S} [have/has] a degree from {v};{S} graduated at {v};{S} went to the university of {v}
prefers|word|p||What [do/does] {S} prefer>what {S} [prefer/prefers];Which one [do/does] {S} prefer>which one {S} [prefer/prefers];What would {S} rather have>what {S} would rather have|{S} [prefer/prefers] {v};{S} [prefer/prefers] {v} over {v};{S} would rather have {v}
dose|word|p||What medicine [do/does] {S} take every morning>what medicine {S} [take/takes] every morning;What medicine [do/does] {S} take>what medicine {S} [take/takes];Which pills [do/does] {S} take>which pills {S} [take/takes]|{S} [take/takes] 20 mg of {v} every morning;{S} [take/takes] {v} pills every evening;{S} [take/takes] 5 ml of {v} a day;{S} [take/takes] {v} twice a day
gym|title|p|{P} gym;the name of {P} gym|Which gym [do/does] {S} go to>which gym {S} [go/goes] to;Where [do/does] {S} work out>where {S} [work/works] out;What is {P} gym called>what {P} gym is called|{P} gym is called {v};{S} [go/goes] to the gym {v};{S} [work/works] out at {v};{P} gym is {v}
learns|word|p||What [am/is] {S} learning to do>what {S} [am/is] learning to do;What course [am/is] {S} taking>what course {S} [am/is] taking;Which class [do/does] {S} take>which class {S} [take/takes]|{S} [am/is] taking a course in {v};{S} [take/takes] a class in {v};{S} signed up for a {v} course
hotel|title|p|{P} hotel;the name of {P} hotel|Where [am/is] {S} staying>where {S} [am/is] staying;Which hotel [am/is] {S} in>which hotel {S} [am/is] in;What is {P} hotel called>what {P} hotel is called|{S} [am/is] staying at {v};{P} hotel is called {v};{S} booked a room at {v};{P} hotel is {v}
schoolstart|month|p||When does {P} school start>when {P} school starts;When [do/does] {S} start school>when {S} [start/starts] school;When does {P} term begin>when {P} term begins|{S} [start/starts] school in {v};{P} school starts in {v};{P} term begins in {v}
vacation|day|p||When [am/is] {S} going on vacation>when {S} [am/is] going on vacation;When does {P} holiday start>when {P} holiday starts;When [do/does] {S} leave for vacation>when {S} [leave/leaves] for vacation|{S} [am/is] going on vacation on {v};{P} holiday starts on {v};{S} [leave/leaves] for vacation on {v}
""")

PETS = (
    "dog cat horse parrot hamster rabbit goldfish turtle pony puppy kitten pet bird snake lizard "
    "donkey boat teddy"
).split()
KIN = (
    "sister brother mother father son daughter aunt uncle cousin neighbour friend wife husband "
    "teacher grandmother grandfather nephew niece roommate colleague landlord trainer dentist "
    "partner girlfriend boyfriend boss mum dad mom coach therapist assistant flatmate hairdresser "
    "grandma grandpa godmother baby gardener vet"
).split()
FAVOURITES = {
    "colour": "colour", "food": "meal", "drink": "word", "book": "title", "film": "title",
    "band": "title", "song": "title", "sport": "word", "animal": "word", "flower": "word",
    "city": "place", "restaurant": "title", "author": "person", "game": "title", "fruit": "food",
    "dessert": "meal", "singer": "person", "season": "word", "number": "size", "tea": "word",
    "movie": "title", "dish": "meal", "snack": "food", "show": "title", "subject": "word",
    "month": "month", "day": "weekday", "country": "place", "actor": "person", "music": "word",
    "ice cream": "word", "wine": "title", "team": "title", "teacher": "person", "word": "word",
    "painter": "person", "tree": "word", "toy": "thing", "meal": "meal", "place": "place",
}
COUNTED = (
    "brothers sisters siblings children kids cats dogs pets cousins grandchildren daughters sons "
    "horses cars bikes plants guitars computers books chickens roommates"
).split()
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
    "documents ladder skis helmet notebook violin guitar drum canoe scarf hat coat boots"
).split()
KEPT = (
    "spare key;first aid kit;fuse box;remote control;vacuum cleaner;good scissors;drill;sewing kit;"
    "key to the shed;flashlight;contract;birth certificate;tax papers;hammer;ring;money;medicine"
).split(";")
COMING = (
    "plumber;electrician;cleaner;new sofa;parcel;postman;delivery;babysitter;painter;doctor;"
    "landlord;inspector;gardener;carpenter;piano tuner;order;guest;nurse"
).split(";")
DUE = "project;report;thesis;essay;homework;article;tax return;application;presentation;invoice;book".split(";")
PLURAL = {"boots", "keys", "glasses", "documents", "skis"}
MODIFIERS = (
    "gym office locker garage boiler bank wifi router door gate garden kitchen car phone laptop "
    "library hotel school train flight parking alarm safe cellar attic storage bike insurance "
    "health tax rent electricity water gas internet email booking order ticket badge member "
    "customer project client server printer team travel passport voucher delivery invoice repair "
    "studio workshop studio cabin boat mail coffee camera tool pool club bus tent tower"
).split()
# What people do to things: verb, past and participle where they differ.
VERBS = (
    "plant paint repair clean fix order sell:sold build:built borrow cook bake design draw:drew:drawn "
    "hide:hid:hidden rent return wash break:broke:broken carry:carried collect copy:copied count cut:cut "
    "deliver discover donate drop explore film finish fold grow:grew:grown hang:hung invent knit "
    "lend:lent load mail make:made measure mend mix move open pack pick plan polish pour practise "
    "prepare print publish pull push record replace review save scan search send:sent serve sew:sewed:sewn "
    "share ship sign sketch smoke solve steal:stole:stolen store study:studied teach:taught test throw:threw:thrown "
    "touch trade train translate unpack upgrade use wear:wore:worn weigh win:won wrap write:wrote:written "
    "ride:rode:ridden recommend rescue restore roast catch:caught chop climb find:found"
).split()
WHEN_SAID = ("", "", " yesterday", " today", " last week", " this morning", " on Monday", " again")
HEADS = {
    "code": "code", "number": "number", "password": "code", "PIN": "code", "name": "title",
    "address": "place", "size": "size", "model": "model", "brand": "proper", "price": "money",
    "limit": "number", "date": "date", "deadline": "day", "ID": "code", "budget": "money",
    "contact": "person", "colour": "colour", "key number": "code", "reference": "code",
    "account": "code", "fee": "money", "supplier": "title", "label": "word", "time": "time",
}
DOUBLED = ("drop", "knit", "plan", "scan", "ship", "wrap", "chop")
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


def _who(value):
    return "Who" if value == "person" else "What"


def _attribute(noun, value, owners=PEOPLE):
    of = "the " + noun + " of {S}"
    nouns = ("{P} " + noun,) if owners == PEOPLE else (of, "{P} " + noun)
    says = ("{P} %s is {v}", "{P} %s is {v}", "{P} %s: {v}", "{v} is {P} %s")
    if owners == THINGS:
        says = ("The %s of {S} is {v}", "{P} %s is {v}", "{S} has the %s {v}", "{P} %s: {v}")
    else:
        says += ("{P} %s was set to {v}",)
    said = tuple(say % noun for say in says)
    return Relation("attr:" + noun, value, owners, nouns, (), said, _who(value))


def _named(noun, key):
    """The name of a pet or a relative."""
    asks = [
        ("What is {P} %s called", "what {P} %s is called"),
        ("What is the name of {P} %s", "what the name of {P} %s is"),
        ("What [do/does] {S} call {P} %s", "what {S} [call/calls] {P} %s"),
        ("How is {P} %s called", "how {P} %s is called"),
    ]
    says = [
        "{P} %s's name is {v}", "{P} %s is called {v}", "{S} [have/has] a %s named {v}",
        "{S} [have/has] a %s called {v}", "{P} %s is named {v}", "The name of {P} %s is {v}",
        "{v} is {P} %s", "{v} is the name of {P} %s", "{P} %s is {v}",
    ]
    if key.startswith("pet"):
        says += ["{S} [have/has] a %s and its name is {v}", "{S} named {P} %s {v}"]
    else:
        asks[:0] = [("Who is {P} %s", "who {P} %s is")] * 2
        says += ["{P} %s {v} is here", "{v}, {P} %s, says hello"]
    return Relation(
        key, "name", PEOPLE, tuple(
            noun_phrase % noun for noun_phrase in
            ("{P} %s's name", "{P} %s's name", "the name of {P} %s", "the name {P} %s has")),
        tuple((direct % noun, embedded % noun) for direct, embedded in asks),
        tuple(say % noun for say in says))


def _favourite(noun, value):
    return Relation(
        "favourite:" + noun, value, PEOPLE,
        ("{P} favourite " + noun, "{P} favourite " + noun, "{P} preferred " + noun,
         "the %s {S} [like/likes] best" % noun),
        (("What %s [do/does] {S} like best" % noun, "what %s {S} [like/likes] best" % noun),
         ("Which %s [do/does] {S} love most" % noun, "which %s {S} [love/loves] most" % noun),
         ("Which %s [do/does] {S} like most" % noun, "which %s {S} [like/likes] most" % noun)),
        ("{P} favourite %s is {v}" % noun, "{P} favourite %s is {v}" % noun,
         "The %s {S} [like/likes] best is {v}" % noun, "{v} is {P} favourite " + noun,
         "{P} favourite %s would be {v}" % noun, "{P} %s of choice is {v}" % noun), _who(value))


def _event(noun, verb):
    base = verb[:-1]
    return Relation(
        "event:" + noun, "time", PEOPLE, ("the time of {P} " + noun,),
        (("When does {P} %s %s" % (noun, base), "when {P} %s %s" % (noun, verb)),
         ("What time does {P} %s %s" % (noun, base), "what time {P} %s %s" % (noun, verb)),
         ("When is {P} " + noun, "when {P} %s is" % noun),
         ("What time is {P} " + noun, "what time {P} %s is" % noun)),
        ("{P} %s %s at {v}" % (noun, verb), "{S} [have/has] a %s at {v}" % noun,
         "{P} %s is at {v}" % noun), "When")


def _appointment(noun):
    return Relation(
        "date:" + noun, "day", PEOPLE, ("the date of {P} " + noun,),
        (("When is {P} " + noun, "when {P} %s is" % noun),
         ("When is {P} " + noun, "when {P} %s is" % noun),
         ("What day is {P} " + noun, "what day {P} %s is" % noun),
         ("When [do/does] {S} have the " + noun, "when {S} [have/has] the " + noun)),
        ("{P} %s is on {v}" % noun, "{S} [have/has] a %s on {v}" % noun,
         "On {v} {S} [have/has] a %s" % noun, "{P} %s will be on {v}" % noun), "When")


def _place(noun):
    be = "are" if noun in PLURAL else "is"
    return Relation(
        "place:" + noun, "spot", PEOPLE, (),
        (("Where %s {P} %s" % (be, noun), "where {P} %s %s" % (noun, be)),
         ("Where did {S} put {P} " + noun, "where {S} put {P} " + noun),
         ("Where [do/does] {S} keep {P} " + noun, "where {S} [keep/keeps] {P} " + noun),
         ("Where did {S} leave {P} " + noun, "where {S} left {P} " + noun)),
        ("{P} %s %s {v}" % (noun, be), "{S} put {P} %s {v}" % noun,
         "{S} [keep/keeps] {P} %s {v}" % noun, "{S} left {P} %s {v}" % noun), "Where")


def _kept(noun):
    """Where something of the house is."""
    asks = tuple((direct % noun, embedded % noun) for direct, embedded in (
        ("Where is {P} %s", "where {P} %s is"), ("Where did {S} put {P} %s", "where {S} put {P} %s"),
        ("Where can I find {P} %s", "where {P} %s is"), ("Where did {S} hide {P} %s", "where {S} hid {P} %s"),
        ("Where [do/does] {S} keep {P} %s", "where {S} [keep/keeps] {P} %s")))
    says = tuple(say % noun for say in (
        "{P} %s is {v}", "{S} put {P} %s {v}", "{S} hid {P} %s {v}", "{P} %s is hidden {v}",
        "You find {P} %s {v}", "{S} [keep/keeps] {P} %s {v}"))
    return Relation("kept:" + noun, "spot", PEOPLE, (), asks, says, "Where")


def _comes(noun):
    """When somebody or something comes."""
    asks = tuple((direct % noun, embedded % noun) for direct, embedded in (
        ("When is {P} %s coming", "when {P} %s is coming"), ("When does {P} %s come", "when {P} %s comes"),
        ("What day does {P} %s come", "what day {P} %s comes"), ("When will {P} %s be here", "when {P} %s will be here")))
    says = tuple(say % noun for say in (
        "{P} %s is coming on {v}", "{P} %s comes on {v}", "{P} %s will be here on {v}",
        "On {v} {P} %s is coming", "{P} %s will come on {v}"))
    return Relation("comes:" + noun, "day", PEOPLE, (), asks, says, "When")


def _due(noun):
    """When work has to be done."""
    asks = tuple((direct % noun, embedded % noun) for direct, embedded in (
        ("When is {P} %s due", "when {P} %s is due"), ("What is the deadline of {P} %s", "what the deadline of {P} %s is"),
        ("When [do/does] {S} have to finish {P} %s", "when {S} [have/has] to finish {P} %s"),
        ("What is the deadline for {P} %s", "what the deadline for {P} %s is")))
    says = tuple(say % noun for say in (
        "{P} %s is due on {v}", "The deadline of {P} %s is {v}", "{S} [have/has] to finish {P} %s by {v}",
        "{P} %s must be done by {v}"))
    return Relation("kept:due " + noun, "day", PEOPLE, ("the deadline of {P} " + noun,), asks, says, "When")


def _with(noun):
    """A meeting with somebody; the name belongs to what is asked."""
    asks = (("When is {P} " + noun, "when {P} %s is" % noun), ("What time is {P} " + noun, "what time {P} %s is" % noun),
            ("When [do/does] {S} have {P} " + noun, "when {S} [have/has] {P} " + noun))
    says = ("{P} %s is at {v}" % noun, "{P} %s is on {v}" % noun, "{P} %s starts at {v}" % noun)
    return Relation("event:" + noun, "time", PEOPLE, (), asks, says, "When")


def _painted(noun):
    be = "are" if noun in PLURAL else "is"
    return Relation(
        "colour:" + noun, "colour", PEOPLE, ("the colour of {P} " + noun,),
        (("What colour %s {P} %s" % (be, noun), "what colour {P} %s %s" % (noun, be)),
         ("Which colour [do/does] {P} %s have" % noun, "which colour {P} %s [have/has]" % noun)),
        ("{P} %s %s {v}" % (noun, be), "The colour of {P} %s is {v}" % noun,
         "{S} painted {P} %s {v}" % noun))


def _counted(noun):
    return Relation(
        "count:" + noun, "count", PEOPLE, ("the number of %s {S} [have/has]" % noun,),
        (("How many %s [do/does] {S} have" % noun, "how many %s {S} [have/has]" % noun),
         ("How many %s [have/has] {S} got" % noun, "how many %s {S} [have/has]" % noun),
         ("How many %s are there in {P} home" % noun, "how many %s there are" % noun)),
        ("{S} [have/has] {v} %s" % noun, "{P} family has {v} %s" % noun, "{S} [have/has] got {v} %s" % noun, "There are {v} %s in {P} home" % noun))


def parts_of(verb):
    """Base, past and participle of one of the `VERBS`."""
    base, past, done = (verb.split(":") * 3)[:3] if ":" in verb else (verb, "", "")
    if not past:
        past = done = base + ("d" if base.endswith("e") else base[-1] + "ed" if base in DOUBLED else "ed")
    elif done == base:
        done = past
    return base, past, done


def _did(verb):
    base, past, done = parts_of(verb)
    asks = (
        ("What did {S} %s" % base, "what {S} %s" % past),
        ("What did {S} %s" % base, "what {S} did %s" % base),
        ("What [have/has] {S} %s" % done, "what {S} [have/has] %s" % done),
        ("Which thing did {S} %s" % base, "which thing {S} %s" % past),
    )
    says = tuple("{S} %s {v}%s" % (past, when) for when in WHEN_SAID) + (
        "Yesterday {S} %s {v}" % past, "Last week {S} %s {v}" % past,
        "{S} [have/has] %s {v}" % done, "{S} just %s {v}" % past, "Today {S} %s {v}" % past,
        "This morning {S} %s {v}" % past,
    )
    return Relation("did:" + base, "thing", PEOPLE, (), asks, says)


NAME_OF_USER = Relation(
    "name", "person", PEOPLE, ("my name", "my name"),
    (("What is my name", "what my name is"), ("What am I called", "what I am called"),
     ("How do people call me", "how people call me"), ("Who am I", "who I am")),
    ("My name is {v}", "I am {v}", "I am called {v}", "You can call me {v}",
     "People call me {v}", "Call me {v}"), "What")

DID = [_did(verb) for verb in VERBS]
NAMED = [_named(pet, "pet:" + pet) for pet in PETS] + [_named(kin, "kin:" + kin) for kin in KIN]
FAVOURITE = [_favourite(noun, value) for noun, value in FAVOURITES.items()]
LISTED = (
    [_event(noun, verb) for noun, verb in EVENTS.items()]
    + [_appointment(noun) for noun in APPOINTMENTS]
    + [_place(noun) for noun in ITEMS]
    + [_painted(noun) for noun in (*ITEMS, "car", "door", "house", "kitchen", "hair", "bedroom")]
    + [_counted(noun) for noun in COUNTED]
    + [_kept(noun) for noun in KEPT] + [_comes(noun) for noun in COMING] + [_due(noun) for noun in DUE]
    + [_with(noun + " with " + name) for noun in ("meeting", "call", "lunch", "appointment")
       for name in ("Anna", "Tom", "Maria", "Lee", "the bank", "the team", "Paul", "Dr. Lee")]
)
PLAIN_ATTRIBUTES = [_attribute(noun, value) for noun, value in PLAIN.items()]
OF_PEOPLE = [relation for relation in FIXED if relation.owners == PEOPLE]
OF_THINGS = [relation for relation in FIXED if relation.owners == THINGS] + [
    _attribute(noun, value, THINGS) for noun, value in THING_HEADS.items()
]


def compound(rng, held_out=False, words=()):
    """An attribute of two nouns out of over a thousand ("garage key number"), or of any words."""
    while True:
        modifier, head = rng.choice(MODIFIERS), rng.choice(tuple(HEADS))
        if words and rng.random() < 0.5:
            modifier = rng.choice(words)
        if words and rng.random() < 0.3:
            # Any noun as an attribute: what it means does not matter, that it is the same does.
            noun = rng.choice(words)
            if kept_for_evaluation(noun) == held_out:
                return _attribute(noun, rng.choice(("title", "word", "code", "name", "size")))
        if kept_for_evaluation(modifier + " " + head) == held_out:
            return _attribute(modifier + " " + head, HEADS[head])


def draw(rng, owner_kind, held_out=False, words=()):
    """A relation that such an owner can have."""
    if owner_kind == "thing":
        return rng.choice(OF_THINGS)
    choice = rng.random()
    if held_out or choice < 0.22:
        return compound(rng, held_out, words)
    if owner_kind == "me" and choice < 0.25:
        return NAME_OF_USER
    if choice < 0.32:
        return rng.choice(DID)
    if choice < 0.57:
        return rng.choice(OF_PEOPLE)
    if choice < 0.70:
        return rng.choice(NAMED)
    if choice < 0.81:
        return rng.choice(FAVOURITE)
    if words and choice > 0.97:
        # What a noun means matters less than that it is the same.
        noun = rng.choice(words)
        if kept_for_evaluation(noun) == held_out:
            return rng.choice((_kept, _comes, _due, _place, lambda noun: _favourite(noun, "name")))(noun)
    return rng.choice(LISTED if choice < 0.92 else PLAIN_ATTRIBUTES)
