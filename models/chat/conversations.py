"""Conversations as Loci's default assembly writes them: system, history, notes, message.

One context (system, history, notes) carries many branches (a message and its reply), which do not
see each other. So every context is asked for what it holds and for what it does not hold, and the
context is computed once.
"""

import dataclasses
import random

from language import Fact, Owner, Row, draw_owner, fits, question, sentence
from relations import THING_HEADS, draw
from rows import Statement
from smalltalk import (
    FILLER, NOTED, QUOTE_END, SMALL_TALK, THE_NOTES_SAY, UNKNOWN, WORLD, YOU_SAID, fill
)
from values import MONTHS, Values, capital

INSTRUCTION = (
    "You are a helpful AI assistant. Respond to the user's query based on the provided context "
    "and chat history."
)
# Relations that people do not keep apart: a question about one is never "absent" beside the other.
SAME = (
    {"spouse", "kin:wife", "kin:husband"}, {"attr:best friend", "kin:friend"},
    {"attr:favourite number", "favourite:number"}, {"learning", "study", "language"},
    {"name", "attr:nickname", "attr:surname", "attr:user name", "attr:middle name"},
    {"attr:address", "location"}, {"attr:entrance fee", "cost"}, {"attr:phone model"},
    {"kin:teacher", "kin:trainer"}, {"home", "attr:street", "attr:house number"},
    {"doctor", "kin:dentist"}, {"job", "employer"}, {"travel", "home"}, {"leader", "founder"},
    {"attr:weight", "weight", "weighs"}, {"attr:height", "height"}, {"start", "arrival"},
    {"attr:badge number", "attr:order number"}, {"birthplace", "origin", "home"},
    {"birthplace", "birthyear"}, {"birthday", "birthyear"}, {"study", "university", "school"},
    {"bought", "shopping", "lost", "gift"}, {"met", "meets"}, {"likes", "hobby", "drinks"},
    {"holiday", "travel", "visit", "flight"}, {"diet", "allergy"}, {"job", "project"},
    {"spouse", "wedding"}, {"favourite:film", "favourite:movie", "watched"},
    {"favourite:food", "favourite:dish", "favourite:meal", "likes"},
    {"favourite:city", "favourite:place"}, {"favourite:country", "favourite:place"}, {"boss", "kin:boss"},
    {"kin:mother", "kin:mum", "kin:mom"}, {"kin:father", "kin:dad"}, {"doctor", "kin:vet"},
    {"kin:grandmother", "kin:grandma"}, {"kin:grandfather", "kin:grandpa"},
    {"kin:roommate", "kin:flatmate"},
    {"kin:partner", "spouse", "kin:girlfriend", "kin:boyfriend"}, {"kin:trainer", "kin:coach"},
    {"count:children", "count:kids"}, {"favourite:toy", "favourite:game"},
    {"count:siblings", "count:brothers"}, {"count:siblings", "count:sisters"},
    {"count:pets", "count:dogs"}, {"count:pets", "count:cats"},
    {"count:children", "count:daughters"}, {"count:children", "count:sons"}, {"pet:pet", "pet:dog"}, {"pet:pet", "pet:cat"},
    {"favourite:music", "favourite:band"}, {"favourite:music", "favourite:song"}, {"avoids", "allergy", "dislikes"},
    {"moved", "home", "visit", "travel"}, {"shoes", "attr:shoe size"}, {"country", "origin", "birthplace"},
    {"country", "home"}, {"degree", "university", "school"}, {"degree", "study"}, {"prefers", "likes", "drinks"},
    {"dose", "medicine"}, {"learns", "study", "learning"}, {"hotel", "travel", "holiday"},
    {"schoolstart", "start", "school"}, {"comes:gardener", "kin:gardener"}, {"country", "attr:nationality"},
    {"attr:boat's name", "pet:boat"},
    {"likes", "favourite:drink"}, {"wedding", "date:wedding"}, {"vacation", "holiday"},
    {"team", "favourite:team"}, {"attr:nationality", "origin"},
    {"kin:dentist", "date:dentist appointment"}, {"attr:office", "employer"},
    {"event:meeting", "meets"}, {"attr:bank", "employer"},
)


@dataclasses.dataclass
class Message:
    """A message of the prompt: its pieces, each of which is tokenized by itself."""

    role: str
    pieces: list
    trained: bool = False


