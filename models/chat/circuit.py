"""Puts what `matching.py` has learned into a llama network that does the rest by construction.

Nothing of what follows is learned: where lines begin and end, which line a token belongs to, that
a found line is quoted word for word, and the wording of fixed replies. What block does what:

0. Three heads look one, two and three tokens back; the feed-forward marks where lines begin.
1. Each token finds out where it stands, as four angles, from how far the prompt's start is.
2. Each token takes over the place and the kind of its line from the line's first token. In an
   excerpt of a document each sentence is a line, with a place of its own.
3. The end of a line gathers the meaning of its line, and every token of the reply that of the query;
   one head of four that of the whole excerpt so far, which tells what "it" is.
4. The reply looks for the line that answers; its first token is chosen, and fixed words go on.
5. A quote begins like the line that was found, and goes on with what follows the same three tokens
   in it.
"""

import argparse
import math

import torch

import matching
import network
import prompts
import tokenizer
from smalltalk import FIXED, QUOTE_END, THE_NOTES_SAY, UNKNOWN, YOU_SAID

# Angles per token of the pairs that turn: four that tell neighbours apart, four for places (two that
# are six or more tokens apart are at most 0.8 alike), three that fall over thousands.
NEIGHBOURS = (2.6, 1.4, 0.8, 0.45)
PLACES = (0.19964, 0.1178, 0.05635, 0.02252)
FALLING = (0.01, 0.0012, 0.001)
FREQUENCIES = NEIGHBOURS + PLACES + FALLING
STILL = 2 * len(FREQUENCIES)  # the first dimension of a head that does not turn
GRAM, CODE = 20, 64

# Where in the stream what stands. Every range is (start, width).
WIDTHS = (
    ("token", 20), ("sums", 16), ("mark", 8), ("anchor", 2), ("candidate", 1), ("place", 8),
    ("kind", 8), ("begin", 1), ("line", 8), ("found_line", 8),
    ("found", 3), ("asked", 8), ("whole", 8), ("ends", 1), ("begins", 1), ("closed", 1),
    ("code", CODE), ("meaning", matching.MEANING), ("gathered", matching.MEANING),
    ("gram1", GRAM), ("gram2", GRAM), ("gram3", GRAM), ("free", 4),
    ("answering", 8), ("begun", 2), ("quoting", 2), ("free", 13), ("constant", 1),
)
STREAM, _at = {}, 0
for _name, _width in WIDTHS:
    STREAM[_name] = range(_at, _at + _width)
    _at += _width

# The constant is so large that norms only scale, by the same for all tokens.
CONSTANT = 1000.0
# All in nats: how sharply heads look.
BACK, MARKED, NEAR, ROUGH, PLACED = 14.0, 2500.0, 1200.0, 150.0, 40.0
SAME_LINE, ASKED_LINE, CANDIDATE, FOUND, GRAMS, SINK = 300.0, 3000.0, 1500.0, 600.0, 25.0, 8000.0
SWAY = 0.3  # of the scores that turn distance from the start into an angle
SHARPER = 12.0  # of learned scores
CAUTION = 0.3  # how much likelier than nothing a line must be to be quoted, in nats
TIE = 3.0  # by what equal lines differ, so that one of them is chosen
STEP = 40.0  # how steep a threshold is
# How loud tokens are: the present one has 1.
COPIED, FIXED_NEXT, FIRST, DEFAULT = 6.0, 12.0, 1.5, 1.5
LOGITS = 6.0  # scores of the next token for each of these units

SPECIAL = ("<|im_start|>", "<|im_end|>", "Ċ", "Ġ", ":", "-", 'Ġ"', "user", "assistant", "system",
           "Message", "Ġuser", "Ġassistant", "Ġsaid", "Ġsay")
# Marks of several tokens: what ends a sentence, and what is short for something.
STOP, SHORT = range(len(SPECIAL), len(SPECIAL) + 2)
# The last of the sums.
ENDS, BEGINS, BEGINS_LINE = 13, 14, 15
ANCHORS = (("<|im_start|>", "system"), ("<|im_start|>", "system", "Ċ", None))


def codes(size):
    """A code for every token (vocabulary, CODE), of length 1."""
    generator = torch.Generator().manual_seed(1)
    draw = lambda *shape: torch.randn(*shape, generator=generator)
    unit = lambda *shape: torch.nn.functional.normalize(draw(*shape), dim=-1)
    gram, rest = unit(size, GRAM), unit(size, CODE - GRAM)
    return torch.cat([gram, rest], 1) / math.sqrt(2)


