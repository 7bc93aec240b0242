"""Compares llama.cpp with the checkpoint: token ids, and greedy replies token by token."""

import argparse

import torch
from llama_cpp import Llama

import batches
import conversations
import evaluate

REPLY_TOKENS_MAX = 40


@torch.no_grad()
def by_checkpoint(model, ids, end):
    """The greedy reply of the network."""
    ids, reply = list(ids), []
    while len(reply) < REPLY_TOKENS_MAX:
        token = model.logits(model(torch.tensor(ids))[-1]).argmax().item()
        if token == end:
            break
        ids.append(token)
        reply.append(token)
    return reply


def by_llama(llama, ids, end):
    """The greedy reply of llama.cpp."""
    llama.reset()
    reply = []
    for token in llama.generate(ids, temp=0.0, repeat_penalty=1.0):
        if token == end or len(reply) == REPLY_TOKENS_MAX:
            break
        reply.append(token)
    return reply


def main():
    """Prints how many replies and pieces are the same, and how many replies are right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("gguf")
    parser.add_argument("--count", type=int, default=8, help="conversations of each level")
    args = parser.parse_args()
    torch.set_num_threads(1)
    encoder = batches.Encoder()
    model, _ = evaluate.load(args.checkpoint)
    model.eval()
    llama = Llama(args.gguf, n_ctx=model.cfg.context, n_threads=1, verbose=False)
    total = same = right = pieces = cut_alike = 0
    for level in (conversations.EASY, conversations.REAL, conversations.LONG):
        for case in evaluate.sample(level, args.count, 5, held_values=True):
            for branch in case.branches[:3]:
                ids = encoder.prompt(case, branch.query)
                reply = by_llama(llama, ids, encoder.end)
                total += 1
                same += reply == by_checkpoint(model, ids, encoder.end)
                right += encoder.cutter.decode(reply) == branch.reply
            for piece in [piece for message in case.messages for piece in message.pieces]:
                ids = llama.tokenize(piece.encode(), add_bos=False, special=False)
                pieces += 1
                cut_alike += ids == encoder.text(piece)
    print(f"{same} of {total} replies the same, {right} right")
    print(f"{cut_alike} of {pieces} pieces cut alike")


if __name__ == "__main__":
    main()
