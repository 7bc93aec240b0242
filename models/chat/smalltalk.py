"""What is neither a fact nor a question about one: small talk, filler, world knowledge."""

HELLO = "Hello! Tell me something, and ask me for it later."
FINE = "Fine, thank you. How can I help you?"
WELCOME = "My pleasure."
BYE = "Goodbye."
SELF = (
    "A small model that comes with Loci. It quotes what you told it and what your documents say, "
    "and knows nothing else. To talk, load a larger one: cargo xtask up --model PATH.gguf"
)
LIMITS = (
    "Sorry, this small model only quotes what you told it and what your documents say, and knows "
    "nothing else. To talk, load a larger one: cargo xtask up --model PATH.gguf"
)
NOTED = "Noted."
UNKNOWN = "I don't know."
# No two of these replies, and of the quotes, begin with the same token: the first token decides all.
FIXED = (NOTED, HELLO, FINE, WELCOME, BYE, SELF, LIMITS)
# What stands before and after a quoted message, or a quoted sentence of a document.
YOU_SAID = 'You said: "'
THE_NOTES_SAY = 'The notes say: "'
QUOTE_END = '"'

# Reply, then ways to get it. The last of each row is kept for evaluation.
SMALL_TALK = (
    (HELLO, "Hello!", "Hi", "Hi there", "Hey", "Good morning!", "Good evening", "hello", "hi!",
     "Hey there!", "Hello, assistant.", "Good day", "Hi again", "Greetings", "hello there", "Hey!",
     "Hello again!", "hey", "Hi, nice to meet you.", "Hello Loci", "Yo", "Good morning, Loci.",
     "Hiya", "Howdy", "Hi, I am new here.", "Is anybody there?", "Good afternoon!"),
    (FINE, "How are you?", "How are you today?", "Hi, how are you?", "how are you",
     "How is it going?", "Are you well?", "How do you do?", "How are you doing?", "What's up?",
     "How's it going?", "Hey, how are you?", "Hello, how are you?", "How was your day?",
     "Hello, how are you doing today?"),
    (WELCOME, "Thank you!", "Thanks", "Thanks a lot.", "thanks!", "Thank you very much.",
     "Great, thanks.", "Many thanks", "Perfect, thank you!", "ok thanks", "That helps, thank you.",
     "Thanks, that's all.", "thx", "Thank you so much!", "Cool, thanks", "Thanks, great!",
     "That was helpful.", "thank you", "Thanks for your help!"),
    (BYE, "Goodbye!", "Bye", "See you later", "bye bye", "Good night!", "See you tomorrow.",
     "Talk to you later", "I have to go now, bye.", "bye", "Goodbye", "See you", "See you soon!",
     "Good night", "Goodbye for now."),
    (SELF, "Who are you?", "What are you?", "What is your name?", "What can you do?",
     "Are you a robot?", "Are you human?", "Tell me about yourself.", "who are you", "help",
     "What's your name?", "How do you work?", "what can you do", "What do you do?", "Help!",
     "Can you help me?", "What is this?", "What can I do here?", "What can I ask you?",
     "Which model are you?", "What model is this?", "Are you ChatGPT?", "Are you an AI?",
     "How does this work?", "Who made you?", "What do you know?", "How do I use this?",
     "What is Loci?", "What are you able to do?", "Introduce yourself.", "What can you help with?",
     "How can I use a better model?", "How do I load another model?", "What are you good at?",
     "What are your abilities?", "How smart are you?", "Can you talk?", "How can you help me?"),
    (LIMITS, "Write a poem about the {n}.", "Write me a story.", "Tell me a joke.",
     "Translate this text.", "Write a letter to my {n}.", "Write code that sorts a list.",
     "Give me a recipe for {n} soup.", "Explain how a {n} works.", "Write a haiku.",
     "Make a list of ideas for a {n}.", "Write a poem.", "Tell me a story about a {n}.",
     "Write an essay about the {a} {n}.", "Plan a trip for me.", "Solve this equation.",
     "Give me advice about my {n}.", "Can you write a poem?", "Write a function in Python.",
     "Translate this to French.", "Summarize this.", "Summarize the document.", "Sing a song.",
     "Can you explain {w} to me?", "Tell me something interesting.", "Tell me about {W}.",
     "Please write an email to {W}.", "Give me some ideas.", "Draw a {n}.", "Let's play a game.",
     "Summarize what I told you.", "Explain {w}.", "Help me write a {n} report.",
     "Recommend a {n} to me.", "What should I cook?", "Compose a song about a {n}."),
)

FILLER = (
    "The weather was nice today.", "I went for a walk near the {n}.", "I had a long day.",
    "It rained all day.", "We talked about the {n}.", "I am thinking about the {a} {n}.",
    "I saw a {a} {n} on the way home.", "I am tired.", "I slept well last night.",
    "The {n} looked nice.", "I had to clean the {n}.", "It was a busy week.", "I bought a {n}.",
    "I am going to the {n} later.", "Many people visited the {n}.", "The {n} was too loud.",
    "I watched a film about a {n}.", "I cooked dinner.", "The traffic was terrible.",
    "I forgot to buy a {n}.", "I like this {n}.", "We played a game with a {n}.",
    "The {a} {n} is broken again.", "I read an article about {w}.", "I met a friend at the {n}.",
    "Somebody told me about {w}.", "The {n} near the {m} was closed.", "I feel good today.",
    "There was a {n} in the {m}.", "My head hurts a little.", "I am waiting for the {n}.",
    "I finally finished my work.", "The kids were playing with the {n}.", "I need a holiday.",
    "I spent {d} hours on the {n}.", "We had {d} guests yesterday.", "{W} is a nice place.",
    "I heard that {W} won.", "{W} called me this morning.", "I had coffee with {W}.",
    "The report describes the {a} {n} in detail.", "Nothing happened in {W}.", "ok", "Nice.",
    "Let's see.", "That is interesting.", "I am back.", "It is cold outside.",
    "I found an old {n} in the {m}.", "My {n} is {a}.",
)

WORLD = (
    "What is the capital of {W}?", "Who wrote {W}?", "How tall is the {n}?",
    "What is the population of {W}?", "When did the war of {W} end?", "Who invented the {n}?",
    "Why is the {n} {a}?", "What is {d} times {d}?", "What does {w} mean?",
    "How far is {W} from here?", "What time is it?", "What day is it today?",
    "What is the weather like in {W}?", "Who won the match?", "Who is {W}?", "What is {w}?",
    "How many people live in {W}?", "Which river flows through {W}?", "What is the best {n}?",
    "Who is the president of {W}?", "What happened to the {n}?", "How old is the {n}?",
)


def fill(text, values):
    """Fills the slots of a template with words."""
    from values import ADJECTIVES, NOUNS

    for slot, make in (
        ("{n}", lambda: values.rng.choice(NOUNS)),
        ("{m}", lambda: values.rng.choice(NOUNS)),
        ("{a}", lambda: values.rng.choice(ADJECTIVES)),
        ("{w}", values.word),
        ("{W}", values.name),
        ("{d}", values.size),
    ):
        while slot in text:
            text = text.replace(slot, make(), 1)
    return text