class Circuit:
    """Writes weights by the names of ranges of the stream."""

    def __init__(self, encoder):
        self.encoder = encoder
        self.cfg = network.Config(encoder.size, FREQUENCIES)
        self.weights = network.zeros(self.cfg)
        self.units = [0] * self.cfg.layers
        self.codes = codes(encoder.size)
        # Score per product of query and key.
        self.scale = math.sqrt(self.cfg.head)

    def part(self, block, name, head, dims):
        """The rows of a head's matrix and of its bias."""
        rows = slice(head * self.cfg.head + dims.start, head * self.cfg.head + dims.stop)
        name = f"blk.{block}.{name}"
        return self.weights[name + ".weight"][rows], self.weights[name + ".bias"][rows]

    def read(self, block, name, head, dim, source, matrix):
        """Head dimensions from `dim` on read a range of the stream through a matrix."""
        matrix = torch.as_tensor(matrix, dtype=torch.float32)
        weight, _ = self.part(block, name, head, range(dim, dim + len(matrix)))
        weight[:, source.start : source.stop] += matrix

    def constant(self, block, name, head, dim, value):
        """A head dimension has this value for every token."""
        self.part(block, name, head, range(dim, dim + 1))[1][0] += value

    def write(self, block, head, dim, target, matrix):
        """Values of a head, from `dim` on, are added to a range of the stream through a matrix."""
        matrix = torch.as_tensor(matrix, dtype=torch.float32)
        at = head * self.cfg.head + dim
        weight = self.weights[f"blk.{block}.attn_output.weight"]
        weight[target.start : target.stop, at : at + matrix.shape[1]] += matrix

    def unit(self, block, gate, gate_bias, up, up_bias, down):
        """One unit of a feed-forward; `gate`, `up`, `down` are lists of (range, vector)."""
        at, self.units[block] = self.units[block], self.units[block] + 1
        get = lambda name: self.weights[f"blk.{block}.{name}"]
        for name, parts, bias in (("ffn_gate", gate, gate_bias), ("ffn_up", up, up_bias)):
            get(name + ".bias")[at] = bias
            for source, vector in parts:
                get(name + ".weight")[at, source.start : source.stop] += torch.as_tensor(vector)
        for target, vector in down:
            get("ffn_down.weight")[target.start : target.stop, at] += torch.as_tensor(vector)

    def token(self, token):
        """The dimension that is 1 for one of the `SPECIAL` tokens."""
        at = STREAM["token"].start + SPECIAL.index(token)
        return range(at, at + 1)

    def code(self, token):
        """The code of a token of the vocabulary."""
        return self.codes[self.encoder.vocab[token]]


def one(name, index):
    """A single dimension of a range."""
    return range(STREAM[name].start + index, STREAM[name].start + index + 1)


def embed(circuit, learned):
    """What each token is."""
    table = circuit.weights["token_embd.weight"]
    table[:, STREAM["code"].start : STREAM["code"].stop] = circuit.codes
    table[:, STREAM["meaning"].start : STREAM["meaning"].stop] = learned.meaning
    table[:, STREAM["constant"].start] = CONSTANT
    for token in SPECIAL:
        table[circuit.encoder.vocab[token], circuit.token(token).start] = 1.0
    for at, tokens in ((STOP, prompts.STOPS), (SHORT, prompts.SHORT)):
        for token in tokens:
            table[circuit.encoder.vocab[token], STREAM["token"].start + at] = 1.0
    gain = CONSTANT / math.sqrt(circuit.cfg.width)
    for name, weight in circuit.weights.items():
        if name.endswith("_norm.weight"):
            weight.fill_(gain)
    last = circuit.weights["output_norm.weight"]
    last.zero_()
    last[STREAM["code"].start : STREAM["code"].stop] = gain * LOGITS


def look_at(circuit, block, head, back):
    """This head looks at the token so many tokens back."""
    for pair, frequency in enumerate(NEIGHBOURS + PLACES):
        circuit.constant(block, "attn_q", head, 2 * pair, BACK * circuit.scale)
        circuit.constant(block, "attn_k", head, 2 * pair, math.cos(frequency * back))
        circuit.constant(block, "attn_k", head, 2 * pair + 1, math.sin(frequency * back))


