"""A second set written by hand, which nothing was chosen by: written before the last training run
ended, and asked once, when all was done.

As in `natural.py`; `DOCUMENTS` are (excerpts, questions with what an answer must hold, or None where
the document does not tell).
"""

FACTS = (
    ("My cousin Fabrizio repairs old radios.", ("What does Fabrizio repair?", "Who repairs old radios?"), "Fabrizio"),
    ("The attic key hangs behind the kitchen clock.", ("Where is the attic key?", "Where does the key to the attic hang?"), "clock"),
    ("I was born in Ljubljana.", ("Where was I born?", "What is my place of birth?"), "Ljubljana"),
    ("My daughter's school play is on the 21st of May.", ("When is the school play?", "When is my daughter's school play?"), "21st"),
    ("I left my glasses at Henrik's house.", ("Where are my glasses?", "Where did I leave my glasses?"), "Henrik"),
    ("The landlord raised the rent to 940 euros.", ("How much is the rent now?", "What is the rent?"), "940"),
    ("My horse is called Sultan.", ("What's my horse's name?", "What is my horse called?"), "Sultan"),
    ("I can't eat gluten.", ("What can't I eat?", "What must I not eat?"), "gluten"),
    ("Our wifi is called Periwinkle.", ("What is our wifi called?", "What's the name of our wifi?"), "Periwinkle"),
    ("My boss is Ms. Takahashi.", ("Who is my boss?", "What is my boss's name?"), "Takahashi"),
    ("I have physiotherapy every Wednesday at 5.", ("When do I have physiotherapy?", "On which day is my physiotherapy?"), "Wednesday"),
    ("The car is due for inspection in November.", ("When is the car due for inspection?", "When is the inspection of the car?"), "November"),
    ("My grandmother made the best plum cake.", ("What did my grandmother make?", "Who made the best plum cake?"), "plum cake"),
    ("I support Real Zaragoza.", ("Which team do I support?", "What football team do I support?"), "Zaragoza"),
    ("My alarm is set to 6:40.", ("What time is my alarm set to?", "When does my alarm go off?"), "6:40"),
    ("We named our boat Seagull.", ("What did we name our boat?", "What is our boat called?"), "Seagull"),
    ("My student number is 20417.", ("What is my student number?", "What's my student number?"), "20417"),
    ("I am writing a thesis about peat bogs.", ("What is my thesis about?", "What am I writing about?"), "peat"),
    ("Uncle Bertrand lives on a farm near Dijon.", ("Where does Uncle Bertrand live?", "Who lives on a farm?"), "Dijon"),
    ("I bought a red umbrella for 15 dollars.", ("How much did I pay for the umbrella?", "What colour is the umbrella?"), "15"),
    ("My favourite writer is Octavia Lund.", ("Who is my favourite writer?", "Which writer do I like best?"), "Lund"),
    ("The baby was born on February 3rd.", ("When was the baby born?",), "February"),
    ("I keep my savings at Hollow Bank.", ("Where do I keep my savings?", "Which bank are my savings at?"), "Hollow"),
    ("My neighbour Ines waters the plants when we are away.", ("Who waters the plants?", "What does Ines do?"), "Ines"),
    ("The trash is picked up on Thursdays.", ("When is the trash picked up?",), "Thursday"),
    ("I broke my wrist in 2019.", ("When did I break my wrist?", "What did I break in 2019?"), "2019"),
    ("My son plays goalkeeper.", ("What position does my son play?", "What does my son play?"), "goalkeeper"),
    ("The tomato seeds are in the shed.", ("Where are the tomato seeds?",), "shed"),
    ("I promised Clara a bicycle.", ("What did I promise Clara?", "Who did I promise a bicycle?"), "bicycle"),
    ("My flight number is QX 518.", ("What is my flight number?", "What's the number of my flight?"), "518"),
    ("Our tent sleeps four people.", ("How many people does our tent sleep?", "How many people fit in the tent?"), "four"),
    ("My wife is a marine biologist.", ("What is my wife's job?", "What does my wife do?"), "marine"),
    ("I run ten kilometres every Sunday.", ("How far do I run on Sundays?", "When do I run?"), "ten"),
    ("The code of the garage is 5590.", ("What is the garage code?", "What's the code of the garage?"), "5590"),
    ("I'd like to visit Patagonia one day.", ("Where would I like to go?", "Which place would I like to visit?"), "Patagonia"),
    ("My doctor is called Dr. Mbeki.", ("Who is my doctor?", "What is my doctor called?"), "Mbeki"),
    ("I take my coffee with two sugars.", ("How do I take my coffee?", "How many sugars do I take?"), "two"),
    ("The piano tuner comes on the 12th.", ("When does the piano tuner come?",), "12th"),
    ("My bike lock combination is 3-8-1-6.", ("What is my bike lock combination?", "What's the combination of my bike lock?"), "3-8-1-6"),
    ("We got married in a chapel in Bergen.", ("Where did we get married?",), "Bergen"),
)
ABSENT = (
    "What is my parrot's name?", "Where is the ladder?", "Who is my lawyer?", "What is my salary?",
    "When is my mother's birthday?", "What did I buy on Monday?", "What is my passport number?",
    "Where does my sister work?", "How tall is my son?", "Which languages do I speak?",
    "What is the name of my dentist?", "What is the wifi password?", "Where did I park the car?",
    "When is my job interview?", "What is my favourite song?", "Who painted the Mona Lisa?",
    "How old is my wife?", "Where is my phone?", "What did Clara promise me?", "Who cooks on Fridays?",
    "What is the capital of Peru?", "When does the train leave?",
)
DOCUMENTS = (
    ((
        "# Meadow Lane Kennels\n\nDogs are welcome from the age of six months. Bring the vaccination "
        "card with you. Each dog gets two walks a day.",
        "## Prices\n\nOne night costs 28 euros for small dogs. Large dogs pay 35 euros. Every second "
        "dog of a family gets a quarter off.\n\n- Bath: 18 euros\n- Late pick-up: 10 euros",
        "## Getting here\n\nTake bus 44 to Millstone. The gate closes at 7 pm. In an emergency, "
        "Dr. Falk can be reached on 0171 5502.",
    ), (
        ("From what age are dogs welcome?", "six months"), ("What should I bring?", "vaccination"),
        ("How many walks does a dog get?", "two"), ("How much is a night for a small dog?", "28"),
        ("What do large dogs pay?", "35"), ("How much is a bath?", "18"),
        ("Which bus goes to Millstone?", "44"), ("When does the gate close?", "7 pm"),
        ("How can I reach Dr. Falk?", "0171"),
        ("Who owns the kennels?", None), ("Do you take cats?", None), ("What do the dogs eat?", None),
    )),
    ((
        "Release notes, version 4.2\n\nThe search is twice as fast as before. Reports can now be "
        "exported as PDF. The old login page was removed. Backups are made every night at 3 am and "
        "kept for two weeks. Passwords must have at least twelve characters. Version 4.2 needs at "
        "least 8 GB of memory. Problems with the calendar will be solved in version 4.3.",
    ), (
        ("When are backups made?", "3 am"), ("How long are backups kept?", "two weeks"),
        ("How long must a password be?", "twelve"), ("How much memory does version 4.2 need?", "8 GB"),
        ("What was removed?", "login page"), ("How can reports be exported?", "PDF"),
        ("When will the calendar problems be solved?", "4.3"),
        ("Who wrote the search?", None), ("What does the software cost?", None),
        ("When was version 4.2 released?", None),
    )),
    ((
        "Lentil stew\n\nFry two onions in a little oil. Add 300 grams of red lentils and a litre of "
        "broth. Let it simmer for 25 minutes. Season with cumin and lemon juice. It serves four. The "
        "stew keeps for three days in the fridge. My mother always served it with flat bread.",
    ), (
        ("How many lentils do I need?", "300"), ("How long does the stew simmer?", "25"),
        ("How many people does it serve?", "four"), ("How long does the stew keep?", "three days"),
        ("What is the stew seasoned with?", "cumin"), ("What was the stew served with?", "flat bread"),
        ("How much salt do I need?", None), ("How many calories does it have?", None),
    )),
    ((
        "The otters of the Senna\n\nOtters had vanished from the Senna by 1970. Farmers had drained "
        "the meadows, and the water was dirty. In 1996 the biologist Rahel Stumm released six animals "
        "near Altbach. Today about ninety otters live along the river. They hunt at night and eat "
        "mainly fish. The young stay with the mother for a year. The biggest danger for them is the "
        "road to Kolm.",
    ), (
        ("When had the otters vanished?", "1970"), ("Who released six animals?", "Stumm"),
        ("How many otters live along the river today?", "ninety"), ("What do otters eat?", "fish"),
        ("How long do the young stay with the mother?", "a year"),
        ("What is the biggest danger for the otters?", "road"),
        ("How heavy is an otter?", None), ("Where does Rahel Stumm live?", None),
    )),
)
