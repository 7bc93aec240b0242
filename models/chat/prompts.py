"""Conversations as the tokens that the host makes of them, cut into lines.

The host tokenizes every piece of a prompt by itself (a literal of the layout, or a text), so a text
is cut into the same tokens wherever it stands. A line begins with a marker, some tokens that only
the layout writes, and ends before the next one. `circuit.py` lays out the same rules in weights.
"""

import dataclasses
import functools

import tokenizer

# What a line is, by its marker: the tokens that end in it, the latest last.
USER, NOTE, OTHER_NOTE, DOCUMENT, QUERY, ANSWER, QUOTE, SYSTEM = range(8)
MARKERS = (
    (USER, ("<|im_start|>", "user", "Ċ")),
    (NOTE, ("Ġuser", "Ġsaid", ":", "Ġ")),
    (OTHER_NOTE, ("Ġassistant", "Ġsaid", ":", "Ġ")),
    (DOCUMENT, ("Ċ", "-", "Ġ")),
    (QUERY, ("Message", ":", "Ċ")),
    (ANSWER, ("<|im_start|>", "assistant", "Ċ")),
    (QUOTE, ("Ġsaid", ":", 'Ġ"')),
    (QUOTE, ("Ġsay", ":", 'Ġ"')),
    (SYSTEM, ("<|im_start|>", "system", "Ċ")),
)
# Lines that may be quoted, and the tokens at which what was said is known.
QUOTABLE = (USER, NOTE, DOCUMENT)
ENDS = ("Ċ", "<|im_end|>")
LOOK_BACK = 3
# In an excerpt of a document each sentence is a line too. It ends at a lone space after one of these
# (the last is the last byte of "…", which stands where something was left out), or at a line end;
# but not after what is short for something.
STOPS = (".", "?", "!", "¦")
SHORT = ("Mr", "Mrs", "Ms", "Dr", "St", "No", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
# None of them begins with these: a marker comes next, and the places of two lines that begin side by
# side are hard to tell apart.
NO_BEGIN = ("Ċ", "-", "Message")


@dataclasses.dataclass
class Line:
    """A line: what it is, its tokens in the prompt (start, end), and where its text begins.

    `start` is the marker, or for a sentence after the first of an excerpt its own first token;
    `whole` is the excerpt's marker then, and `start` for all else.
    """

    kind: int
    start: int
    end: int
    text: int
    whole: int


class Encoder:
    """Tokens of pieces, messages and prompts, with the chat template (see `template.jinja`)."""

    def __init__(self):
        self.cutter, self.tables = tokenizer.load()
        self.vocab = self.tables["vocab"]
        self.size = -(-len(self.vocab) // 32) * 32
        self.start, self.end = self.vocab[tokenizer.IM_START], self.vocab[tokenizer.IM_END]
        self.text = functools.lru_cache(200_000)(lambda text: self.cutter.encode(text).ids)
        self.markers = [(kind, tuple(self.vocab[t] for t in tail)) for kind, tail in MARKERS]
        ids = lambda tokens: {self.vocab[token] for token in tokens}
        self.ends, self.stops, self.short = ids(ENDS), ids(STOPS), ids(SHORT)
        self.no_begin = ids(NO_BEGIN)
        self.space, self.line_end = self.vocab["Ġ"], self.vocab["Ċ"]

    def head(self, role):
        """The tokens that open a message."""
        return [self.start, *self.text(role + "\n")]

    def context(self, conversation):
        """All tokens up to the query, and for each line that is quoted as such its text's start."""
        ids = []
        last = len(conversation.messages) - 1
        for i, message in enumerate(conversation.messages):
            ids += self.head(message.role)
            for piece in message.pieces:
                ids += self.text(piece)
            if i != last:
                ids += [self.end, *self.text("\n")]
        return ids

    def query(self, text):
        """The tokens from a query to where its reply begins."""
        return [*self.text(text), self.end, *self.text("\n"), *self.head("assistant")]

    def stopped(self, ids, at):
        """Whether a sentence ends at this token, a space."""
        if ids[at] != self.space or ids[at - 1] not in self.stops:
            return False
        return ids[at - 2] not in self.short

    def lines(self, ids):
        """The lines of a prompt, and the sentences of its documents."""
        marks = {}
        for at in range(2, len(ids)):
            for kind, tail in self.markers:
                if ids[at] == tail[-1] and tuple(ids[at + 1 - len(tail) : at + 1]) == tail:
                    marks[at] = kind
                    break
        lines = []
        for at in range(2, len(ids)):
            if at in marks:
                line = Line(marks[at], at, len(ids), at + 1, at)
            elif not lines or lines[-1].kind != DOCUMENT:
                continue
            elif ids[at] in self.no_begin:
                continue
            elif ids[at - 1] == self.line_end or self.stopped(ids, at - 1):
                line = Line(DOCUMENT, at, len(ids), at, lines[-1].whole)
            else:
                continue
            if lines:
                lines[-1].end = at
            lines.append(line)
        return lines

    def closes(self, ids, line):
        """Where in a line of the prompt what it says is known."""
        inside = range(line.start + 1, line.end)
        document = line.kind == DOCUMENT
        stopped = lambda at: document and self.stopped(ids, at)
        return [at for at in inside if ids[at] in self.ends or stopped(at)]