def look_back(circuit, learned):
    """Block 0."""
    many = lambda at: range(STREAM["token"].start + at, STREAM["token"].start + at + 1)
    patterns = [(one("mark", kind), tail) for kind, tail in prompts.MARKERS]
    patterns += [(one("anchor", i), tail) for i, tail in enumerate(ANCHORS)]
    for back in range(1, prompts.LOOK_BACK + 1):
        head = back - 1
        look_at(circuit, 0, head, back)
        for i, (_, tail) in enumerate(patterns):
            if back < len(tail):
                circuit.read(0, "attn_v", head, i, circuit.token(tail[-1 - back]), [[1.0]])
        # Sums of their own: a space that ends a sentence, the first token of the next, and that of
        # a line of the text.
        for i, later in ((ENDS, 0), (BEGINS, 1)):
            for at, sign, place in ((STOP, 1.0, 1), (SHORT, -1.0, 2)):
                if back == place + later:
                    circuit.read(0, "attn_v", head, i, many(at), [[sign]])
        circuit.write(0, head, 0, STREAM["sums"], torch.eye(16))
        first = STREAM["code"]
        gram = range(first.start, first.start + GRAM)
        circuit.read(0, "attn_v", head, 16, gram, math.sqrt(2) * torch.eye(GRAM))
        circuit.write(0, head, 16, STREAM[f"gram{back}"], torch.eye(GRAM))
        circuit.read(0, "attn_v", head, 16 + GRAM, STREAM["meaning"], learned.read[head])
        circuit.write(0, head, 16 + GRAM, STREAM["meaning"], learned.write[head])
    circuit.read(0, "attn_v", 0, BEGINS, circuit.token("Ġ"), [[1.0]])
    circuit.read(0, "attn_v", 0, BEGINS_LINE, circuit.token("Ċ"), [[2.0]])
    for i, (flag, tail) in enumerate(patterns):
        count = sum(token is not None for token in tail)
        gate = [(one("sums", i), [STEP])]
        if tail[-1] is not None:
            gate.append((circuit.token(tail[-1]), [STEP]))
        circuit.unit(0, gate, -STEP * (count - 0.5), [], 2 / STEP, [(flag, [1.0])])
    space = [(circuit.token("Ġ"), [STEP])]
    never = [(circuit.token(token), [-2 * STEP]) for token in prompts.NO_BEGIN]
    for i, name, gate in (
        (ENDS, "ends", space), (BEGINS, "begins", never), (BEGINS_LINE, "begins", never)
    ):
        gate = [*gate, (one("sums", i), [STEP])]
        circuit.unit(0, gate, -1.5 * STEP, [], 2 / STEP, [(STREAM[name], [1.0])])


def find_places(circuit):
    """Block 1: attention to three tokens at the start sways with the distance."""
    anchors = [one("anchor", 0), one("mark", prompts.SYSTEM), one("anchor", 1)]
    radius = sway_radius()
    for head, frequency in enumerate(PLACES):
        pair = 2 * (len(NEIGHBOURS) + head)
        circuit.constant(1, "attn_q", head, pair, SWAY * circuit.scale)
        circuit.constant(1, "attn_q", head, STILL, PLACED * circuit.scale)
        for i, anchor in enumerate(anchors):
            turn = 2 * math.pi * i / 3
            phase = -turn - frequency * (i + 1)
            circuit.read(1, "attn_k", head, pair, anchor, [[math.cos(phase)], [math.sin(phase)]])
            circuit.read(1, "attn_k", head, STILL, anchor, [[1.0]])
            circuit.read(1, "attn_v", head, 0, anchor, [[math.cos(turn)], [math.sin(turn)]])
        start = STREAM["place"].start + 2 * head
        circuit.write(1, head, 0, range(start, start + 2), torch.eye(2) * 0.5 / radius)


def sway_radius():
    """How far the mean of three directions is from their middle, when they are swayed."""
    scores = [SWAY * math.cos(2 * math.pi * i / 3) for i in range(3)]
    shares = torch.tensor(scores).softmax(0)
    return sum(s.item() * math.cos(2 * math.pi * i / 3) for i, s in enumerate(shares))


