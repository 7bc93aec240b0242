"""Wording: who a fact is about, and the frames in which statements and questions come."""

import dataclasses
import re

from relations import KIN, PEOPLE
from rows import Statement
from values import capital

THING_NOUNS = (
    "museum library bridge hotel café school ship tower hospital factory restaurant theatre "
    "station bakery market stadium castle park observatory garage university shop printer kettle "
    "drone camera phone bicycle boat lamp scanner tractor pump"
).split()

# Frames; the last ones (see `pick`) are kept for evaluation.
OPENERS = ("By the way, ", "Please remember that ", "Note that ", "Just so you know, ", "FYI, ",
           "Remember: ", "I should mention that ", "You should know that ", "Also, ", "Oh, and ",
           "Remember this: ", "For the record, ", "Hi, ", "Hello! ", "So, ", "Please note: ",
           "I want you to know that ", "One thing: ", "Well, ", "Actually, ", "You know, ", "Good news: ", "Just to let you know, ", "As I said, ", "Hey, ",
           "Remember that ", "Don't forget that ", "I forgot to say that ", "Today I can tell you that ",
           "Keep in mind that ", "Here is something new: ")
CLOSERS = (" Please remember that.", " Don't forget it.", " Thanks.", " Please note it.",
           " Just so you know.", " Remember it for me, please.", " Keep it in mind.")
ASK_OPENERS = ("Hey, ", "Quick question: ", "Sorry, ", "By the way, ", "So, ", "Hi, ", "Again, ",
               "One more thing: ", "Just checking: ", "OK, ", "Hello, ", "Now, ", "Hmm, ",
               "A question: ")
NOUN_FRAMES = ("{W} is {x}?", "{W} is {x}?", "{W}'s {x}?", "{W} is {x}", "Tell me {x}.", "{x}?",
               "{W} was {x} again?", "Do you know {x}?", "Do you remember {x}?",
               "Can you tell me {x}?", "I forgot {x}.", "Remind me of {x}.", "Give me {x}.",
               "Could you give me {x}?", "Please tell me {w} {x} is.",
               "Do you remember {w} {x} is?",
               "Do you know {w} {x} is?", "I need {x}.", "{W} did I say {x} was?",
               "Can you remind me {w} {x} is?", "I forgot {w} {x} is.", "Please look up {x}.",
               "I can't remember {x}.", "{W} is {x} again?", "{W}'s {x} again?", "{x}, please?",
               "Did I tell you {x}?", "Did I mention {x}?", "Have I told you {x}?", "Say {x}.",
               "{W} did I tell you about {x}?", "I want to know {x}.", "Please remind me of {x}.",
               "Could you tell me {w} {x} is?", "Can you recall {x}?", "Which one is {x}?",
               "Do you still know {x}?", "Look up {x}.", "Any idea {w} {x} is?",
               "Would you know {x}?", "I'd like to know {x}.")
ASK_FRAMES = ("Do you know {i}?", "Can you tell me {i}?", "Remind me {i}.", "I forgot {i}.",
              "Tell me {i}.", "Do you remember {i}?", "Did I tell you {i}?", "Please tell me {i}.",
              "I can't remember {i}.", "I want to know {i}.", "Could you tell me {i}?",
              "Have I told you {i}?", "Can you remind me {i}?", "Please remind me {i}.",
              "Did I mention {i}?", "Do you still know {i}?", "Can you recall {i}?",
              "Could you remind me {i}?", "I need to know {i}.", "Did I say {i}?",
              "Any idea {i}?", "I'd like to hear {i}.")
CONTRACTIONS = (
    (r"\b([Ww]hat|[Ww]here|[Ww]ho|[Ww]hen|[Hh]ow) is\b", r"\1's", 0.35),
    (r"\bI am\b", "I'm", 0.5), (r"\bI have a\b", "I've got a", 0.2),
    (r"\bI will\b", "I'll", 0.3), (r"\bI would\b", "I'd", 0.3),
    (r"\b(do|did|is) not\b", r"\1n't", 0.4), (r"\b([Ww])hat's\b", r"\1hats", 0.08),
)
TAILS = (" and I love it", " now", " these days", " at the moment", ", by the way", ", I think",
         " since last year", ", as you know", " and I am happy about it", ", of course", " again",
         " this year", " for now", ", which is nice", " with my family", ", finally")