@dataclasses.dataclass
class Branch:
    """A final query with its reply. `kind` says what is tested, `value` what must be copied."""

    query: str
    reply: str
    kind: str
    value: str = ""


@dataclasses.dataclass
class Conversation:
    """A context and its branches; the last message of the context awaits the query."""

    messages: list
    branches: list


@dataclasses.dataclass(frozen=True)
class Level:
    """How hard the conversations are."""

    facts: tuple
    history: tuple
    noise: tuple
    branches: int = 10


EASY = Level((1, 2), (0, 1), (0, 1))
MIDDLE = Level((1, 4), (0, 3), (0, 2), 14)
REAL = Level((2, 10), (0, 11), (0, 5), 18)
LONG = Level((4, 14), (12, 30), (0, 5), 18)


class Generator:
    """Makes conversations; the flags draw from what is kept for evaluation."""

    def __init__(self, seed, held_values=False, held_wording=False, held_relations=False):
        self.rng = random.Random(seed)
        self.values = Values(self.rng, held_values)
        self.held_wording = held_wording
        # How a reply quotes each fact of the conversation.
        self.quotes = {}
        self.held_relations = held_relations

    def relation(self, owner):
        """A relation of this owner that the flags allow."""
        return draw(self.rng, owner.kind, self.held_relations, self.values.words)

    def pair(self, taken, owner=None, relation=None):
        """An owner and a relation that are not taken."""
        while True:
            who = owner or draw_owner(self.rng, self.values)
            what = relation or self.relation(who)
            if owner and relation and not fits(who, what):
                owner = None
                continue
            if fits(who, what) and not self.clashes(taken, who, what):
                return who, what
            if owner and self.rng.random() < 0.2:
                owner = None

    def row(self, taken, who="", near=None, topic=False):
        """A whole sentence that nothing that is known is like, or none."""
        for _ in range(8):
            kind = who or self.rng.choice("dp")
            made = Statement(self.rng, self.values, kind, near, topic)
            if not made.keys & taken:
                return made, Owner("thing" if kind == "d" else "row", "a page")
        return None, None

    @staticmethod
    def clashes(taken, owner, relation):
        """Whether this, or what people may take for it, is known already."""
        keys = {relation.key}.union(*(same for same in SAME if relation.key in same))
        return any((owner, key) in taken for key in keys)

    def fact(self, taken, near=None):
        """A new fact, often near another one: the same owner or the same relation."""
        owner = relation = None
        choice = self.rng.random()
        if isinstance(near, Row):
            near, beside = None, near.relation
            choice /= 2
        else:
            beside = None
        if choice < 0.35:
            made, nobody = self.row(taken, near=beside)
            if made:
                taken |= made.keys
                return Row(nobody, made, "?")
        choice = self.rng.random()
        if near and choice < 0.3:
            owner = near.owner
        elif near and choice < 0.6 and near.relation.key != "name":
            relation = near.relation
            if near.owner.kind == "me" or self.rng.random() < 0.8:
                owner = self.sibling(near.owner)
        try_again = owner is not None and relation is not None
        if try_again and self.clashes(taken, owner, relation):
            owner = relation = None
        owner, relation = self.pair(taken, owner, relation)
        taken.add((owner, relation.key))
        if owner.name:
            taken.add((Owner("me"), "kin:" + owner.text))
        return Fact(owner, relation, self.values.draw(relation.value))

    def sibling(self, owner):
        """Another owner that can have the same relations."""
        while True:
            other = draw_owner(self.rng, self.values)
            if (other.kind == "thing") == (owner.kind == "thing") and other != owner:
                return other

    def absent(self, taken, facts):
        """An owner and a relation that no fact is about, most often close to one."""
        choice = self.rng.random()
        for _ in range(8):
            near = self.rng.choice(facts) if facts else None
            owner = relation = None
            if isinstance(near, Row) or self.rng.random() < 0.15:
                beside = near.relation if isinstance(near, Row) else None
                made, nobody = self.row(taken, near=beside if choice < 0.8 else None)
                if made:
                    return nobody, made
                continue
            if near and choice < 0.4:
                owner = near.owner
            elif near and choice < 0.75 and near.relation.key != "name":
                owner, relation = self.sibling(near.owner), near.relation
                others = [f.owner for f in facts if f.owner != near.owner and not isinstance(f, Row)]
                if others and self.rng.random() < 0.5:
                    owner = self.rng.choice(others)
            if owner and relation and (
                not fits(owner, relation) or self.clashes(taken, owner, relation)
            ):
                continue
            return self.pair(taken, owner, relation)
        return self.pair(taken)

    def ask(self, owner, relation):
        """A question."""
        return question(self.rng, owner, relation, self.held_wording)

    def small_talk(self):
        """A message and its fixed reply."""
        row = self.rng.choice(SMALL_TALK)
        ways = row[1:] if self.held_wording is None else row[1:-1]
        ways = row[-1:] if self.held_wording else ways
        return fill(self.rng.choice(ways), self.values), row[0]

    def filler(self):
        """A message that states nothing to be asked for."""
        ways = FILLER[::10] if self.held_wording else FILLER
        text = fill(self.rng.choice(ways), self.values)
        return text if self.rng.random() < 0.9 else text.lower()

    def world(self):
        """A question whose answer no note holds."""
        return fill(self.rng.choice(WORLD), self.values)

    def statement(self, fact):
        """A message that states a fact, sometimes among other sentences; its quote is kept."""
        text = fact.said(self.rng, self.held_wording)
        choice = self.rng.random()
        if choice < 0.08:
            text = sentence(self.filler()) + " " + text
        elif choice < 0.14 and text[-1] in ".!?":
            text += " " + self.filler()
        self.quotes[fact] = YOU_SAID + text + QUOTE_END
        return text

    def date(self, day):
        """A day as the notes write it."""
        return f"{day % 28 + 1} {MONTHS[day // 28 % 12]} {2024 + day // 336}"

    def _memory(self, day, role, text):
        if self.rng.random() < 0.03:
            return [f"- {role} said: ", text, "\n"]
        return ["- ", self.date(day), f", {role} said: ", text, "\n"]

    def _remembered(self, day, fact, text):
        """Note lines by which a fact is remembered."""
        choice = self.rng.random()
        lines = [self._memory(day, "user", text)]
        if choice < 0.08:
            lines.append(self._memory(day, "assistant", NOTED))
        elif choice < 0.18:
            lines.append(self._memory(day, "user", self.ask(fact.owner, fact.relation)))
            if choice < 0.12:
                lines.append(self._memory(day, "assistant", self.quotes[fact]))
        return lines

    def _noise(self, day, taken, facts):
        """Note lines without an answer: idle talk, or a question that found none."""
        if self.rng.random() < 0.5:
            return [self._memory(day, "user", self.filler())]
        owner, relation = self.absent(taken, facts)
        lines = [self._memory(day, "user", self.ask(owner, relation))]
        if self.rng.random() < 0.5:
            lines.append(self._memory(day, "assistant", UNKNOWN))
        return lines

    def _document(self, facts):
        """An excerpt of a document: what it says of one thing and others, as people lay it out."""
        rng = self.rng
        choice, texts = rng.random(), []
        heading = ""
        if choice < 0.45:
            heading = rng.choice(("# ", "## ", "### ", "", "")) + capital(self._title(facts[0]))
            heading += rng.choice(("\n\n", "\n\n", "\n", ":\n"))
        about, listed = None, rng.random() < 0.15
        if heading and isinstance(facts[0], Row):
            about = rng.choice((None, facts[0].relation.subject or None))
        for fact in facts:
            topic = fact.relation.subject if isinstance(fact, Row) else fact.owner
            known = about == topic and bool(texts or heading)
            text = self._written(fact, known, listed)
            about = topic or about
            self.quotes[fact] = THE_NOTES_SAY + text + QUOTE_END
            texts.append(text)
            if rng.random() < 0.1:
                texts.append(sentence(self.filler()))
        if listed:
            text = "- " + "\n- ".join(texts)
            if not heading:
                text = text[2:]
            return ["- ", heading + text, "\n"]
        pieces, text = ["- "], heading
        for i, one in enumerate(texts):
            if i:
                between = rng.random()
                if between < 0.08:
                    pieces += [text, " … "]
                    text = ""
                else:
                    text += " " if between < 0.75 else "\n" if between < 0.85 else "\n\n"
            text += one
        return [*pieces, text, "\n"]

    def _title(self, fact):
        if isinstance(fact, Row):
            made = fact.relation
            if self.rng.random() < 0.6 and made.subject:
                return made.subject.strip()
            return self.rng.choice((made.slots["m"], made.slots["o"], "overview"))
        return fact.owner.text.removeprefix("the ") or "notes"

    def _written(self, fact, known, listed):
        """A sentence of a document; of what is known, it may say `it`."""
        rng = self.rng
        if isinstance(fact, Row):
            made = fact.relation
            text = made.said
            if known and made.subject and rng.random() < 0.6:
                instead = ("It",) if made.about_thing else ("He", "She", "It", "They")
                text = rng.choice(instead) + text[len(made.subject) - 1 :]
            text = text if text[-1] in "|?" or ":" in text and rng.random() < 0.6 else text + "."
            return text[:-1] if listed and text[-1] == "." and rng.random() < 0.4 else text
        noun = fact.relation.key.removeprefix("attr:")
        if known and noun in THING_HEADS and rng.random() < 0.4:
            return capital(noun) + ": " + fact.value + rng.choice(("", "."))
        pronoun = ("it", "its") if fact.owner.kind == "thing" else None
        pronoun = pronoun if known and rng.random() < 0.6 else None
        text = sentence(fact.plain(rng, self.held_wording, pronoun))
        return text[:-1] if listed and rng.random() < 0.4 else text

    def _notes(self, documents, memories):
        pieces = []
        if documents:
            pieces.append("Notes from documents:\n")
            pieces += [piece for line in documents for piece in line]
        if memories:
            pieces.append("Notes from earlier in this conversation:\n")
            pieces += [piece for line in memories for piece in line]
        return pieces + ["\nMessage:\n"] if pieces else ["Notes: none.\n\nMessage:\n"]

    def _facts(self, count):
        taken, facts = set(), []
        for _ in range(count):
            facts.append(self.fact(taken, self.rng.choice(facts) if facts else None))
        return taken, facts

    def _history(self, turns, told, taken, facts):
        """Turns as messages; replies are trained where what is seen decides them."""
        plan = [("fact", fact) for fact in told]
        while len(plan) < turns:
            plan.append((self.rng.choice(("filler", "absent", "talk", "asked", "asked")), None))
        self.rng.shuffle(plan)
        messages, seen = [], []
        for kind, fact in plan:
            trained = True
            if kind == "asked" and not facts:
                kind = "absent"
            if kind == "fact":
                query, reply = self.statement(fact), NOTED
                seen.append(fact)
            elif kind == "filler":
                query, reply = self.filler(), NOTED
            elif kind == "talk":
                query, reply = self.small_talk()
            elif kind == "absent":
                query, reply = self.ask(*self.absent(taken, facts)), UNKNOWN
                if self.rng.random() < 0.2:
                    query = self.world()
            else:
                fact = self.rng.choice([f for f in facts if f in self.quotes] or [None])
                if fact is None:
                    continue
                query, reply = self.ask(fact.owner, fact.relation), self.quotes[fact]
                trained = fact in seen
                if not trained and self.rng.random() < 0.3:
                    reply = UNKNOWN
            messages += [Message("user", [query]), Message("assistant", [reply], trained)]
        return messages

    def conversation(self, level, recall=True):
        """A conversation; without `recall` the notes are empty, and what they held is absent."""
        rng = self.rng
        self.quotes = {}
        taken, facts = self._facts(rng.randint(*level.facts))
        turns = rng.randint(*level.history)
        told, noted = [], []
        share = rng.choice((0.2, 0.5, 0.9))
        for fact in facts:
            near_enough = turns > len(told) and fact.owner.kind != "thing"
            (told if near_enough and rng.random() < share else noted).append(fact)
        if not recall:
            noted = []
        known = told + noted
        documents, memories, latest = self._place(noted, taken)
        history = self._history(turns, told, taken, told + latest)
        spread = rng.choice((1, 1, 1, 4, 60, 900))
        first = rng.randrange(900)
        days = sorted(first + rng.randrange(spread) for _ in range(len(memories) + 1))
        lines = [(i, self._remembered(days[i], *memory)) for i, memory in enumerate(memories)]
        if recall and (lines or documents or rng.random() < 0.6):
            for _ in range(rng.randint(*level.noise)):
                at = rng.random() * len(days) - 1
                lines.append((at, self._noise(days[max(0, int(at))], taken, facts)))
        lines = [line for _, group in sorted(lines, key=lambda x: x[0]) for line in group]
        final = Message("user", self._notes(documents, lines))
        system = Message("system", [INSTRUCTION])
        branches = self._branches(level, taken, told + latest)
        return Conversation([system, *history, final], branches)

    def echo(self):
        """Texts to repeat: the densest lesson in copying, for the start of training."""
        kinds = ("proper", "word", "code", "number", "title", "place", "time", "name", "email")
        branches = []
        for _ in range(6):
            count = self.rng.randint(2, 9)
            text = " ".join(self.values.draw(self.rng.choice(kinds)) for _ in range(count))
            text = capital(text)
            branches.append(Branch("Repeat: " + text, text, "echo"))
        system = Message("system", [INSTRUCTION])
        return Conversation([system, Message("user", self._notes([], []))], branches)

    def _beside(self, fact, taken):
        """What else an excerpt says, of the same thing or of any."""
        count, facts = self.rng.choice((0, 0, 1, 2, 3, 5)), []
        topic = isinstance(fact, Row) and self.rng.random() < 0.5
        for _ in range(count):
            if isinstance(fact, Row) or self.rng.random() < 0.4:
                beside = fact.relation if isinstance(fact, Row) else None
                beside = beside if topic or self.rng.random() < 0.5 else None
                made, nobody = self.row(taken, "d", beside, topic)
                if made:
                    taken |= made.keys
                    facts.append(Row(nobody, made, "?"))
                continue
            owner = fact.owner if fact.owner.kind == "thing" else None
            owner, relation = self.pair(taken, owner)
            taken.add((owner, relation.key))
            facts.append(Fact(owner, relation, self.values.draw(relation.value)))
        return facts

    def _place(self, noted, taken):
        """Splits facts into documents and memories, and lets some memories change."""
        rng, documents, memories, latest = self.rng, [], [], []
        waiting = list(noted)
        while waiting:
            fact = waiting.pop(0)
            if rng.random() < (0.85 if fact.owner.kind == "thing" else 0.07):
                own = [f for f in waiting if f.owner == fact.owner][: rng.randint(0, 4)]
                waiting = [f for f in waiting if f not in own]
                own = [fact, *own, *self._beside(fact, taken)]
                if rng.random() < 0.3:
                    rng.shuffle(own)
                documents.append(self._document(own))
                latest += own
            elif rng.random() < 0.06 and fact.relation.key.startswith("attr:"):
                newer = Fact(fact.owner, fact.relation, self.values.draw(fact.relation.value))
                memories.append((fact, self.statement(fact)))
                memories.append((newer, newer.changed(rng)))
                self.quotes[newer] = YOU_SAID + memories[-1][1] + QUOTE_END
                latest.append(newer)
            else:
                memories.append((fact, self.statement(fact)))
                latest.append(fact)
        rng.shuffle(documents)
        return documents, memories, latest

    def _branches(self, level, taken, known):
        rng, branches = self.rng, []
        present = min(2 * len(known), level.branches * 2 // 5)
        asked = rng.sample(known, len(known)) + rng.choices(known, k=present) if known else []
        for fact in asked[:present]:
            query = self.ask(fact.owner, fact.relation)
            branches.append(Branch(query, self.quotes[fact], "present", fact.value))
        for _ in range(max(present, 2)):
            if rng.random() < 0.08:
                branches.append(Branch(self.world(), UNKNOWN, "absent"))
            else:
                query = self.ask(*self.absent(taken, known))
                branches.append(Branch(query, UNKNOWN, "absent"))
        for _ in range(2):
            if rng.random() < 0.6:
                new = self.fact(set(taken), rng.choice(known) if known else None)
                branches.append(Branch(self.statement(new), NOTED, "told", new.value))
        if rng.random() < 0.35:
            branches.append(Branch(*self.small_talk(), "talk"))
        if rng.random() < 0.35:
            branches.append(Branch(self.filler(), NOTED, "filler"))
        return branches
