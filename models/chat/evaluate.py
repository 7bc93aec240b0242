"""Measures a checkpoint on values, wordings and attributes that training never saw.

A reply counts only if the model's own most likely token is right at every place of it, which is
the same as greedy decoding giving exactly this sentence.
"""

import argparse
import collections
import json

import torch

import batches
import conversations
from model import Config, Model

SETS = {
    "values": dict(held_values=True),
    "wording": dict(held_values=True, held_wording=True),
    "attributes": dict(held_values=True, held_relations=True),
}


@torch.no_grad()
def check(model, encoder, conversation_list, device="cpu", length=2048, rows=4):
    """Correctness of every branch: a list of (branch, exact, said unknown)."""
    model.eval()
    waiting = [encoder.example(c) for c in conversation_list]
    waiting = [e for e in waiting if len(e.ids) <= length]
    results = []
    while waiting:
        (ids, positions, document, branch, _), placed = batches.pack(waiting, length, rows)
        ids, positions, document, branch = (
            t.to(device) for t in (ids, positions, document, branch)
        )
        with torch.autocast(device, torch.bfloat16):
            states = model(ids, positions, batches.attention_mask(document, branch))
            best = model.logits(states).argmax(-1).cpu()
        ids = ids.cpu()
        unknown = encoder.text(conversations.UNKNOWN)
        for example, row, at in placed:
            for start, end, source in example.spans:
                said = best[row, at + start - 1 : at + end - 1]
                exact = bool((said == ids[row, at + start : at + end]).all())
                results.append((source, exact, said[:1].tolist() == unknown[:1]))
        used = {id(example) for example, _, _ in placed}
        waiting = [e for e in waiting if id(e) not in used]
    model.train()
    return results


def rates(results):
    """Share of exact replies by kind, with the share of wrong "I don't know" among `present`."""
    by_kind = collections.defaultdict(list)
    for source, exact, unknown in results:
        by_kind[source.kind].append(exact)
        if source.kind == "present":
            by_kind["present_denied"].append(unknown)
    return {kind: round(sum(v) / len(v), 3) for kind, v in sorted(by_kind.items())}


def sample(level, count, seed, recall=True, **held):
    """Conversations for evaluation."""
    generator = conversations.Generator(seed, **held)
    return [generator.conversation(level, recall) for _ in range(count)]


def quick(model, encoder, device):
    """A short look during training: easy and hard, seen and unseen wordings."""
    report = {}
    for name, level, held in (
        ("easy", conversations.EASY, "values"),
        ("hard", conversations.HARD, "values"),
        ("wording", conversations.MIDDLE, "wording"),
        ("attributes", conversations.MIDDLE, "attributes"),
    ):
        count = 24 if level is conversations.EASY else 12
        found = check(model, encoder, sample(level, count, 7, **SETS[held]), device, 1024, 2)
        report[name] = rates(found)
    return report


def full(model, encoder, device, count):
    """The table of the card."""
    report = {}
    for level_name in ("EASY", "MIDDLE", "HARD", "LONG"):
        level = getattr(conversations, level_name)
        for set_name, held in SETS.items():
            cases = sample(level, count, 99, **held)
            report[f"{level_name.lower()} {set_name}"] = rates(check(model, encoder, cases, device))
        cases = sample(level, count, 98, False, **SETS["values"])
        report[f"{level_name.lower()} no notes"] = rates(check(model, encoder, cases, device))
    return report


def load(path, device):
    """The model of a checkpoint."""
    checkpoint = torch.load(path, map_location=device)
    model = Model(Config(**checkpoint["config"])).to(device)
    model.load_state_dict(checkpoint["state"])
    return model, checkpoint["tokens"]


def main():
    """Prints the table as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--count", type=int, default=150, help="conversations of each kind")
    args = parser.parse_args()
    torch.set_num_threads(2)
    model, tokens = load(args.checkpoint, args.device)
    print(json.dumps({"tokens": tokens}))
    for name, values in full(model, batches.Encoder(), args.device, args.count).items():
        print(name, json.dumps(values), flush=True)


if __name__ == "__main__":
    main()