# Relations whose things may be called ours, or the only ones.
SHARED = ("attr:", "place:", "date:", "event:", "colour:", "kept:", "comes:", "pet:", "wedding",
          "parked")
CHANGES = ("{P} %s is now {v}", "{P} %s changed to {v}", "{P} new %s is {v}")


@dataclasses.dataclass(frozen=True)
class Owner:
    """Who a fact is about: `me`, `kin` (my sister), `name` (Marta) or `thing` (the museum)."""

    kind: str
    text: str = ""
    # What a relative is called besides: "my sister Oriane". Whoever has told it may use either.
    name: str = dataclasses.field(default="", compare=False)

    def forms(self, answering, named=False):
        """Subject, possessive and verb form, as the user or the assistant says them."""
        if self.kind == "me":
            return ("you", "your", 2) if answering else ("I", "my", 0)
        text = self.text + (" " + self.name if named else "")
        if self.kind == "kin":
            text = ("your " if answering else "my ") + text
        return text, text + "'s", 1


def render(template, owner, value="", answering=False, pronoun=None):
    """A template as a sentence without its final mark."""
    subject, possessive, person = owner.forms(answering)
    if pronoun:
        subject, possessive = pronoun

    def verb(match):
        forms = match.group(1).split("/")
        return forms[person] if person < len(forms) else forms[0]

    text = re.sub(r"\[([^\]]*)\]", verb, template)
    if value[:1] in "AEIOUaeiou":
        text = text.replace(" a {v}", " an {v}")
    return text.replace("{S}", subject).replace("{P}", possessive).replace("{v}", value)


def pick(rng, options, held_out, kept=1):
    """One of `options`: the last `kept` of at least three belong to evaluation, or with None to all."""
    if len(options) < 3 or held_out is None:
        return rng.choice(options)
    return rng.choice(options[-kept:] if held_out else options[:-kept])


def sentence(text, mark="."):
    """Capital letter and final mark."""
    text = capital(text)
    return text if text[-1] in ".?!" else text + mark


def casual(rng, text, share=0.12):
    """Sometimes typed carelessly: no capital, no final mark."""
    if rng.random() >= share:
        return text
    if rng.random() < 0.7 and not text.startswith("I "):
        text = text[:1].lower() + text[1:]
    return text.rstrip(".?") if rng.random() < 0.7 else text


def shared(rng, owner, relation, text):
    """What is mine, called ours, or the only one there is ("the wifi password")."""
    if owner.kind != "me" or rng.random() > 0.2:
        return text
    if relation.key.startswith("count:"):
        text = text.replace("I have", "We have" if text.startswith("I") else "we have")
        return text.replace("do I have", "do we have").replace("have I got", "have we got")
    if not relation.key.startswith(SHARED):
        return text
    other = rng.choice(("the", "the", "our"))
    as_written = lambda match: capital(other) if match.group()[0] == "M" else other
    return re.sub(r"\b[Mm]y\b(?! name)", as_written, text)


def loosened(rng, text):
    """Contractions and American spelling, as people type them."""
    for pattern, short, share in CONTRACTIONS:
        if rng.random() < share:
            text = re.sub(pattern, short, text)
    if rng.random() < 0.4:
        text = text.replace("favourite", "favorite").replace("colour", "color")
    return text