def look_for(circuit, head, source, wanted):
    """In block 2 this head looks at the nearest token that has such a mark."""
    falls = ((0.01, ROUGH, 0.7), (0.0012, NEAR, 0.5), (0.001, NEAR, 0.5))
    for frequency, strength, phase in falls:
        pair = 2 * FREQUENCIES.index(frequency)
        each = math.sqrt(strength * circuit.scale)
        circuit.constant(2, "attn_q", head, pair, each)
        circuit.constant(2, "attn_k", head, pair, each * math.cos(phase))
        circuit.constant(2, "attn_k", head, pair + 1, -each * math.sin(phase))
    each = math.sqrt(MARKED * circuit.scale)
    circuit.constant(2, "attn_q", head, STILL, each)
    circuit.read(2, "attn_k", head, STILL, source, [[each * one for one in wanted]])


def find_lines(circuit):
    """Block 2: the nearest marker tells place and kind, and where a user spoke last is the query."""
    # Before all three anchors are seen, places are off: there they are taken for the middle.
    places = network.states(circuit.cfg, circuit.weights, circuit.encoder.head("system"), 2)
    places = places[:, STREAM["place"].start : STREAM["place"].stop, None]
    for head, target in ((0, "line"), (3, "whole")):
        look_for(circuit, head, STREAM["mark"], [1.0] * 8)
        circuit.read(2, "attn_v", head, 0, STREAM["place"], torch.eye(8))
        circuit.read(2, "attn_v", head, 0, one("anchor", 0), -places[1])
        circuit.read(2, "attn_v", head, 0, one("mark", prompts.SYSTEM), -places[2])
        circuit.write(2, head, 0, STREAM[target], torch.eye(8))
    circuit.read(2, "attn_v", 3, 8, STREAM["mark"], torch.eye(8))
    circuit.write(2, 3, 8, STREAM["kind"], torch.eye(8))
    # A line of this block may also begin with a sentence, which only counts in documents.
    each = math.sqrt(MARKED * circuit.scale)
    circuit.read(2, "attn_k", 0, STILL, STREAM["begins"], [[each]])
    document = one("kind", prompts.DOCUMENT)
    for i in range(8):
        back = [(one("whole", i), [2 / STEP]), (one("line", i), [-2 / STEP])]
        circuit.unit(2, [(document, [-STEP])], STEP / 2, back, 0, [(one("line", i), [1.0])])
    for flag, name in (("begins", "begin"), ("ends", "closed")):
        gate = [(document, [STEP]), (STREAM[flag], [STEP])]
        circuit.unit(2, gate, -1.5 * STEP, [], 2 / STEP, [(STREAM[name], [1.0])])
    look_at(circuit, 2, 1, 1)
    for kind in prompts.QUOTABLE:
        circuit.read(2, "attn_v", 1, 0, one("mark", kind), [[1.0]])
    circuit.write(2, 1, 0, STREAM["begin"], [[1.0]])
    spoke = [float(kind in (prompts.USER, prompts.QUERY)) for kind in range(8)]
    look_for(circuit, 2, STREAM["mark"], spoke)
    circuit.read(2, "attn_v", 2, 0, STREAM["place"], torch.eye(8))
    circuit.write(2, 2, 0, STREAM["asked"], torch.eye(8))
    replying = [(one("kind", kind), [STEP]) for kind in (prompts.ANSWER, prompts.QUOTE)]
    for i in range(8):
        asked = [(one("asked", i), [2 / STEP])]
        circuit.unit(2, replying, -STEP / 2, asked, 0, [(one("answering", i), [1.0])])
    ends = [(circuit.token(token), [STEP]) for token in prompts.ENDS]
    ends.append((STREAM["mark"], [-STEP] * 8))
    said = [(one("kind", kind), [STEP]) for kind in (prompts.USER, prompts.NOTE)]
    written = [(document, [STEP]), (STREAM["ends"], [STEP])]
    for gate in ([*ends, *said], [*ends, *written]):
        circuit.unit(2, gate, -1.5 * STEP, [], 2 / STEP, [(STREAM["candidate"], [1.0])])


def gather(circuit, learned):
    """Block 3: what a line means, and what the query means."""
    for head in range(matching.HEADS):
        own = STREAM["line" if head < matching.HEADS - 1 else "whole"]
        for source, strength in ((own, SAME_LINE), (STREAM["answering"], ASKED_LINE)):
            circuit.read(3, "attn_q", head, STILL, source, torch.eye(8) * strength * circuit.scale)
        circuit.read(3, "attn_k", head, STILL, own, torch.eye(8))
        circuit.constant(3, "attn_q", head, STILL + 8, circuit.scale)
        circuit.read(3, "attn_k", head, STILL + 8, STREAM["meaning"], learned.weigh[head][None])
        circuit.read(3, "attn_v", head, 0, STREAM["meaning"], torch.eye(matching.MEANING))
        circuit.write(3, head, 0, STREAM["gathered"], learned.gather[head])
    for i in range(matching.HIDDEN):
        circuit.unit(
            3, [(STREAM["gathered"], learned.gate.weight[i])], learned.gate.bias[i],
            [(STREAM["gathered"], learned.up.weight[i])], learned.up.bias[i],
            [(STREAM["gathered"], learned.down.weight[:, i])])


