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
import unseen
from smalltalk import UNKNOWN

REPLY_TOKENS_MAX = 96


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


def asked(llama, encoder, notes, question):
    """The reply to a question about notes (pieces), as the default assembly lays them out."""
    system = conversations.Message("system", [conversations.INSTRUCTION])
    message = conversations.Message("user", [*notes, "\n", "Message:\n"])
    case = conversations.Conversation([system, message], [])
    ids = encoder.context(case) + encoder.query(question)
    return encoder.cutter.decode(by_llama(llama, ids, encoder.end))


def report(name, rows):
    """Prints the shares of (what holds the answer or none, question, value or none, reply)."""
    right = lambda value, reply: reply == UNKNOWN if value is None else value in reply
    for kind, wanted in (("found", True), ("missing", False)):
        results = [right(value, reply) for *_, value, reply in rows if (value is not None) == wanted]
        print(f"{name}: {kind} {sum(results)}/{len(results)}", flush=True)
    for said, question, value, reply in rows:
        if not right(value, reply):
            print("  ", said or "not said", question, reply, sep=" | ")


def by_hand(llama, encoder, name, facts, absent):
    """What was written by hand: facts among others, and whether it is known that they are missing."""
    rng, rows = random.Random(1), []

    def ask(said, question):
        lines = [("- ", "12 March 2026", ", user said: ", fact, "\n") for fact in said]
        notes = ["Notes from earlier in this conversation:\n", *(p for line in lines for p in line)]
        return asked(llama, encoder, notes, question)

    everything = [fact for fact, _, _ in facts]
    for said, questions, value in facts:
        others = rng.sample([fact for fact in everything if fact != said], 11)
        known = [*others, said]
        rng.shuffle(known)
        for question in questions:
            rows.append((said, question, value, ask(known, question)))
            rows.append((None, question, None, ask(others, question)))
    for question in absent:
        rows.append((None, question, None, ask(rng.sample(everything, 12), question)))
    report(name, rows)


def of_documents(llama, encoder, documents):
    """What documents tell, all excerpts of one in the notes."""
    rows = []
    for excerpts, questions in documents:
        lines = [("- ", excerpt, "\n") for excerpt in excerpts]
        notes = ["Notes from documents:\n", *(piece for line in lines for piece in line)]
        for question, value in questions:
            said = "a document" if value else None
            rows.append((said, question, value, asked(llama, encoder, notes, question)))
    report("documents", rows)


def main():
    """Prints what is right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("learned")
    parser.add_argument("gguf")
    parser.add_argument("--count", type=int, default=20, help="conversations of each kind")
    parser.add_argument("--unseen", action="store_true", help="also what nothing may be chosen by")
    args = parser.parse_args()
    torch.set_num_threads(1)
    encoder, config, weights = circuit.load(args.learned)
    llama = Llama(args.gguf, n_ctx=config.context, n_threads=1, n_threads_batch=1, verbose=False)
    by_hand(llama, encoder, "by hand", natural.FACTS, natural.ABSENT)
    if args.unseen:
        by_hand(llama, encoder, "by hand, unseen", unseen.FACTS, unseen.ABSENT)
        of_documents(llama, encoder, unseen.DOCUMENTS)
    generated(llama, encoder, config, weights, args.count)


if __name__ == "__main__":
    main()
