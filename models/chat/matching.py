"""Learns which line answers a question: `python matching.py --minutes 30 --out match.pt`.

This is all that is learned. It computes what the blocks of the network compute, on nothing but the
lines that are compared: a token's meaning with that of the three before it (block 0), what four
heads gather of a line (block 3), what a feed-forward makes of it, how a question and a line compare
(block 4), and what kind of message a query is. `circuit.py` puts the weights into their place.
"""

import argparse
import random
import time

import torch
import torch.multiprocessing as mp
from torch import nn
from torch.nn import functional as F

import conversations
import prompts
import tokenizer
from smalltalk import FIXED, NOTED, QUOTE_END, THE_NOTES_SAY, YOU_SAID

MEANING = 96  # width of a token's meaning, and of what is gathered
PASSED = 56  # width of what the heads that look back pass on of it
HEADS = 4  # that gather
HIDDEN = 192
COMPARED = 72  # width of what is compared
# What a query may be: a question, then the kinds of messages with a fixed reply.
KINDS = 1 + len(FIXED)
PLAIN = 0.15  # share of conversations in which a query stands alone in its message
LEVELS = (
    (0.5, conversations.Level((1, 4), (0, 3), (0, 3), 40)),
    (0.5, conversations.Level((3, 10), (0, 10), (0, 5), 60)),
)


class Matching(nn.Module):
    """The learned parts; lines are given as tokens with those before them."""

    def __init__(self, vocab):
        super().__init__()
        new = lambda *shape: nn.Parameter(torch.randn(*shape) * shape[-1] ** -0.5)
        self.meaning = new(vocab, MEANING)
        self.read = nn.Parameter(torch.randn(prompts.LOOK_BACK, PASSED, MEANING) * MEANING**-0.5)
        self.write = nn.Parameter(torch.zeros(prompts.LOOK_BACK, MEANING, PASSED))
        nn.init.normal_(self.write, 0, 0.5 * PASSED**-0.5)
        self.weigh = nn.Parameter(torch.zeros(HEADS, MEANING))
        nn.init.normal_(self.weigh, 0, 0.5)
        self.gather = nn.Parameter(torch.randn(HEADS, MEANING, MEANING) * (MEANING * HEADS) ** -0.5)
        self.gate, self.up = nn.Linear(MEANING, HIDDEN), nn.Linear(MEANING, HIDDEN)
        self.down = nn.Linear(HIDDEN, MEANING, bias=False)
        nn.init.zeros_(self.down.weight)
        self.asks = nn.Parameter(torch.randn(COMPARED, MEANING) * MEANING**-0.5)
        self.answers = nn.Parameter(self.asks.detach().clone())
        self.nothing = nn.Parameter(torch.zeros(COMPARED))
        self.kind = nn.Linear(MEANING, KINDS)

    def lines(self, tokens, places, wholes):
        """What is made of lines: `tokens` (all), `places` (lines, longest), -1 for none.

        The last head gathers from where the excerpt of a line begins: `wholes` (lines, 2) are the
        first token of that and the one after the line.
        """
        plain = F.embedding(tokens, self.meaning)
        states = plain
        for back in range(prompts.LOOK_BACK):
            passed = plain @ self.read[back].T @ self.write[back].T
            states = states + F.pad(passed, (0, 0, back + 1, 0))[: len(tokens)]
        scores = states @ self.weigh.T
        near = scores[:, :-1][places].masked_fill((places < 0)[..., None], -1e9)
        mixed = torch.einsum("nlh,nlm->nhm", near.softmax(1), states[places])
        wide = (scores[:, -1] - scores[:, -1].max().detach()).double().exp()[:, None]
        sums = torch.cat([wide * states, wide], 1).cumsum(0)
        sums = F.pad(sums, (0, 0, 1, 0))
        sums = sums[wholes[:, 1]] - sums[wholes[:, 0]]
        whole = (sums[:, :-1] / sums[:, -1:].clamp_min(1e-30)).float()
        mixed = torch.cat([mixed, whole[:, None]], 1)
        gathered = torch.einsum("nhm,hom->no", mixed, self.gather)
        made = self.down(F.silu(self.gate(gathered)) * self.up(gathered))
        return gathered + made

    def forward(self, batch):
        """Logarithms of shares of lines (the first is nothing) and kinds, for each query."""
        tokens, places, lines, same = batch["tokens"], batch["places"], batch["lines"], batch["same"]
        made = self.lines(tokens, places, batch["wholes"])
        asked = made[lines:] @ self.asks.T
        answers = torch.cat([self.nothing[None], made[:lines] @ self.answers.T])
        scores = (asked @ answers.T).masked_fill(~same, -1e9)
        return scores.log_softmax(-1), self.kind(made[lines:])