@dataclasses.dataclass(frozen=True)
class Fact:
    """An owner, a relation and a value."""

    owner: Owner
    relation: object
    value: str

    @property
    def key(self):
        """What a question about this fact asks for."""
        return self.owner, self.relation.key

    def plain(self, rng, held_out, pronoun=None):
        """The bare statement, as the user says it."""
        template = pick(rng, self.relation.says, held_out)
        if self.owner.kind in ("kin", "name") and "{P}" in template[template.find("{S}") + 1 :]:
            if "{S}" in template and template.find("{S}") < template.find("{P}"):
                if rng.random() < 0.8:
                    template = template.replace("{P}", rng.choice(("her", "his", "their")))
        if self.owner.name:
            subject, possessive, _ = self.owner.forms(False, True)
            template = template.replace("{S}", subject, 1).replace("{P}", possessive, 1)
        return render(template, self.owner, self.value, pronoun=pronoun)

    def changed(self, rng):
        """The statement of a new value, where the relation has a noun for it."""
        nouns = [n[4:] for n in self.relation.nouns if n.startswith("{P} ") and "'s name" not in n]
        if not nouns:
            return sentence(render(self.relation.says[0], self.owner, self.value))
        return sentence(render(rng.choice(CHANGES) % nouns[0], self.owner, self.value))

    def said(self, rng, held_out):
        """A message that states the fact."""
        text = shared(rng, self.owner, self.relation, self.plain(rng, held_out))
        if rng.random() < 0.1 and text.endswith(self.value):
            text += rng.choice(TAILS)
        choice = rng.random()
        opener = pick(rng, OPENERS, held_out, 2) if choice < 0.35 else ""
        starts_open = opener[-2:] != ": " and text[:2] != "I " and text[0] not in "0123456789"
        keep = self.owner.kind == "name" and text.startswith(self.owner.text)
        keep = keep or isinstance(self, Row) and text.split()[0] not in ("The", "We", "A", "My")
        keep = keep or text.startswith(self.value) or not starts_open
        if not opener:
            text = capital(text)
        elif not keep:
            text = text[:1].lower() + text[1:]
        text = loosened(rng, text if text[-1] in ".?!" else text + rng.choice("....!"))
        closer = pick(rng, CLOSERS, held_out) if choice > 0.9 else ""
        if rng.random() < 0.12:
            # Typed carelessly: no capital, no final mark.
            if rng.random() < 0.7 and text[:2] not in ("I ", "I'"):
                opener, text = opener[:1].lower() + opener[1:], text[:1].lower() + text[1:]
            if rng.random() < 0.7 and not closer:
                text = text.rstrip(".!")
        return opener + text + closer


class Row(Fact):
    """What a whole sentence says (see `rows.py`)."""

    def plain(self, rng, held_out, pronoun=None):
        """The sentence."""
        return self.relation.said


def question(rng, owner, relation, held_out):
    """A question about a relation of an owner."""
    if isinstance(relation, Statement):
        text = rng.choice(relation.asks) + "?"
        if rng.random() < 0.15:
            text = pick(rng, ASK_OPENERS, held_out, 2) + text[:1].lower() + text[1:]
        return casual(rng, loosened(rng, sentence(text, "?")))
    if owner.name and rng.random() < 0.6:
        owner = rng.choice((Owner("name", owner.name), Owner("kin", owner.text + " " + owner.name)))
    nouns, asks = relation.nouns, relation.asks
    if nouns and (not asks or rng.random() < 0.5):
        noun = render(pick(rng, nouns, held_out), owner)
        frame = pick(rng, NOUN_FRAMES, held_out, 3)
        text = frame.replace("{x}", noun).replace("{W}", relation.who)
        text = text.replace("{w}", relation.who.lower())
    else:
        direct, embedded = pick(rng, asks, held_out)
        if rng.random() < 0.6:
            text = render(direct, owner) + "?"
        else:
            frame = pick(rng, ASK_FRAMES, held_out, 2)
            text = frame.replace("{i}", render(embedded, owner))
    text = shared(rng, owner, relation, text)
    if owner.kind in ("kin", "name") and relation.key.startswith(("place:", "kept:")):
        # There is but one violin: whose it is goes without saying.
        if rng.random() < 0.3:
            text = text.replace(owner.forms(False)[1] + " ", "the ", 1)
    if rng.random() < 0.15:
        opener = pick(rng, ASK_OPENERS, held_out, 2)
        text = opener + (text if text[:2] == "I " else text[:1].lower() + text[1:])
        if owner.kind == "name" and text[len(opener):].lower().startswith(owner.text.lower()):
            text = opener + owner.text + text[len(opener) + len(owner.text):]
    return casual(rng, loosened(rng, sentence(text, "?")))


def draw_owner(rng, values):
    """Somebody or something to say a fact about."""
    choice = rng.random()
    if choice < 0.74:
        return Owner("me")
    if choice < 0.90:
        named = rng.random() < 0.3
        return Owner("kin", rng.choice(KIN), values.name() if named else "")
    if choice < 0.95:
        return Owner("name", values.person() if choice < 0.92 else values.name())
    noun = rng.choice(THING_NOUNS)
    if choice < 0.985:
        return Owner("thing", "the " + values.proper() + " " + noun)
    if choice < 0.993:
        return Owner("thing", "Project " + values.proper())
    return Owner("thing", "the " + values.model())


def fits(owner, relation):
    """Whether such an owner can have such a relation."""
    if relation.key == "name":
        return owner.kind == "me"
    return (relation.owners == PEOPLE) == (owner.kind != "thing")
