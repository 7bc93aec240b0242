"""Asks llama.cpp what training never saw: `python evaluate.py match.pt ../chat.gguf`."""

import argparse
import collections
import random

import torch
from llama_cpp import Llama

import circuit
import conversations
import matching
import natural
import network
from smalltalk import UNKNOWN

REPLY_TOKENS_MAX = 64


def by_llama(llama, ids, end):
    """The greedy reply of llama.cpp."""
    llama.reset()
    reply = []
    for token in llama.generate(ids, temp=0.0, repeat_penalty=1.0):
        if token == end or len(reply) == REPLY_TOKENS_MAX:
            break
        reply.append(token)
    return reply


def generated(llama, encoder, config, weights, count):
    """Shares of replies that are right to the last token, on values that training never saw."""
    same, pieces = [], []
    for name, level, held in (
        ("easy, values", conversations.EASY, "values"), ("real, values", conversations.REAL, "values"),
        ("real, attributes", conversations.REAL, "attributes"),
        ("long, values", conversations.LONG, "values"),
    ):
        generator = matching.source(encoder, 99, **matching.SETS[held])
        right = collections.defaultdict(list)
        for _ in range(count):
            case = generator.conversation(level)
            before = encoder.context(case)
            for branch in case.branches[::2]:
                ids = before + encoder.query(branch.query)
                wanted = encoder.text(branch.reply)
                if len(ids) + len(wanted) >= config.context:
                    continue
                reply = by_llama(llama, ids, encoder.end)
                right[branch.kind].append(reply == wanted)
                if len(same) < 60:
                    states = network.states(config, weights, ids + reply)[len(ids) - 1 :]
                    said = network.logits(config, weights, states).argmax(1).tolist()
                    same.append(said == [*reply, encoder.end])
            for piece in [piece for message in case.messages for piece in message.pieces]:
                cut = llama.tokenize(piece.encode(), add_bos=False, special=False)
                pieces.append(cut == encoder.text(piece))
        shares = " ".join(f"{kind} {sum(v)}/{len(v)}" for kind, v in sorted(right.items()))
        print(f"{name}: {shares}", flush=True)
    print(f"as the network: {sum(same)} of {len(same)} replies; "
          f"cut alike: {sum(pieces)} of {len(pieces)} pieces")


def by_hand(llama, encoder):
    """Shares of what was written by hand: facts found, and known not to be there."""
    rng, wrong = random.Random(1), []

    def ask(facts, question):
        lines = [("- ", "12 March 2026", ", user said: ", fact, "\n") for fact in facts]
        pieces = ["Notes from earlier in this conversation:\n", *(p for line in lines for p in line)]
        system = conversations.Message("system", [conversations.INSTRUCTION])
        message = conversations.Message("user", [*pieces, "\n", "Message:\n"])
        case = conversations.Conversation([system, message], [])
        ids = encoder.context(case) + encoder.query(question)
        return encoder.cutter.decode(by_llama(llama, ids, encoder.end))

    found, missing = [], []
    for said, questions, value in natural.FACTS:
        others = rng.sample([fact for fact, _, _ in natural.FACTS if fact != said], 11)
        facts = [*others, said]
        rng.shuffle(facts)
        for question in questions:
            reply = ask(facts, question)
            found.append(value in reply)
            wrong += [] if found[-1] else [(said, question, reply)]
            reply = ask(others, question)
            missing.append(reply == UNKNOWN)
            wrong += [] if missing[-1] else [("not said", question, reply)]
    for question in natural.ABSENT:
        reply = ask(rng.sample([fact for fact, _, _ in natural.FACTS], 12), question)
        missing.append(reply == UNKNOWN)
        wrong += [] if missing[-1] else [("not said", question, reply)]
    print(f"by hand: found {sum(found)}/{len(found)} missing {sum(missing)}/{len(missing)}")
    for row in wrong:
        print(" ", *row, sep=" | ")


def main():
    """Prints what is right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("learned")
    parser.add_argument("gguf")
    parser.add_argument("--count", type=int, default=20, help="conversations of each kind")
    args = parser.parse_args()
    torch.set_num_threads(1)
    encoder, config, weights = circuit.load(args.learned)
    llama = Llama(args.gguf, n_ctx=config.context, n_threads=1, n_threads_batch=1, verbose=False)
    by_hand(llama, encoder)
    generated(llama, encoder, config, weights, args.count)


if __name__ == "__main__":
    main()
