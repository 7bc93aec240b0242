"""Whole sentences of documents, and of people about things, with the questions that they answer.

A row is `group|who|statements|questions`. Who is `d` for documents, `p` for people, `b` for both.
`{n}`, `{m}` and `{o}` are nouns, `{a}` an adjective, `{N}` and `{M}` names, the same ones in
statement and question; `{x}`, `{X}` and `{Z}` are a verb, its past and its participle. What is
written `{kind}` is a value (see `values.py`): in a question it is one that the statement holds, and
what only the statement holds is asked for. Rows of one group answer each other's questions if their
nouns are the same. `{k}` is a relative, `{Ns}` the nouns and `{Cn}` the noun at the start of a
sentence, `{Xg}` the verb in -ing, and `¦` a bar of a table.
"""

import re

from relations import KIN, THINGS, VERBS, parts_of
from values import ADJECTIVES, NOUNS, capital

TABLE = """
leave|d|Employees get {size} days of {n} leave a year;Every employee has {size} days of {n} leave;{size} days of {n} leave are granted each year|How many days of {n} leave do employees get;How much {n} leave is there;How many days of {n} leave do I have
allowed|d|{Ns} are not allowed in the {m};No {ns} may be brought into the {m};{Ns} are allowed in the {m} on {weekday}|Are {ns} allowed in the {m};Can I bring a {n} into the {m};May I take {ns} into the {m}
must|d|Visitors must leave their {ns} at the {m};All guests have to hand in their {ns} at the {m};Please leave your {ns} at the {m}|Where must visitors leave their {ns};Where do I leave my {n};Where do guests leave their {ns}
howto|d|To {x} the {n}, press the {a} {o} for {size} seconds;To {x} the {n}, turn the {o} to the {spot};You {x} the {n} by turning the {o};Use the {o} to {x} the {n}|How do I {x} the {n};How can I {x} the {n};How to {x} the {n};What do I need to {x} the {n};How do you {x} a {n}
often|d|The {n} must be {Z} every {size} days;The {n} is {Z} once a month;{Xb} the {n} every {length};The {n} has to be {Z} twice a year|How often must the {n} be {Z};When is the {n} {Z};How often is the {n} {Z};How often should I {x} the {n}
made|d|The {n} was {Z} by {person} in {year};{person} {X} the {n} in {year};In {year} {person} {X} the {n}|Who {X} the {n};When was the {n} {Z};By whom was the {n} {Z};In which year was the {n} {Z};When did they {x} the {n}
didplace|b|{N} {X} the {n} in {place};The {n} was {Z} in {place};{N} {X} a {n} in {place}|Where did {N} {x} the {n};Where was the {n} {Z};In which city was the {n} {Z}
price|b|The {n} costs {money};A {n} costs {size} euros;The price of a {n} is {money};{Ns} are {size} euros each;We paid {money} for the {n};I bought the {n} for {money};I paid {size} dollars for the {n};The {n} was {size} dollars|How much is a {n};How much does the {n} cost;What does a {n} cost;What is the price of the {n};How much are the {ns};How much was the {n};How much did we pay for the {n};How much did I pay for the {n};What did the {n} cost
where|b|The {n} is {spot};You find the {n} {spot};The {n} is kept {spot};{Ns} are stored {spot};The {n} is with {person} {spot};The {n} stands {spot}|Where is the {n};Where can I find the {n};Where do we keep the {n};Where are the {ns};Where is the {n} kept;Where did we put the {n}
holder|b|{person} has the key to the {n};The key to the {n} is with {person};Ask {person} for the key to the {n}|Who has the key to the {n};Who do I ask for the key to the {n};Where is the key to the {n}
charge|b|{person} is responsible for the {n};{person} takes care of the {n};The {n} is looked after by {person};{person} is in charge of the {n}|Who is responsible for the {n};Who takes care of the {n};Who looks after the {n};Who is in charge of the {n}
opens|b|The {n} is open from {time} to {time};Opening hours of the {n}: {time} to {time};The {n} opens at {time} and closes at {time}|When is the {n} open;When does the {n} open;What are the opening hours of the {n};What time does the {n} open;Until when is the {n} open;When can I visit the {n};When does the {n} close
happened|d|In {year} the {n} was replaced by a {m};In {year} a {n} destroyed the {m};In {year} the {n} was {Z};In {year}, {N} became the owner of the {n};On {date} the {n} was {Z}|What happened in {year};What happened in the year {year};What happened on {date};What was done in {year}
builtby|d|The {n} was built in {year} by the {job} {person};{person}, a {job}, built the {n} in {year}|When was the {n} built;Who built the {n};How old is the {n}
builtin|d|The {n} of {N} was built in {year};{N}'s {n} dates from {year}|When was the {n} of {N} built;When was the {n} built
hoursall|d|Opening hours: {time} to {time} on {weekday};We are open from {time} to {time};Open from {time} to {time}, {weekday} to {weekday}|What are the opening hours;When are you open;When is it open;When do you open
contactall|d|Contact: {person}, {email};For questions write to {email};Questions? Call {phone};Phone: {phone}|Who do I contact;How can I contact you;Where do I send questions;What is the phone number
keyall|d|The key is with {person} at the {n};The key is {spot};{person} at the {n} has the key|Who has the key;Where is the key;Where do I get the key
tablerow|d|¦ {Cn} ¦ {size} euros ¦;¦ {Cn} ¦ {money} ¦;{Cn}: {size} euros;{Cn}: {money}|How much is a {n};What does a {n} cost;How much does the {n} cost;What is the price of a {n}
listrow|d|{Cn}: {time} to {time};{Cn}: {time};{Cn}: {weekday}, {time}|When is the {n};What time is the {n};When does the {n} open
listwho|d|{Cn}: {person};{Cn}: {person} ({phone})|Who is the {n};Who does the {n};Who is responsible for the {n}
headof|d|{person} is the {n} of {N};The {n} of {N} is {person};{N}'s {n} is {person}|Who is the {n} of {N};Who is {N}'s {n};What is the name of the {n} of {N}
wentto|d|{N} went to {place} in {year};{N} moved to {place} in {year};At the age of {size} {N} went to {place}|Where did {N} go in {year};When did {N} go to {place};When did {N} move to {place};Where did {N} move
spent|d|{N} spent {length} in {place};{N} stayed in {place} until {year};{N} lived in {place} as a {job}|Where did {N} live;How long did {N} stay in {place};Where did {N} spend {length};Where did {N} stay
studied|d|{N} studied {word} in {place};{N} learned {word} from {person};{N} taught {word} in {place}|What did {N} study;Where did {N} study;What did {N} learn;What did {N} teach;Where did {N} teach
married|d|{N} married {person} in {year};{N} was married to {person}|Who did {N} marry;Who was {N} married to;When did {N} marry
childrenof|d|{N} had {count} children;{N} had {count} children with {person}|How many children did {N} have
sank|d|The {n} sank in {year};The {n} burned down in {year};The {n} was lost in {year};The {n} closed in {year}|When did the {n} sink;When did the {n} burn down;When was the {n} lost;When did the {n} close
forbid|d|{Ns} are forbidden in the {m};{Ns} are forbidden;{Ns} are forbidden on {weekday}|Are {ns} allowed;May I bring {ns};Are {ns} forbidden
forbidin|d|Never put the {n} into the {m};The {n} must not go into the {m}|Can I put the {n} into the {m};Can the {n} go into the {m};May the {n} go into the {m}
forbiddo|d|Do not {x} the {n};You must not {x} the {n};Never {x} the {n}|May I {x} the {n};Can I {x} the {n};Should I {x} the {n}
highest|d|{Ns} may not be higher than {size} cm;A {n} may be {size} cm high;{Ns} must be under {size} kg|How high may {ns} be;How high may a {n} be;How heavy may {ns} be;How big may a {n} be
feeyear|d|The yearly {n} is {size} euros;The {n} is {size} euros a year|How much is the yearly {n};How much is the {n};What is the {n}
feenew|d|The {n} for new members is {size} euros;New members pay {size} euros for the {n}|What do new members pay;How much do new members pay for the {n}
feedue|d|The {n} is due by the end of {month};The {n} has to be paid in {month}|When is the {n} due;When do I have to pay the {n}
finds|d|Whoever finds a {n} should tell {person};If you see a {n}, call {phone};A broken {n} is reported to {person}|Who should I tell about a {n};What do I do if I see a {n};Who do I tell about a {n};Who do I report a broken {n} to
lostfound|d|Lost {ns} are kept at the {m};Lost {ns} can be fetched from the {m}|Where are lost {ns} kept;Where do I find a lost {n}
present|d|Present were {person}, {person} and {person};{person} and {person} took part in the {n};The {n} was led by {person}|Who was present;Who took part in the {n};Who led the {n}
joined|d|{number} people have joined since {month};{number} people came to the {n};{number} people took part in the {n}|How many people have joined since {month};How many people came to the {n};How many people took part in the {n};How many people joined
postponed|d|The {n} was moved to {date};The {n} has been postponed to {date};The new date of the {n} is {date}|When is the {n};To when was the {n} moved;What is the new date of the {n};When is the {n} now
begins|b|The {n} starts at {time};The {n} begins on {day};The {n} is on {day} in the {m};The {n} takes place on {date}|When does the {n} start;When is the {n};What time is the {n};When does the {n} begin;When does the {n} take place
lasts|b|The {n} takes {length};The {n} lasts {length}|How long does the {n} take;How long does the {n} last;How long is the {n}
lasts2|b|It takes {length} to {x} the {n};{Xg} the {n} takes {length}|How long does it take to {x} the {n};How much time do I need to {x} the {n}
deadline|b|The {n} must be {Z} by {day};The {n} is due on {date};All {ns} have to be handed in by {date};{Ns} are due by {weekday}|When is the {n} due;What is the deadline for the {n};By when must {ns} be handed in;When are the {ns} due
returns|d|{Ns} may be returned within {length};You can return a {n} within {length};A {n} can be sent back for {length}|How long can I return a {n};Within what time can {ns} be returned;Can I return a {n};How long do I have to return the {n};Can I send the {n} back
cancel|d|A {n} can be cancelled up to {length} before;{Ns} can be cancelled until {day};To cancel a {n}, write to {email}|Can I cancel a {n};How do I cancel the {n};Until when can {ns} be cancelled;When can I cancel the {n}
refund|d|Refunds for {ns} take {length};The refund for a {n} arrives within {length}|How long do refunds for {ns} take;When do I get the refund for the {n}
capacity|d|The {n} holds {size} litres;The {n} has room for {size} people;The {n} can carry {size} kg;The capacity of the {n} is {number} litres|How much does the {n} hold;What is the capacity of the {n};How much can the {n} carry;How much fits into the {n}
seats|d|The {n} seats {number} people;Up to {number} people fit into the {n};The {n} is for {size} people|How many people fit into the {n};How many people can use the {n};For how many people is the {n}
long|d|The {n} is {size} metres long;The {n} has a length of {number} cm|How long is the {n};What is the length of the {n}
wide|d|The {n} is {size} cm wide;The {n} has a width of {size} cm|How wide is the {n};What is the width of the {n}
high|d|The {n} is {number} metres high;The {n} rises {number} metres;The height of the {n} is {number} metres|How high is the {n};How tall is the {n};What is the height of the {n}
area|d|The {n} covers {number} square metres;The {n} has an area of {number} square metres|How big is the {n};How large is the {n};What is the area of the {n}
weightrow|d|The {n} weighs {size} kg;The weight of the {n} is {number} grams|How heavy is the {n};How much does the {n} weigh;What is the weight of the {n}
bake|d|Bake the {n} for {size} minutes at {number} degrees;The {n} bakes for {size} minutes at {number} degrees|How long do I bake the {n};At what temperature do I bake the {n};How hot must it be for the {n};How long does the {n} bake
heat|d|Keep the {n} below {size} degrees;The {n} must not get hotter than {size} degrees;Store the {n} at {size} degrees|How hot may the {n} get;What temperature does the {n} need;At what temperature is the {n} kept
part|d|The {n} has {size} {ms};There are {size} {ms} in the {n};The {n} comes with {size} {ms};Each {n} contains {size} {ms}|How many {ms} does the {n} have;How many {ms} are in the {n};How many {ms} come with the {n};How many {ms} are there in the {n}
need|d|For the {n} you need {size} grams of {m};The {n} needs {size} grams of {m};Add {size} grams of {m} to the {n}|How much {m} does the {n} need;How much {m} do I need for the {n};How much {m} goes into the {n}
material|d|The {n} is made of {word};The {n} is built from {word};The {n} is cut from {word}|What is the {n} made of;Which material is the {n} made of;What is the {n} built from
paint|b|The {n} is painted {colour};The colour of the {n} is {colour};The {n} is {colour}|What colour is the {n};Which colour does the {n} have;What color is the {n}
error|d|Error {code} means that the {n} is {Z};Error {code}: the {n} is too {b}|What does error {code} mean;What is error {code};What does {code} mean
blink|d|If the {a} {o} blinks, the {n} is {Z};A {a} {o} shows that the {n} is too {b};When the {a} {o} is on, the {n} is {Z}|What does it mean if the {a} {o} blinks;What does the {a} {o} mean;Why is the {a} {o} on
call|b|In case of {n} call {phone};For {ns} please call {person};Report a {n} to {person};Questions about {ns} go to {email}|Who do I call in case of {n};What number do I call for {n};Who do I report a {n} to;Where do I ask about {ns};Who can I ask about {ns}
password|b|The password for the {n} is {code};The {n} password is {code};The PIN of the {n} is {size};The {n} code is {code}|What is the password for the {n};What's the {n} password;What is the PIN of the {n};What's the code for the {n};How do I log in to the {n}
speed|d|The {n} runs at {number} rpm;The {n} has a top speed of {size} km per hour;The {n} moves at {size} metres per second|How fast does the {n} run;How fast is the {n};What is the speed of the {n}
power|d|The {n} has a power of {number} watts;The {n} needs {number} volts;The {n} uses {number} watts|How much power does the {n} have;How many watts does the {n} have;How much power does the {n} need
battery|d|The battery of the {n} lasts {length};The {n} runs {length} on one battery|How long does the battery of the {n} last;How long does the {n} run on a battery
founded|d|{N} was founded in {year} by {person};{N} was started by {person} in {year};{person} founded {N} in {year}|Who founded {N};When was {N} founded;Who started {N};In what year was {N} founded
born|d|{N} {M} was born in {place} in {year};Born in {place} in {year}, {N} {M} was the child of a {job}|Where was {N} {M} born;When was {N} {M} born;When was {N} born;Where was {N} born
died|d|{N} {M} died in {place} in {year};In {year} {N} {M} died in {place}|When did {N} {M} die;Where did {N} die;Where did {N} {M} die
worked|d|{N} worked as a {job} in {place};{N} became a {job} in {place};{N} was a {job} in {place}|What did {N} do in {place};What was {N};Where did {N} work;What did {N} work as
river|d|{N} lies on the river {proper};The river {proper} runs through {N}|On which river does {N} lie;Which river runs through {N};Which river is {N} on
people|d|{N} has {number} inhabitants;{number} people live in {N};The population of {N} is {number}|How many people live in {N};How many inhabitants does {N} have;What is the population of {N}
famous|d|{N} is known for its {ns};{N} is famous for the {n};People come to {N} for the {n}|What is {N} known for;What is {N} famous for;Why do people come to {N}
decided|d|{person} will {x} the {n} by {weekday};{person} agreed to {x} the {n};It was decided that {person} should {x} the {n}|Who will {x} the {n};Who agreed to {x} the {n};Who should {x} the {n};Who has to {x} the {n}
discount|d|{Ns} get a discount of {size} percent;Members pay {size} percent less for {ns};There is a discount of {size} percent on {ns}|What discount do {ns} get;How much less do members pay for {ns};How high is the discount for {ns}
parkrow|d|Parking for {ns} is {spot};{Ns} can park {spot}|Where can {ns} park;Where is parking for {ns}
wear|d|Everybody must wear a {n} in the {m};A {n} has to be worn in the {m};{Ns} are required in the {m}|What must I wear in the {m};Do I need a {n} in the {m};Is a {n} required in the {m};What is required in the {m}
purpose|d|The {n} is used to {x} {ms};{Ns} are used for the {m};The {n} is for {ms}|What is the {n} used for;What are {ns} used for;What is the {n} for
because|b|The {n} was {Z} because of the {m};We {X} the {n} because the {m} was {b};I {X} the {n} because of the {m}|Why was the {n} {Z};Why did we {x} the {n};Why did I {x} the {n}
broke|b|The {n} broke because the {m} was too {a};The {n} was lost in the {m};The {n} fell into the {m}|What happened to the {n};Why did the {n} break;What about the {n}
replace|d|The {n} was replaced by the {a} {m};{Ns} have been replaced by {ms};The {m} took the place of the {n}|What replaced the {n};What was the {n} replaced by;What have {ns} been replaced by
movedrow|d|The {n} was moved to {place};The {n} has moved to {place}|Where was the {n} moved;Where did the {n} move to;Where is the {n} now
called|d|The {a} {n} is called {proper};The {n} of the {m} is called {title};The name of the {n} is {title}|What is the {a} {n} called;What is the {n} called;What is the name of the {n};What is the {n} of the {m} called
eats|d|The {n} eats {food};{Ns} live on {food};{Ns} feed on {food} and {food}|What does the {n} eat;What do {ns} eat;What do {ns} live on;What does a {n} eat
lent|p|I lent the {n} to {person};I lent my {n} to {person};{person} borrowed my {n};I gave my {n} to {person};{person} has my {n}|Who did I lend my {n} to;Who has my {n};Who borrowed the {n};Who did I give my {n} to;Who has the {n}
from|p|I got the {n} from {person};{person} gave me the {n};I have the {n} from {person};The {n} was a present from {person}|Who gave me the {n};Who did I get the {n} from;Who is the {n} from;Where is the {n} from
belongs|p|The {n} belongs to {person};{person} owns the {n};The {a} {n} is {N}'s|Who does the {n} belong to;Who owns the {n};Whose {n} is it;Whose is the {a} {n}
takes|p|I take the {size} bus to the {n};I take bus {size} to the {n};I take the number {size} train to the {n};I go to the {n} by {word}|Which bus do I take to the {n};How do I get to the {n};What train goes to the {n};How do I go to the {n}
going|p|We are going to {place} in {month};We will be in {place} in {month};We travel to {place} in {month} with {person}|When are we going to {place};Where are we going in {month};Where will we be in {month};When do we travel to {place}
flies|p|I am flying to {place} on {day};My flight to {place} leaves at {time};My train to {place} leaves on {day}|When am I flying to {place};When does my flight to {place} leave;What time is my flight;When does my train to {place} leave
with|p|I am meeting {person} at {time};I have lunch with {person} on {weekday};I will see {person} on {day};My meeting with {person} is on {day}|When am I meeting {person};When do I have lunch with {person};When will I see {person};When is my meeting with {person}
didwhere|p|I {X} the {n} {spot};I {X} my {n} {spot};I {X} the {n} in {place};We {X} the {n} {spot}|Where did I {x} the {n};Where did I {x} my {n};Where was the {n} {Z};Where did we {x} the {n}
didwhen|p|I {X} the {n} on {day};I {X} my {n} in {month};We {X} the {n} on {date}|When did I {x} the {n};When did I {x} my {n};When did we {x} the {n};When was the {n} {Z}
didwho|p|I {X} the {n} with {person};{person} and I {X} the {n}|Who did I {x} the {n} with;Who {X} the {n} with me
didfor|p|I {X} the {n} for {person};We {X} the {n} for {person}|Who did I {x} the {n} for;For whom did I {x} the {n};Who is the {n} for
theydid|p|{person} {X} my {n};{person} {X} our {n};My {n} was {Z} by {person}|Who {X} my {n};Who {X} the {n};Who {X} our {n}
willdo|p|I have to {x} the {n} on {day};I will {x} my {n} on {weekday};I want to {x} the {n} before {time};I must not forget to {x} the {n} on {weekday}|When do I have to {x} the {n};When will I {x} my {n};When do I want to {x} the {n};When must I {x} the {n}
todo|p|I have to {x} the {n};I still need to {x} my {n};I promised to {x} the {n} for {person}|What do I have to {x};What do I need to {x};What did I promise to {x}
every|p|I {x} the {n} every {weekday};We {x} the {ns} on {weekday};The {n} is {Z} every {weekday}|When do I {x} the {n};On which day do we {x} the {ns};When is the {n} {Z}
wholikes|p|{N} likes {ns};{N} loves {ns}|What does {N} like;Who likes {ns};What does {N} love
whofears|p|{N} is afraid of {ns};{N} fears {ns}|What is {N} afraid of;Who is afraid of {ns}
whocollects|p|{N} collects {ns};{N} has a collection of {ns}|What does {N} collect;Who collects {ns}
keepsrow|p|My {k} {N} keeps her {n} {spot};My {k} {N} keeps his {n} {spot};{N} keeps the {n} {spot};{N} hid the {n} {spot};My {k} put the {n} {spot};{N} left her {n} {spot}|Where is the {n};Where is my {k}'s {n};Where is {N}'s {n};Where does {N} keep the {n};Where does my {k} keep her {n};Where can I find the {n}
kinplays|p|My {k} {N} plays the {n};My {k} {N} bought a {n};My {k} {N} sells {ns}|Who plays the {n};What does {N} play;Who bought a {n};Who sells {ns};What does my {k} play
kinage|p|My {k} {N} is {size} years old;My {k} {N} turned {size} in {month}|How old is my {k};How old is {N};What is my {k}'s age
kinlives|p|My {k} {N} lives in {place};My {k} {N} moved to {place};My {k} lives in {place} with two {ns}|Where does my {k} live;Where does {N} live;In which city does my {k} live
kinjob|p|My {k} {N} is a {job};My {k} {N} works as a {job};My {k} was a {job}|What does my {k} do;What is {N}'s job;What does {N} do for a living;What was my {k}'s job
kinthing|p|My {k}'s {n} is called {proper};My {k}'s {n} is {a};My {k}'s {n} is named {proper}|What is my {k}'s {n} called;What is the name of my {k}'s {n};How is my {k}'s {n}
kinborn|p|My {k} {N} was born in {place};My {k} was born in {place};My {k} {N} comes from {place}|Where was my {k} born;Where was {N} born;Where is {N} from;Where does my {k} come from
kinbirthday|p|My {k} {N}'s birthday is on {date};My {k}'s birthday is on {date};{N}'s birthday is on {date}|When is my {k}'s birthday;When is {N}'s birthday;What day is my {k}'s birthday
"""
# The same; a question is asked for the statements that share a word with it.
MORE = """
entry1|d|Every {n} needs the approval of the {m};{Ns} have to be approved by {person};A {n} must be approved by the {m}|Who has to approve the {n};Who approves {ns};Whose approval does a {n} need;Who must approve a {n}
booked|d|{Ns} are booked by the {m};The {m} books the {ns};{Ns} are ordered through {person}|Who books {ns};Who books the {ns};Who orders the {ns};How do I book a {n}
limit|d|A {n} may cost at most {size} euros;{Ns} may not cost more than {money};The most that is paid for a {n} is {money}|How much may a {n} cost;What may a {n} cost at most;What is the limit for {ns}
signs|d|Visitors must sign the {n} at the {m};All visitors sign the {n};Guests have to {x} the {n}|What must visitors do;What do visitors have to sign;What do guests have to do;Where do visitors sign
homework|d|Members may use the {n} up to {size} days a week;Students can work in the {m} {count} days a week;The staff may come {size} times a month|How often may members use the {n};How many days a week can students work in the {m};How often may the staff come
requestsrow|d|Requests for {ns} are sent to {email};Send your {n} to {email};Applications for a {n} go to {person}|Where do I send my {n};Where do I send requests for {ns};Who do I send the {n} to;How do I apply for a {n}
lastchange|d|The {n} was last changed in {month};This {n} was updated on {date};The {n} was revised in {year}|When was the {n} last changed;When was the {n} updated;When was the {n} revised;How old is the {n}
allowance|d|The daily {n} is {size} euros;The monthly {n} is {money};The {n} amounts to {money} a year|What is the daily {n};How high is the {n};How much is the monthly {n};How much is the {n} a year
leaves|b|The {n} to the {m} leaves every {count} hours;The {n} to {N} leaves at {time};The {n} goes every {size} minutes from the {m}|When does the {n} leave;How often does the {n} leave;From where does the {n} leave;When does the {n} to {N} leave;How often does the {n} go
arrives|b|The {n} arrives at {time};The {n} from {N} gets in at {time};The {n} will arrive on {day}|When does the {n} arrive;What time does the {n} arrive;When will the {n} be here;When does the {n} from {N} get in
steps|d|{number} steps lead to the {n};The path to the {n} has {number} steps;There are {size} steps up to the {n}|How many steps lead to the {n};How many steps are there to the {n}
lastone|d|The last {n}, {person}, left in {year};The first {n} was {person};{person} was the first {n};The last {n} was {person}|Who was the last {n};Who was the first {n};What was the name of the last {n};When did the last {n} leave
inyear|d|In {year} the {n} was {Z};In {year} the {n} was {Z} again;In {year} the {m} was replaced by a {n};In {year} a {n} destroyed the {m}|What was {Z} in {year};What replaced the {m};What destroyed the {m}
childrenpay|d|Children pay {size} euros, and adults {money};A ticket costs {money}, and {ns} pay half;Entrance is free for {ns}|How much do children pay;What do children pay;How much is a ticket;What does a ticket cost;What do {ns} pay;How much is the entrance
monthsopen|d|The {n} is open from {month} to {month};The {n} is closed from {month} to {month};The {n} is closed on {weekday}|When is the {n} open;In which months is the {n} open;When is the {n} closed;When can I visit the {n}
standsrow|d|The {n} stands on a {a} {m} in {place};The {n} stands near the {m};The {n} lies at the end of the {m};The {n} lies between the {m} and the {o}|Where does the {n} stand;Where is the {n};Where does the {n} lie;Where can I see the {n}
invented|d|{person} invented the {n};The {n} was invented by {person} in {year};The {n} was discovered in {year} by {person}|Who invented the {n};When was the {n} invented;Who discovered the {n};When was the {n} discovered
protects|d|The {n} protects the {m} from {ns};The {m} stops when the {n} is too {a};The {n} turns off after {length}|What does the {n} do;What protects the {m};When does the {n} turn off;What is the {n} there for
storeit|d|Store the {ns} in a {a} {m};Keep the {n} away from {ms};Do not put the {n} into the {m}|Where should I store the {ns};How do I store the {n};Where do I keep {ns};What should I keep the {n} away from
dosage|d|Take {count} {ns} a day after {m};Adults take {size} ml of the {n} every {size} hours;Do not take more than {size} {ns} a day|How many {ns} do I take;How often do I take the {n};How much {n} may adults take;How many {ns} may I take a day
watering|d|Water the {n} every {size} days;The {n} needs {a} soil and much light;{Ns} grow best in {a} soil|How often do I water the {n};What does the {n} need;Where do {ns} grow best;How often should I water the {n}
season|d|{Ns} are planted in {month};The {n} blooms in {month};{Ns} are harvested from {month} on|When are {ns} planted;When does the {n} bloom;When are {ns} harvested;When do I plant {ns}
installs|d|To install the {n}, run {word};Install the {n} with {code};The {n} listens on port {number};The default port of the {n} is {number}|How do I install the {n};Which port does the {n} use;What port does the {n} listen on;How is the {n} installed
storesdata|d|The {n} stores its data in {word};Logs of the {n} are in the {m} folder;The {n} is configured in {word}|Where does the {n} store its data;Where are the logs of the {n};How do I configure the {n};Where is the {n} configured
supports|d|The {n} supports {title} and {title};The {n} works with {title};The {n} runs on {title} only|What does the {n} support;What does the {n} work with;What does the {n} run on;Does the {n} support {title}
orbit|d|{N} has {size} moons;One year on {N} lasts {length};{N} is {number} km away|How many moons does {N} have;How long is a year on {N};How far away is {N};How far is {N}
war|d|The war of {N} began in {year} and ended in {year};The battle of {N} was won by {person};{person} won the battle of {N}|When did the war of {N} begin;Who won the battle of {N};When did the war of {N} end
wrotebook|d|{person} wrote {N} in {year};{N} was written by {person};The author of {N} is {person}|Who wrote {N};When was {N} written;Who is the author of {N};By whom is {N}
votes|d|The {n} was accepted with {size} votes;{size} members voted for the {n};The board rejected the {n}|How many voted for the {n};How many votes did the {n} get;What did the board do with the {n};Was the {n} accepted
nextmeeting|d|The next {n} is on {day} in the {m};The next {n} will be held on {date} at {time};The {n} was moved to {weekday}|When is the next {n};Where is the next {n};When will the next {n} be held;To which day was the {n} moved
sales|d|Sales of {ns} rose by {size} percent;The {m} sold {number} {ns} in {month};In {month} {number} {ns} were sold|How much did sales of {ns} rise;How many {ns} were sold;How many {ns} did the {m} sell;How many {ns} were sold in {month}
hiredrow|d|{person} joined the {n} in {month};{person} leads the {n} team;The {n} team is led by {person};The {n} team has {size} members|Who joined the {n};Who leads the {n} team;How many members does the {n} team have;Who is the head of the {n} team
covered|d|The insurance covers {ns} up to {money};{Ns} are not covered|Are {ns} covered;Up to what amount are {ns} covered
coveredpay|d|The insurance pays {size} percent for {ns}|How much does the insurance pay for {ns}
rent|d|The rent for the {n} is {money} a month;The deposit for the {n} is {money};The {n} must be cleaned by the {m}|What is the rent for the {n};How much is the deposit for the {n};How high is the rent for the {n};Who must clean the {n}
noticep|d|The notice period for the {n} is {length};The contract for the {n} can be ended with {length} notice|What is the notice period for the {n};How long is the notice period;How do I end the contract for the {n}
contractend|d|The contract for the {n} ends on {date};The contract for the {n} begins on {date} and ends on {date}|When does the contract for the {n} end
quiet|d|Quiet hours are from {time} to {time};No music may be played after {time};Between {time} and {time} the {n} must be quiet|When are the quiet hours;Until when may I play music;When must the {n} be quiet;What are the quiet hours
trash|d|The {n} bin is emptied on {weekday};{Ns} belong into the {a} bin;The {n} is collected every {weekday}|When is the {n} bin emptied;Where do {ns} go;When is the {n} collected;Which bin do {ns} belong in
breakfasttime|d|Breakfast is served from {time} to {time} in the {m};Dinner is served at {time};Lunch is served in the {m}|When is breakfast;What time is breakfast;Where is breakfast;When is dinner;What time is dinner;Where is lunch;Where can I have lunch
wifihere|d|The network is called {proper}, and the password is {code};Guests log in with the code {code};The name of the network is {proper}|What is the network called;What is the password;What is the wifi password;How do guests log in;What is the name of the network
taughtme|p|{person} taught me to {x} {ns};My {k} taught me to {x};My {k} {N} taught me how to {x} a {n};I learned to {x} from {person}|Who taught me to {x} {ns};Who taught me to {x};Who did I learn to {x} from;What did {N} teach me;What did my {k} teach me
toldme|p|{person} told me to {x} the {n};The {n} told me to {x} less {m};My {k} told me to {x} my {n};{person} said that I should {x} the {n}|Who told me to {x} the {n};What did the {n} tell me;What did my {k} tell me to do;What did {person} tell me;Who said that I should {x} the {n}
owes|p|{N} owes me {money};{N} owes me {size} euros;{N} has to pay me {money}|How much does {N} owe me;What does {N} owe me;Who owes me money;How much does {N} have to pay me
iowe|p|I owe {N} {money};I owe {N} {size} euros|How much do I owe {N};Who do I owe money;What do I owe {N}
theybroke|p|My {k} {N} {X} the {n};My {k} {X} {spot};{N} {X} a {n} while {xg};My {k} {X} her {n};My {k} {X} his {n}|What did {N} {x};Who {X} the {n};What did my {k} {x};Who {X} a {n};What happened to my {k}
needed|p|I {X} the {n} in {length};I needed {length} for the {n};The {n} took me {length};I finished the {n} in {length}|How long did I need for the {n};How long did the {n} take me;How fast did I finish the {n};What was my {n} time;How long did it take me to {x} the {n}
dinnerat|p|Our {n} is at {title} on {weekday};My {n} is at {title};Our {n} is in {place};The {n} party is at {title} on {day}|Where is our {n};Where is my {n};When is our {n};Where is the {n} party;When is the {n} party;When is the {n};Where is the {n}
adopted|p|We adopted a {n} called {proper} in {month};I have a {n} called {proper};Our {n} is called {proper};We got a {n} named {proper}|What is the {n} called;When did we adopt the {n};What is our {n} called;What is the name of the {n};What is my {n} called
numberof|p|The {n}'s number is {phone};The phone number of the {n} is {phone};Call the {n} at {phone};{N}'s number is {phone}|What is the {n}'s number;What is the phone number of the {n};How can I reach the {n};What is {N}'s number;How do I call the {n}
drawers|p|I put the {ns} {spot};The {ns} are {spot};I keep my {ns} {spot};We store the {ns} {spot};My {k} put the {ns} {spot}|Where are the {ns};Where are my {ns};Where did I put the {ns};Where do I keep my {ns};Where do we store the {ns};Where did my {k} put the {ns}
reason|p|I am learning {word} because of {N};I quit {word} because it was too {a};I sold the {n} because it was too {a};I moved because of the {n}|Why am I learning {word};Why did I quit {word};Why did I sell the {n};Why did I move
planstrip|p|I want to {x} a {n} next year;My goal is to {x} {ns};I plan to {x} a {n} in {place};I dream of a {n} in {place}|What do I want to {x};What is my goal;What do I plan to {x};What do I dream of;Where do I plan to {x} a {n}
habits|p|I {x} for {length} every {weekday};I {x} {size} {ns} a day;Before bed I {x} a {n};I always {x} with {word}|When do I {x};How long do I {x};How many {ns} do I {x} a day;What do I do before bed;What do I always {x} with
sizeof|p|The {n} is {size} cm wide;My {n} has {size} {ms};The {n} weighs {size} kilos;My {n} is {size} years old;The {n} holds {size} litres|How wide is the {n};How many {ms} does my {n} have;How heavy is the {n};How old is my {n};How much does the {n} hold
mixes|p|I put {food} and {food} into the {n};My {n} is made with {food};The secret of my {n} is {food};I {x} the {n} with {food}|What do I put into the {n};What is in my {n};What is the secret of my {n};What do I {x} the {n} with
subscr|p|My {n} costs {money} a month;I pay {money} a month for the {n};My {n} subscription ends on {date};The {n} bill was {money}|How much is my {n};How much do I pay for the {n};When does my {n} subscription end;How high was the {n} bill;What does my {n} cost
saved|p|I saved the {n} under {word};The {n} file is called {word};I wrote the {n} in the {m} folder;The backup of the {n} is {spot}|Where did I save the {n};What is the {n} file called;Where is the {n} file;Where is the backup of the {n}
promise|p|I promised {N} to {x} the {n};{N} asked me to {x} the {n};I have to help {N} with the {n};{N} wants to {x} the {n}|What did I promise {N};What did {N} ask me to do;What do I have to help {N} with;What does {N} want to {x};Who asked me to {x} the {n}
travelwith|p|I went to {place} with {N} in {year};{N} and I met in {place};I met {N} at the {n};I know {N} from the {n}|Who did I go to {place} with;Where did I meet {N};Where did {N} and I meet;Where do I know {N} from;When did I go to {place}
"""
# Groups of which one may answer what is asked of another.
ALIKE = (
    {"standsrow", "dinnerat", "drawers", "storeit", "where", "keepsrow", "holder", "lent",
     "movedrow", "didwhere", "didplace", "from", "must"},
    {"nextmeeting", "arrives", "leaves", "dinnerat", "monthsopen", "season", "begins", "deadline",
     "didwhen", "willdo", "every", "opens", "often"},
    {"lasts", "lasts2", "long", "battery"}, {"made", "theydid", "didwho", "decided", "charge"},
    {"because", "broke"}, {"seats", "capacity", "area"}, {"returns", "cancel", "refund"},
    {"material", "need"}, {"bake", "heat"}, {"made", "didplace"}, {"didfor", "purpose"},
    {"kinthing", "called"}, {"born", "died"}, {"going", "flies"}, {"kinborn", "kinlives"},
    {"call", "charge", "holder", "numberof"}, {"speed", "power"}, {"adopted", "called"},
    {"price", "subscr", "childrenpay", "rent", "tablerow", "feeyear", "feenew", "allowance"},
    {"made", "builtby", "builtin"}, {"lasts", "needed"},
    {"made", "inyear", "happened", "didwhen"},
    {"forbid", "forbidin", "forbiddo", "allowed", "storeit"}, {"deadline", "feedue", "contractend"},
    {"opens", "hoursall", "listrow", "begins", "postponed"}, {"call", "contactall", "finds"},
    {"keyall", "holder", "where"}, {"listwho", "charge", "headof"}, {"wentto", "spent", "kinlives"},
    {"married", "studied", "worked"}, {"allowed", "forbid"}, {"high", "highest"}, {"sank", "monthsopen"},
    {"theydid", "theybroke", "broke", "didwho"}, {"password", "wifihere"}, {"opens", "monthsopen"},
    {"sizeof", "wide", "weightrow", "capacity", "part"}, {"entry1", "charge", "decided"},
    {"invented", "made"}, {"need", "mixes"}, {"lastchange", "made"}, {"rent", "charge"},
    {"toldme", "promise"}, {"purpose", "protects"}, {"storesdata", "saved"},
    {"todo", "planstrip", "willdo", "theybroke", "habits"},
)
# Groups that may be asked for by no noun, and by a verb alone.
GENERAL = (
    "flies", "going", "signs", "childrenpay", "quiet", "breakfasttime", "wifihere", "homework",
    "noticep", "planstrip", "inyear", "owes", "happened", "iowe", "hoursall",
    "contactall", "keyall", "present", "joined", "feenew",
)
BY_VERB = ("todo", "taughtme", "habits", "theybroke", "planstrip")
_FORMS = {slot: (slot, slot.upper() + "s", slot + "s", "C" + slot) for slot in "nmoNk"}
SLOTS = re.compile(r"\{(\w+)\}")
NOUN, NAME, VERB = ("n", "m", "o"), ("N", "M"), {"x", "X", "Z", "Xb", "Xg"}