def quoted(reply):
    """What a reply quotes, and whether it is a document's."""
    for start, document in ((YOU_SAID, False), (THE_NOTES_SAY, True)):
        if reply.startswith(start):
            return reply[len(start) : -len(QUOTE_END)], document
    return None, False


def case(encoder, conversation, plain=False):
    """One conversation: tokens, lines, queries, and what is wanted of each query.

    A line or query is (its tokens, where what its last head gathers begins). `plain` is for queries
    without the words of the default assembly before them: those stand in the prompt as lines that
    can be quoted, which a query must not be.
    """
    ids = encoder.context(conversation)
    lines = encoder.lines(ids)
    places, texts, own = [], [], []
    for line in lines:
        if line.kind not in prompts.QUOTABLE:
            continue
        ends = encoder.closes(ids, line)
        if not ends:
            continue
        text = encoder.cutter.decode(ids[line.text : ends[0]])
        for end in ends:
            places.append((range(line.start, end + 1), line.whole))
            texts.append(text)
            own.append(line.kind)
    tokens, before = list(ids), len(ids)
    opening = ids[lines[-1].start - prompts.LOOK_BACK :]
    if plain:
        opening = encoder.text("\n") + encoder.head("user")
    asked, queries, selves = [], [], []
    for branch in conversation.branches:
        text, document = quoted(branch.reply)
        kind = 1 + FIXED.index(branch.reply) if branch.reply in FIXED else 0
        wanted = [0]
        if text is not None:
            wanted = [
                i + 1 for i, (line, of) in enumerate(zip(texts, own))
                if (of == prompts.DOCUMENT) == document and text == line
            ]
            if not wanted:
                continue
        query = opening + encoder.query(branch.query)[:-1]
        start, end = len(tokens) + prompts.LOOK_BACK, len(tokens) + len(query)
        queries.append((range(start, end), start))
        if plain:
            said = len(opening) + len(encoder.text(branch.query)) + 1
            selves.append((range(start, len(tokens) + said), start))
        tokens += query
        asked.append((kind, wanted, branch))
    return tokens, places, queries, selves, asked


def collate(cases):
    """One batch of several cases."""
    tokens, lines, queries, wanted, kinds, groups, owners = [], [], [], [], [], [], []
    own = {}
    for group, (ids, places, asking, selves, asked) in enumerate(cases):
        base, first, count = len(tokens), 1 + len(lines), len(places)
        shift = lambda place: ([p + base for p in place[0]], place[1] + base)
        tokens += ids
        lines += map(shift, [*places, *selves])
        groups += [group] * count + [-2] * len(selves)
        for i in range(len(selves)):
            own[len(queries) + i] = first + count + i
        queries += map(shift, asking)
        for kind, targets, _ in asked:
            kinds.append(kind)
            wanted.append([t and t - 1 + first for t in targets])
            owners.append(group)
    everything = lines + queries
    longest = max(len(place) for place, _ in everything)
    places = torch.tensor([[*place, *[-1] * (longest - len(place))] for place, _ in everything])
    wholes = torch.tensor([(whole, place[-1] + 1) for place, whole in everything])
    marked = torch.zeros(len(wanted), 1 + len(lines), dtype=torch.bool)
    for i, one in enumerate(wanted):
        marked[i, one] = True
    same = torch.tensor(owners)[:, None] == torch.tensor([-1, *groups])[None, :]
    same[:, 0] = True
    for query, line in own.items():
        same[query, line] = True
    return {"tokens": torch.tensor(tokens), "places": places, "wholes": wholes, "same": same,
            "lines": len(lines), "wanted": marked, "kinds": torch.tensor(kinds)}


