"""From conversations to tokens: encoding, and batches of conversations with branches."""

import dataclasses
import random

import torch

import conversations
import model
import tokenizer

FIRST_TOKEN_WEIGHT = 3.0
# Of a quote, the first words decide which text is quoted; what follows them is copying.
QUOTE_START, QUOTE_START_WEIGHT = slice(3, 6), 2.0
HISTORY_WEIGHT = 0.5
JOINED_SHARE = 0.1
GAP_SHARE = 0.2


@dataclasses.dataclass
class Example:
    """One conversation in tokens. `branch` is 0 for the context; `weight` is 0 where untrained."""

    ids: list
    positions: list
    branch: list
    weight: list
    spans: list


class Encoder:
    """Writes conversations with the chat template (see `template.jinja`)."""

    def __init__(self):
        self.cutter, self.tables = tokenizer.load()
        vocab = self.tables["vocab"]
        self.start, self.end = vocab[tokenizer.IM_START], vocab[tokenizer.IM_END]
        self.size = -(-len(vocab) // 32) * 32
        self.heads = {
            role: [self.start, *self.text(role + "\n")] for role in ("system", "user", "assistant")
        }
        self.line = self.text("\n")

    def text(self, text):
        """Tokens of a piece, as data."""
        return self.cutter.encode(text).ids

    def context(self, conversation, joined=False):
        """Tokens of each message of the context; the last one is left open."""
        parts = []
        last = len(conversation.messages) - 1
        for i, message in enumerate(conversation.messages):
            pieces = ["".join(message.pieces)] if joined else message.pieces
            body = [token for piece in pieces for token in self.text(piece)]
            tail = [] if i == last else [self.end, *self.line]
            parts.append((self.heads[message.role], body, tail, message.trained))
        return parts

    def prompt(self, conversation, query):
        """All tokens before the reply."""
        ids = [t for head, body, tail, _ in self.context(conversation) for t in head + body + tail]
        return ids + self.branch_head(query)

    def branch_head(self, query):
        """The tokens of a query and of the template up to the reply."""
        return [*self.text(query), self.end, *self.line, *self.heads["assistant"]]

    def example(self, conversation, rng=None, limit=2048):
        """The tokens of a conversation with all its branches; `rng` varies positions and joins."""
        joined = rng is not None and rng.random() < JOINED_SHARE
        ids, weight, starts, spans = [], [], [], []
        for head, body, tail, trained in self.context(conversation, joined):
            starts.append(len(ids))
            ids += head
            if trained:
                weights = [HISTORY_WEIGHT] * (len(body) + 1) + [0.0] * (len(tail) - 1)
                weight += [0.0] * len(head) + weights
            else:
                weight += [0.0] * (len(head) + len(body) + len(tail))
            ids += body + tail
        branches = [
            (self.branch_head(b.query), [*self.text(b.reply), self.end], b)
            for b in conversation.branches
        ]
        longest = len(ids) + max((len(head) + len(reply) for head, reply, _ in branches), default=0)
        positions = list(range(len(ids)))
        if rng is not None and rng.random() < GAP_SHARE and longest < limit:
            # Jumps between messages teach distances that are too long to train on in full.
            for _ in range(rng.randint(1, 2)):
                at = rng.choice(starts[1:])
                room = limit - longest - (positions[-1] + 1 - len(positions))
                jump = rng.randrange(max(1, room))
                positions[at:] = [p + jump for p in positions[at:]]
        branch, after = [0] * len(ids), positions[-1] + 1
        for i, (head, reply, source) in enumerate(branches, 1):
            spans.append((len(ids) + len(head), len(ids) + len(head) + len(reply), source))
            ids += head + reply
            positions += range(after, after + len(head) + len(reply))
            branch += [i] * (len(head) + len(reply))
            weights = [FIRST_TOKEN_WEIGHT] + [1.0] * (len(reply) - 1)
            if source.kind == "present":
                weights[QUOTE_START] = [QUOTE_START_WEIGHT] * len(weights[QUOTE_START])
            weight += [0.0] * len(head) + weights
        return Example(ids, positions, branch, weight, spans)


@dataclasses.dataclass
class Batch:
    """Conversations one after the other: tensors over tokens, and (start, end, bias) of each."""

    ids: torch.Tensor
    positions: torch.Tensor
    weight: torch.Tensor
    segments: list

    def to(self, device):
        """The batch on a device."""
        move = lambda tensor: tensor.to(device, non_blocking=True)
        segments = [(start, end, move(bias)) for start, end, bias in self.segments]
        return Batch(move(self.ids), move(self.positions), move(self.weight), segments)


def join(examples, dtype=torch.bfloat16):
    """Lays examples one after the other."""
    flat = lambda field: [x for example in examples for x in getattr(example, field)]
    segments, start = [], 0
    for example in examples:
        end = start + len(example.ids)
        bias = model.causal(end - start, dtype, torch.tensor(example.branch))
        segments.append((start, end, bias))
        start = end
    return Batch(
        torch.tensor(flat("ids")), torch.tensor(flat("positions")),
        torch.tensor(flat("weight")), segments
    )


# The curriculum: which mixture of levels in each grade. The remainder are texts to repeat, from
# which copying is learned fastest. A grade is left when `ENOUGH` of the first tokens of replies are
# right, and at the latest when this share of training is over.
_EASY, _MIDDLE = conversations.EASY, conversations.MIDDLE
_REAL = conversations.REAL
GRADES = (
    (0.30, ((_EASY, 0.97),)),
    (0.75, ((_EASY, 0.4), (_MIDDLE, 0.58))),
    (1.00, ((_EASY, 0.3), (_MIDDLE, 0.56), (_REAL, 0.13))),
)
ENOUGH = (0.9, 0.93)


class Source:
    """An endless source of batches; the same seed gives the same batches."""

    def __init__(self, encoder, seed, tokens, grade=0):
        self.encoder, self.tokens, self.grade, self.right = encoder, tokens, grade, 0.0
        self.generator = conversations.Generator(seed)
        self.rng = random.Random(seed + 1)
        vocab = encoder.tables["vocab"]
        values = self.generator.values
        values.pieces = [t for t in vocab if t.isascii() and t.isalpha()]
        values.words = [word for word in tokenizer.COMMON if len(word) > 3]

    def learned(self, right, progress):
        """Takes note of the share of first tokens that were right; perhaps goes up a grade."""
        self.right += (right - self.right) * (0.02 if self.right else 1.0)
        if self.grade + 1 == len(GRADES):
            return
        if self.right > ENOUGH[self.grade] or progress > GRADES[self.grade][0]:
            self.grade += 1
            self.right -= 0.1

    def _conversation(self):
        rest = self.rng.random()
        for level, share in GRADES[self.grade][1]:
            rest -= share
            if rest < 0:
                return self.generator.conversation(level, self.rng.random() > 0.1)
        return self.generator.echo()

    def batch(self):
        """The next batch: about `tokens` tokens."""
        examples, size = [], 0
        while size < self.tokens:
            varied = self.rng if self.grade else None
            example = self.encoder.example(self._conversation(), varied)
            if len(example.ids) < self.tokens or not examples:
                examples.append(example)
                size += len(example.ids)
        return join(examples)