def _plural(noun):
    if noun.endswith(("s", "x", "sh", "ch")):
        return noun + "es"
    return noun[:-1] + "ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else noun + "s"


def ing(verb):
    """The form in -ing."""
    return (verb[:-1] if verb.endswith("e") else verb) + "ing"


def _noun(rng, values):
    """A noun, often one of no list, or of two words."""
    noun = rng.choice(values.words) if values.words and rng.random() < 0.35 else values._noun()
    if rng.random() < 0.3:
        noun = rng.choice((rng.choice(NOUNS), rng.choice(NOUNS), values._noun())) + " " + noun
    return noun


SILENT = set(
    "who what when where how which is are was were do does did i my me we our the a an to in of for "
    "on at it be can may must should have has had much many long often old will you they that this "
    "by from with and or if there up most least whose why so not too than".split()
)
# What must stand in a statement for a question that begins so.
ASKED_FOR = (
    ("When|What time|Until when|By when|In wh(at|ich) year|On wh(at|ich) day|At what time",
     r"\{(time|day|date|month|weekday|year)\}|every|once|twice|within|\{length\}"),
    ("Where|In which city|From where",
     r"\{(spot|place|email|person|N|title|word)\}|(in|at|on|near|between|from|into) (the|a) \{"),
    ("Who|By whom|For whom|Whose", r"\{(person|N|k|email|phone|m)\}"),
    ("How old", r"years old|turned|changed|updated|revised"),
    ("How long|How fast", r"\{(length|size|number|time|month|year|date)\}"),
    ("How much|How many|How high|How heavy|What is the price|What does .* cost",
     r"\{(size|number|money|count|length)\}"),
)
# What the first letters do not show.
SAME_VERB = {
    "told": "tell", "took": "take", "paid": "pay", "sold": "sell", "wrot": "writ", "goes": "go",
    "went": "go", "owes": "owe", "lies": "lie", "gets": "get", "appl": "appl", "met": "meet",
    "runs": "run", "grow": "grow",
}