def measure(model, batch):
    """The loss; and of what is there, of what is not, and of all kinds, the share that is right."""
    logs, kinds = model(batch)
    question = batch["kinds"] == 0
    right = logs.masked_fill(~batch["wanted"], -1e9).logsumexp(-1)
    # Each kind has a threshold of its own at 0, which the circuit needs.
    one = F.one_hot(batch["kinds"], KINDS).float()
    loss = -right[question].mean() + F.binary_cross_entropy_with_logits(kinds, one) * KINDS
    hit = (right > -0.69).float()
    absent = batch["wanted"][:, 0]
    kind_right = (kinds.argmax(-1) == batch["kinds"]).float()
    return loss, (hit[question & ~absent], hit[question & absent], kind_right)


def source(encoder, seed, **held):
    """A generator whose open words are also pieces of the tokenizer and common words."""
    generator = conversations.Generator(seed, **held)
    if not held:
        generator.values.pieces = [t for t in encoder.vocab if t.isascii() and t.isalpha()]
        generator.values.words = [word for word in tokenizer.COMMON if len(word) > 3]
    return generator


def supply(seed, size, kept, queue):
    """A process that makes batches; `kept` tells that some wordings are kept for evaluation."""
    torch.set_num_threads(1)
    encoder, rng = prompts.Encoder(), random.Random(seed)
    generator = source(encoder, seed)
    generator.held_wording = False if kept else None
    while True:
        cases = []
        for _ in range(size):
            level = LEVELS[rng.random() > LEVELS[0][0]][1]
            conversation = generator.conversation(level, rng.random() > 0.1)
            cases.append(case(encoder, conversation, rng.random() < PLAIN))
        queue.put(collate(cases))


SETS = {
    "values": dict(held_values=True),
    "wording": dict(held_values=True, held_wording=True),
    "attributes": dict(held_values=True, held_relations=True),
}


@torch.no_grad()
def held_out(model, encoder, count=60):
    """The shares of `measure` on what training never sees."""
    model.eval()
    report = []
    for name, held in SETS.items():
        generator, results = source(encoder, 7, **held), []
        for _ in range(count):
            one = collate([case(encoder, generator.conversation(conversations.REAL))])
            results.append(measure(model, one)[1])
        shares = [torch.cat(one).mean().item() for one in zip(*results)]
        report.append(f"{name} " + " ".join(f"{share:.3f}" for share in shares))
    model.train()
    return "; ".join(report)


def main():
    """Trains and writes a checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--suppliers", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep some wordings for evaluation")
    parser.add_argument("--start", default="", help="weights to go on from")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", default="match.pt")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    encoder = prompts.Encoder()
    model = Matching(encoder.size)
    if args.start:
        model.load_state_dict(torch.load(args.start))
    context = mp.get_context("spawn")
    queue = context.Queue(8)
    for i in range(args.suppliers):
        given = (100 * args.seed + i, 6, args.keep, queue)
        context.Process(target=supply, args=given, daemon=True).start()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=args.rate, betas=(0.9, 0.98), weight_decay=1e-3
    )
    started, step, asked, sums = time.time(), 0, 0, []
    while (done := (time.time() - started) / 60 / args.minutes) < 1:
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(1, (step + 1) / 100) * max(0.02, min(1, 1.6 - 1.6 * done))
        batch = queue.get()
        loss, shares = measure(model, batch)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        step, asked = step + 1, asked + len(batch["kinds"])
        sums.append([loss.item(), *(share.mean().item() for share in shares)])
        if step % 100 == 0:
            means = [sum(x) / len(x) for x in zip(*sums)]
            print(f"step {step} asked {asked} loss {means[0]:.4f} found {means[1]:.3f} "
                  f"missing {means[2]:.3f} kind {means[3]:.3f} {time.time() - started:.0f} s",
                  flush=True)
            sums = []
        if step % 1000 == 0:
            torch.save(model.state_dict(), args.out)
            print("  " + held_out(model, encoder), flush=True)
    torch.save(model.state_dict(), args.out)
    print(held_out(model, encoder), flush=True)


if __name__ == "__main__":
    main()
