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


@dataclasses.dataclass
class Line:
    """A line: what it is, and its tokens in the prompt, marker included: (start, end)."""

    kind: int
    start: int
    end: int


class Encoder:
    """Tokens of pieces, messages and prompts, with the chat template (see `template.jinja`)."""

    def __init__(self):
        self.cutter, self.tables = tokenizer.load()
        self.vocab = self.tables["vocab"]
        self.size = -(-len(self.vocab) // 32) * 32
        self.start, self.end = self.vocab[tokenizer.IM_START], self.vocab[tokenizer.IM_END]
        self.text = functools.lru_cache(200_000)(lambda text: self.cutter.encode(text).ids)
        self.markers = [(kind, tuple(self.vocab[t] for t in tail)) for kind, tail in MARKERS]
        self.ends = {self.vocab[token] for token in ENDS}

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

    def lines(self, ids):
        """The lines of a prompt."""
        lines = []
        for at in range(2, len(ids)):
            for kind, tail in self.markers:
                if ids[at] == tail[-1] and tuple(ids[at + 1 - len(tail) : at + 1]) == tail:
                    if lines:
                        lines[-1].end = at
                    lines.append(Line(kind, at, len(ids)))
                    break
        return lines