def _words(text):
    words = re.findall(r"[a-z]+", SLOTS.sub(" ", text).lower())
    cut = {word[:4] for word in words if word not in SILENT}
    return {SAME_VERB.get(word, word) for word in cut}


def _answers(ask, say, strict):
    """Whether a question may be asked for this statement: what it names, the statement names.

    With `strict`, a word of its own too.
    """
    named, known = set(SLOTS.findall(ask)), set(SLOTS.findall(say))
    if named & VERB and not known & VERB:
        return False
    short = {"Cn": "n", "Ns": "n", "ns": "n", "Ms": "m", "ms": "m"}
    roots = lambda slots: {short.get(slot, slot) for slot in slots} - VERB
    if not roots(named) <= roots(known):
        return False
    for opening, wanted in ASKED_FOR:
        if re.match(opening, ask) and not re.search(wanted, say):
            return False
    return not strict or not _words(ask) or bool(_words(ask) & _words(say))


def _rows():
    """(group, who, [(statement, questions that it answers)])."""
    rows = []
    for table, strict in ((TABLE, False), (MORE, True)):
        for line in table.strip().split("\n"):
            group, who, says, asks = line.split("|")
            pairs = [
                (say, [ask for ask in asks.split(";") if _answers(ask, say, strict)])
                for say in says.split(";")
            ]
            rows.append((group, who, [pair for pair in pairs if pair[1]]))
    return [row for row in rows if row[2]]