def match(circuit, learned):
    """Block 4, its attention: the line that answers, or none, which the system's marker stands for."""
    circuit.read(4, "attn_q", 0, STILL, STREAM["gathered"], learned.asks * SHARPER * circuit.scale)
    circuit.read(4, "attn_k", 0, STILL, STREAM["gathered"], learned.answers)
    system = circuit.encoder.head("system")
    made = network.states(circuit.cfg, circuit.weights, system, 4)[-1]
    made = learned.answers @ made[STREAM["gathered"].start : STREAM["gathered"].stop]
    none = one("mark", prompts.SYSTEM)
    circuit.read(4, "attn_k", 0, STILL, none, (learned.nothing - made)[:, None])
    flag = STILL + matching.COMPARED
    circuit.constant(4, "attn_q", 0, flag, CANDIDATE * circuit.scale)
    for source in (STREAM["candidate"], none):
        circuit.read(4, "attn_k", 0, flag, source, [[1.0]])
    generator = torch.Generator().manual_seed(2)
    circuit.constant(4, "attn_q", 0, flag + 1, TIE * circuit.scale)
    circuit.read(4, "attn_k", 0, flag + 1, STREAM["line"], torch.randn(1, 8, generator=generator))
    circuit.read(4, "attn_k", 0, flag + 1, none, [[CAUTION * SHARPER / TIE]])
    circuit.read(4, "attn_v", 0, 0, STREAM["line"], torch.eye(8))
    circuit.write(4, 0, 0, STREAM["found_line"], torch.eye(8))
    for i, sources in enumerate(([one("kind", prompts.USER), one("kind", prompts.NOTE)],
                                 [one("kind", prompts.DOCUMENT)], [none])):
        for source in sources:
            circuit.read(4, "attn_v", 0, 8 + i, source, [[1.0]])
    circuit.write(4, 0, 8, STREAM["found"], torch.eye(3))
    # Which tokens are the second and the third of a line, and of a quote.
    for back in (1, 2):
        look_at(circuit, 4, back, back)
        circuit.read(4, "attn_v", back, 0, STREAM["begin"], [[1.0]])
        circuit.read(4, "attn_v", back, 1, one("mark", prompts.QUOTE), [[1.0]])
        circuit.write(4, back, 0, one("begun", back - 1), [[1.0]])
        circuit.write(4, back, 1, one("quoting", back - 1), [[1.0]])


def say(circuit, learned):
    """Block 4, its feed-forward: the first token of a reply, and how fixed words go on."""
    text = circuit.encoder.cutter.encode
    first = lambda reply: circuit.code(text(reply).tokens[0])
    begins = one("mark", prompts.ANSWER)
    ready = 25 * STEP
    kind = lambda i: [(STREAM["gathered"], learned.kind.weight[i]), (begins, [ready])]
    bias = lambda i: learned.kind.bias[i] - ready
    for i, reply in enumerate((YOU_SAID, THE_NOTES_SAY, UNKNOWN)):
        found = [(one("found", i), [FIRST])]
        circuit.unit(4, kind(0), bias(0), found, 0, [(STREAM["code"], first(reply))])
    for i, reply in enumerate(FIXED, 1):
        circuit.unit(4, kind(i), bias(i), [], FIRST, [(STREAM["code"], first(reply))])
    by_default = DEFAULT * first(UNKNOWN) - COPIED * circuit.code("<|im_end|>")
    circuit.unit(4, [(begins, [STEP])], -STEP / 2, [], 2 / STEP, [(STREAM["code"], by_default)])
    steep = 5 * STEP
    gram = lambda token: steep * math.sqrt(2) * circuit.code(token)[:GRAM]
    loud = FIXED_NEXT / (0.15 * steep)
    for before, after in continuations(text).items():
        gate = [(STREAM["code"], steep * circuit.code(before[-1])),
                (one("kind", prompts.ANSWER), [steep])]
        gate += [(STREAM[f"gram{i}"], gram(token)) for i, token in enumerate(before[-2::-1], 1)]
        circuit.unit(
            4, gate, -(len(before) + 0.85) * steep, [], loud, [(STREAM["code"], circuit.code(after))])
    circuit.unit(
        4, [(STREAM["code"], steep * circuit.code(QUOTE_END)), (one("kind", prompts.QUOTE), [steep])],
        -1.85 * steep, [], loud, [(STREAM["code"], circuit.code("<|im_end|>"))])


