"""Recall of the dense search alone, for the reference model and for a table.

    evaluate.py conversations.jsonl [table.bin …]

Each conversation is one pool of messages; a question counts the share of its evidence among the
first ten messages. The file is read where it lies: it is for measuring only.
"""

import argparse
import json
import time
from collections import defaultdict

import numpy as np

from table import Table
from teacher import Teacher


def recall(messages, questions, scores, most=10):
    places = {message["id"]: index for index, message in enumerate(messages)}
    for question, row in zip(questions, scores):
        wanted = {places[one] for one in question["evidence"] if one in places}
        if wanted:
            found = set(np.argsort(-row, kind="stable")[:most].tolist())
            yield question["kind"], len(wanted & found) / len(wanted)


def report(name, conversations, embed):
    kinds, started = defaultdict(list), time.time()
    for one in conversations:
        texts = [message["content"] for message in one["messages"]]
        asked = [question["question"] for question in one["questions"]]
        vectors = embed(texts + asked)
        scores = vectors[len(texts):] @ vectors[: len(texts)].T
        for kind, value in recall(one["messages"], one["questions"], scores):
            kinds[kind].append(value)
            kinds["all"].append(value)
    spent = time.time() - started
    print(f"{name}: recall@10 {100 * np.mean(kinds['all']):.1f} ({spent:.0f} s)")
    for kind in sorted(kinds.keys() - {"all"}):
        print(f"    {kind}: {100 * np.mean(kinds[kind]):.1f} of {len(kinds[kind])}")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("data")
    arguments.add_argument("tables", nargs="*")
    arguments.add_argument("--tokens", type=int, default=256)
    arguments.add_argument("--reference", action="store_true", help="measure the full model too")
    given = arguments.parse_args()
    with open(given.data, encoding="utf-8") as lines:
        conversations = [json.loads(line) for line in lines]
    teacher = Teacher()
    if given.reference:
        report("reference", conversations, lambda texts: teacher.embed(
            teacher.tokens(texts, given.tokens)))
    for path in given.tables:
        table = Table.read(path)
        report(path, conversations, lambda texts: table.embed(
            teacher.tokens(texts, given.tokens)))


if __name__ == "__main__":
    main()