ROWS = _rows()
# Of documents: rows in which every statement is about a thing, and about a name.
_about = lambda *slots: [
    row for row in ROWS
    if row[1] != "p" and all(any(slot in say for slot in slots) for say, _ in row[2])
]
ABOUT_THING, ABOUT_NAME = _about("{n}", "{Ns}"), _about("{N}")


class Statement:
    """A row with its nouns: the relation of nobody, whose sentence holds all that is asked for."""

    owners, nouns, value = THINGS, (), ""

    def __init__(self, rng, values, who, near=None, topic=False):
        """A row for `who`: any, or one close to `near`, or with `topic` another about the same."""
        self.row = rng.choice([row for row in ROWS if row[1] in (who, "b")])
        if topic:
            self.row = rng.choice(ABOUT_THING if near.about_thing else ABOUT_NAME)
        elif near is not None and rng.random() < 0.5 and near.row[1] in (who, "b"):
            self.row = near.row
        group, _, pairs = self.row
        slots = {name: _noun(rng, values) for name in NOUN}
        slots |= {name: values.name() for name in NAME}
        slots |= {"x": rng.choice(VERBS), "a": rng.choice(ADJECTIVES), "k": rng.choice(KIN)}
        if topic:
            slots |= {"n": near.slots["n"], "N": near.slots["N"], "M": near.slots["M"]}
        elif near is not None:
            # As close to another statement as can be: something is the same.
            for kept in rng.sample("nmoNMxak", rng.randint(1, 2)):
                slots[kept] = near.slots[kept]
        self.slots = slots
        base, past, done = parts_of(slots["x"])
        words = {**slots, "X": past, "Z": done, "x": base, "b": rng.choice(ADJECTIVES)}
        words |= {"Xb": capital(base), "Xg": capital(ing(base))}
        words["xg"] = ing(rng.choice(VERBS).split(":")[0])
        words |= {"ns": _plural(slots["n"]), "ms": _plural(slots["m"])}
        words |= {"Cn": capital(slots["n"])}
        words |= {"Ns": capital(words["ns"]), "Ms": capital(words["ms"])}
        (say, asks), drawn = rng.choice(pairs), {}

        def put(match):
            slot = match.group(1)
            if slot in words:
                return words[slot]
            value = values.draw(slot)
            return drawn.setdefault(slot, value) and value

        self.said = SLOTS.sub(put, say).replace("¦", "|")
        self.about_thing = "{N}" not in say
        subject = "The " + slots["n"] + " " if self.about_thing else slots["N"] + " "
        self.subject = subject if self.said.startswith(subject) else ""
        words |= drawn
        self.asks = [SLOTS.sub(lambda slot: words[slot.group(1)], ask) for ask in asks]
        # By what it may be asked for: nothing else that is known may answer to the same.
        about = {slots[slot] for slot in "nmoNk" if any("{" + f + "}" in say for f in _FORMS[slot])}
        about |= {""} if group in GENERAL else set()
        about |= {slots["x"]} if group in BY_VERB else set()
        kinds = [kind for kind in ALIKE if group in kind] or [{group}]
        self.keys = {(min(kind), word) for kind in kinds for word in about}
        self.key = "row:" + group