def continuations(text):
    """What comes after which two tokens of a reply, or after three or four where two do not tell."""
    replies = [["Ċ", *text(reply).tokens] for reply in (YOU_SAID, THE_NOTES_SAY, UNKNOWN, *FIXED)]
    follows = {}
    for tokens in replies:
        for at in range(2, len(tokens)):
            for count in (2, 3, 4):
                before = tuple(tokens[max(0, at - count) : at])
                others = {
                    other[i] for other in replies for i in range(len(before), len(other))
                    if tuple(other[i - len(before) : i]) == before
                }
                if len(others) == 1:
                    break
            assert len(others) == 1, (before, others)
            follows[before] = tokens[at]
    return follows


def copy(circuit):
    """Block 5: what follows in the line that was found; outside of quotes, the end."""
    circuit.read(5, "attn_q", 0, STILL, STREAM["found_line"], torch.eye(8) * FOUND * circuit.scale)
    circuit.read(5, "attn_k", 0, STILL, STREAM["line"], torch.eye(8))
    code = STREAM["code"]
    now = [range(code.start, code.start + GRAM), STREAM["gram1"], STREAM["gram2"]]
    then = [STREAM["gram1"], STREAM["gram2"], STREAM["gram3"]]
    for i, (query, key) in enumerate(zip(now, then)):
        gain = GRAMS * circuit.scale * (math.sqrt(2) if i == 0 else 1.0)
        circuit.read(5, "attn_q", 0, STILL + 8 + i * GRAM, query, torch.eye(GRAM) * gain)
        circuit.read(5, "attn_k", 0, STILL + 8 + i * GRAM, key, torch.eye(GRAM))
    sink = STILL + 8 + 3 * GRAM
    each = math.sqrt(SINK * circuit.scale)
    circuit.constant(5, "attn_q", 0, sink, each / 2)
    circuit.read(5, "attn_q", 0, sink, one("kind", prompts.QUOTE), [[-each]])
    start = circuit.token("<|im_start|>")
    circuit.read(5, "attn_k", 0, sink, start, [[each]])
    # Its first tokens are those with which the line begins, whatever comes before them.
    same = [(one("mark", prompts.QUOTE), STREAM["begin"])]
    same += [(one("quoting", i), one("begun", i)) for i in range(2)]
    for i, (quote, line) in enumerate(same, 1):
        circuit.read(5, "attn_q", 0, sink + i, quote, [[3 * GRAMS * circuit.scale]])
        circuit.read(5, "attn_k", 0, sink + i, line, [[1.0]])
    circuit.read(5, "attn_v", 0, 0, code, torch.eye(CODE))
    for token, said in (
        ("Ċ", QUOTE_END), ("<|im_end|>", QUOTE_END), ("<|im_start|>", "<|im_end|>")
    ):
        instead = (circuit.code(said) - circuit.code(token))[:, None]
        circuit.read(5, "attn_v", 0, 0, circuit.token(token), instead)
    instead = (circuit.code(QUOTE_END) - circuit.code("Ġ"))[:, None]
    circuit.read(5, "attn_v", 0, 0, STREAM["closed"], instead)
    circuit.write(5, 0, 0, code, torch.eye(CODE) * COPIED)


@torch.no_grad()
def build(encoder, learned):
    """The whole network: (sizes, weights)."""
    circuit = Circuit(encoder)
    embed(circuit, learned)
    look_back(circuit, learned)
    find_places(circuit)
    find_lines(circuit)
    gather(circuit, learned)
    match(circuit, learned)
    say(circuit, learned)
    copy(circuit)
    assert max(circuit.units) <= circuit.cfg.hidden, circuit.units
    return circuit.cfg, circuit.weights


def load(path):
    """The network with the weights that `matching.py` has written."""
    encoder = prompts.Encoder()
    learned = matching.Matching(encoder.size)
    learned.load_state_dict(torch.load(path))
    return encoder, *build(encoder, learned)
