"""From conversations to token rows: encoding, packing and the mask of branches."""

import dataclasses
import random

import torch

import conversations
import tokenizer

FIRST_TOKEN_WEIGHT = 3.0
HISTORY_WEIGHT = 0.5
JOINED_SHARE = 0.1
GAP_SHARE = 0.3


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
            weight += [0.0] * len(head) + [FIRST_TOKEN_WEIGHT] + [1.0] * (len(reply) - 1)
        return Example(ids, positions, branch, weight, spans)


def pack(examples, length, rows):
    """Packs examples into `rows` rows of `length` tokens, first fit, longest first.

    Gives tensors (ids, positions, document, branch, weight) and the examples with their row and
    offset. What fits nowhere is left out.
    """
    shape = (rows, length)
    ids, positions = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    document, branch = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    weight = torch.zeros(shape)
    used, placed = [0] * rows, []
    for n, example in enumerate(sorted(examples, key=lambda e: -len(e.ids)), 1):
        size = len(example.ids)
        row = next((r for r in range(rows) if used[r] + size <= length), None)
        if row is None:
            continue
        at = slice(used[row], used[row] + size)
        ids[row, at] = torch.tensor(example.ids)
        positions[row, at] = torch.tensor(example.positions)
        branch[row, at] = torch.tensor(example.branch)
        weight[row, at] = torch.tensor(example.weight)
        document[row, at] = n
        placed.append((example, row, used[row]))
        used[row] += size
    return (ids, positions, document, branch, weight), placed


def attention_mask(document, branch):
    """Which token may see which: (rows, length, length), true where it may."""
    length = document.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=document.device).tril()
    same = document[:, :, None] == document[:, None, :]
    shared = (branch[:, None, :] == 0) | (branch[:, :, None] == branch[:, None, :])
    return causal & same & shared


# The curriculum: up to which share of training, with rows of how many tokens, which mixture. A
# mixture's remainder are texts to repeat, from which copying is learned fastest.
_EASY, _MIDDLE = conversations.EASY, conversations.MIDDLE
_HARD, _LONG = conversations.HARD, conversations.LONG
STAGES = (
    (0.15, 512, ((_EASY, 0.7),)),
    (0.45, 512, ((_EASY, 0.4), (_MIDDLE, 0.55))),
    (0.80, 768, ((_EASY, 0.2), (_MIDDLE, 0.38), (_HARD, 0.4))),
    (1.00, 1792, ((_EASY, 0.15), (_MIDDLE, 0.25), (_HARD, 0.35), (_LONG, 0.24))),
)


def stage(progress):
    """Tokens of a row and the mixture of levels at this point of training."""
    return next((length, mixture) for until, length, mixture in STAGES if progress <= until)


class Source:
    """An endless source of packed batches; the same seed gives the same batches."""

    def __init__(self, encoder, seed, tokens):
        self.encoder, self.tokens = encoder, tokens
        self.generator = conversations.Generator(seed)
        self.rng = random.Random(seed + 1)
        vocab = encoder.tables["vocab"]
        self.generator.values.pieces = [t for t in vocab if t.isascii() and t.isalpha()]
        self.waiting = []

    def _conversation(self, mixture):
        rest = self.rng.random()
        for level, share in mixture:
            rest -= share
            if rest < 0:
                return self.generator.conversation(level, self.rng.random() > 0.1)
        return self.generator.echo()

    def batch(self, progress):
        """The next batch at this point of training: about `tokens` tokens."""
        length, mixture = stage(progress)
        rows = max(1, round(self.tokens / length))
        while sum(len(e.ids) for e in self.waiting) < rows * length * 1.2:
            conversation = self._conversation(mixture)
            varied = self.rng if progress > 0.3 else None
            example = self.encoder.example(conversation, varied)
            if len(example.ids) <= length:
                self.waiting.append(example)
        tensors, placed = pack(self.waiting, length, rows)
        used = {id(example) for example, _, _ in placed}
        self.waiting = [e for e in self.waiting if id(e) not in used]
        return tensors
