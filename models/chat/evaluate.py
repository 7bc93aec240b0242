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
def check(model, encoder, conversation_list, dtype=torch.bfloat16):
    """Correctness of every branch: a list of (branch, exact, said unknown)."""
    model.eval()
    results, device = [], next(model.parameters()).device
    unknown = encoder.text(conversations.UNKNOWN)
    for conversation in conversation_list:
        example = encoder.example(conversation)
        if len(example.ids) > model.cfg.context:
            continue
        batch = batches.join([example], dtype).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
            states = model(batch.ids, batch.positions, batch.segments)
            for start, end, source in example.spans:
                said = model.logits(states[start - 1 : end - 1]).argmax(-1)
                exact = bool((said == batch.ids[start:end]).all())
                results.append((source, exact, said[:1].tolist() == unknown[:1]))
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


def quick(model, encoder):
    """A short look during training: easy and real, seen and unseen wordings."""
    report = {}
    for name, level, held in (
        ("easy", conversations.EASY, "values"),
        ("real", conversations.REAL, "values"),
        ("wording", conversations.REAL, "wording"),
        ("attributes", conversations.REAL, "attributes"),
    ):
        count = 40 if level is conversations.EASY else 20
        report[name] = rates(check(model, encoder, sample(level, count, 7, **SETS[held])))
    return report


def full(model, encoder, count):
    """The table of the card."""
    report = {}
    for level_name in ("EASY", "MIDDLE", "REAL", "LONG"):
        level = getattr(conversations, level_name)
        for set_name, held in SETS.items():
            cases = sample(level, count, 99, **held)
            report[f"{level_name.lower()} {set_name}"] = rates(check(model, encoder, cases))
        cases = sample(level, count, 98, False, **SETS["values"])
        report[f"{level_name.lower()} no notes"] = rates(check(model, encoder, cases))
    return report


def load(path):
    """The model of a checkpoint."""
    checkpoint = torch.load(path, map_location="cpu")
    model = Model(Config(**checkpoint["config"]))
    model.load_state_dict(checkpoint["state"])
    return model, checkpoint["tokens"]


def main():
    """Prints the table as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("--count", type=int, default=150, help="conversations of each kind")
    args = parser.parse_args()
    torch.set_num_threads(2)
    model, tokens = load(args.checkpoint)
    print(json.dumps({"tokens": tokens}))
    for name, values in full(model, batches.Encoder(), args.count).items():
        print(name, json.dumps(values), flush=True)


if __name__ == "__main__":
    main()
