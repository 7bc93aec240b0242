"""Trains the model: `python train.py --processes 4` on a CPU, or with `--device cuda`.

Muon for the matrices, AdamW for the embedding and the norms; the rates stay level and fall to
almost nothing over the last part; loss on assistant replies only. On a CPU every process computes
with one thread. The parts of a step are not dealt out in advance: each process takes the next one when it is
free, so that a machine with other work slows all of them and not each in turn.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.nn import functional as F

import batches
import evaluate
from model import Config, Model


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=float, default=100e6, help="tokens to train on")
    parser.add_argument("--minutes", type=float, default=0, help="stop earlier, after this time")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--processes", type=int, default=1, help="processes of one thread (CPU)")
    parser.add_argument("--part-tokens", type=int, default=1800, help="of one part of a step")
    parser.add_argument("--parts", type=int, default=5, help="parts of a step")
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--heads", type=int, default=6)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--muon-rate", type=float, default=2.5e-3)
    parser.add_argument("--adam-rate", type=float, default=1e-3)
    parser.add_argument("--warmup", type=int, default=60, help="steps of warm-up")
    parser.add_argument("--level", type=float, default=0.5, help="share before the rates fall")
    parser.add_argument("--start", default="", help="checkpoint to go on from")
    parser.add_argument("--progress", type=float, default=0, help="where to start, 0 to 1")
    parser.add_argument("--grade", type=int, default=0, help="where to start, 0 to 2")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=300, help="steps between evaluations")
    parser.add_argument("--out", default="chat.pt", help="checkpoint to write")
    return parser.parse_args()


class Together:
    """What the processes share: the parts of a step, sums, and the results of Muon."""

    def __init__(self, rank, count, taken):
        self.rank, self.count, self.taken = rank, count, taken

    def take(self, until):
        """Whether there is one more part to do before this number of parts."""
        with self.taken.get_lock():
            if self.taken.value >= until:
                return False
            self.taken.value += 1
            return True

    def total(self, tensor):
        """The sum over all processes, in place."""
        if self.count > 1:
            dist.all_reduce(tensor)
        return tensor

    def exchange(self, matrices):
        """Takes every matrix from the process that has updated it."""
        if self.count == 1:
            return
        own = [m.data if i % self.count == self.rank else torch.zeros_like(m)
               for i, m in enumerate(matrices)]
        spread(self.total(torch.cat([m.flatten() for m in own])), [m.data for m in matrices])


def spread(flat, targets):
    """Copies a flat tensor into the targets, one after the other."""
    at = 0
    for target in targets:
        target.copy_(flat[at : at + target.numel()].view_as(target))
        at += target.numel()


def optimizers(model, args, together):
    """Muon for this process's share of the matrices, AdamW for all the rest."""
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and n.startswith("blocks.")]
    ids = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in ids]
    own = matrices[together.rank :: together.count]
    muon = torch.optim.Muon(
        own, lr=args.muon_rate, momentum=0.95, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"
    )
    adam = torch.optim.AdamW(others, lr=args.adam_rate, betas=(0.9, 0.98), weight_decay=0.0)
    return matrices, muon, adam


def rate(args, progress, step):
    """The factor on the learning rates."""
    falling = (1 - progress) / max(1 - args.level, 1e-9)
    return min(1.0, (step + 1) / args.warmup) * max(0.02, min(1.0, falling))


# What is summed up over a step: weights, plain losses, tokens of replies, all tokens, first tokens
# of replies that are right, all first tokens of replies.
SUMS = 6


def loss_of(model, batch):
    """The summed weighted loss on replies, and sums for the log: see `SUMS`."""
    # A reply's first token is predicted by the token before it, which is of the same branch.
    chosen = batch.weight[1:].nonzero(as_tuple=True)[0]
    with torch.autocast(batch.ids.device.type, torch.bfloat16):
        states = model(batch.ids, batch.positions, batch.segments)
        logits = model.logits(states[chosen])
    losses = F.cross_entropy(logits, batch.ids[1:][chosen], reduction="none")
    weights = batch.weight[1:][chosen]
    first = weights == batches.FIRST_TOKEN_WEIGHT
    hits = (logits.detach().argmax(-1) == batch.ids[1:][chosen]) & first
    sums = [weights.sum(), losses.detach().sum(), len(losses), len(batch.ids)]
    sums = torch.stack([torch.as_tensor(x, device=losses.device).float() for x in sums])
    return (losses * weights).sum(), torch.cat([sums, torch.stack([hits.sum(), first.sum()])])


def save(model, args, tokens):
    """Writes the checkpoint."""
    state = {n: t.float().cpu() for n, t in model.state_dict().items()}
    checkpoint = {"config": dataclasses.asdict(model.cfg), "state": state, "tokens": tokens}
    temporary = args.out + ".part"
    torch.save(checkpoint, temporary)
    os.replace(temporary, args.out)


def run(rank, args, taken):
    """Trains, as one of the processes."""
    if args.device == "cpu":
        torch.set_num_threads(1)
    if args.processes > 1:
        store = f"file://{pathlib.Path(args.out).resolve()}.sync"
        dist.init_process_group("gloo", init_method=store, rank=rank, world_size=args.processes)
    torch.manual_seed(args.seed)
    encoder = batches.Encoder()
    sizes = {k: getattr(args, k) for k in ("width", "layers", "heads", "hidden")}
    model = Model(Config(vocab=encoder.size, **sizes)).to(args.device)
    if args.start:
        model.load_state_dict(torch.load(args.start)["state"])
    if rank == 0:
        print(f"{sum(p.numel() for p in model.parameters()):,} parameters", flush=True)
    source = batches.Source(encoder, args.seed * 1000 + rank, args.part_tokens, args.grade)
    train(args, model, source, Together(rank, args.processes, taken))


def step_once(args, model, source, together, step):
    """The gradients of one step, made common; gives its sums."""
    parameters = list(model.parameters())
    numbers = torch.zeros(SUMS, device=args.device)
    while together.take((step + 1) * args.parts):
        loss, sums = loss_of(model, source.batch().to(args.device))
        loss.backward()
        numbers += sums
    grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    flat = together.total(torch.cat([g.flatten() for g in grads] + [numbers]))
    numbers = flat[-SUMS:].tolist()
    for p, g in zip(parameters, grads):
        p.grad = g
    spread(flat[:-SUMS] / numbers[0], [p.grad for p in parameters])
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    return numbers


def train(args, model, source, together):
    """The loop."""
    matrices, muon, adam = optimizers(model, args, together)
    started, step, tokens, seen = time.time(), 0, 0, []
    first = together.rank == 0
    while True:
        done = tokens / args.tokens
        if args.minutes:
            done = max(done, (time.time() - started) / 60 / args.minutes)
        done = together.total(torch.tensor([done if first else 0.0], dtype=torch.float64)).item()
        progress = args.progress + (1 - args.progress) * done
        if progress >= 1:
            break
        for optimizer, base in ((muon, args.muon_rate), (adam, args.adam_rate)):
            for group in optimizer.param_groups:
                group["lr"] = base * rate(args, progress, step)
        _, plain, count, added, hits, firsts = step_once(args, model, source, together, step)
        source.learned(hits / firsts, progress)
        for optimizer in (muon, adam):
            optimizer.step()
        model.zero_grad(set_to_none=False)
        together.exchange(matrices)
        step += 1
        tokens += added
        seen.append(plain / count)
        if first and step % 25 == 0:
            speed = tokens / (time.time() - started)
            print(f"step {step} tokens {tokens / 1e6:.2f}M progress {progress:.3f} "
                  f"loss {sum(seen) / len(seen):.4f} grade {source.grade} right {source.right:.3f} "
                  f"{speed:.0f} tokens/s", flush=True)
            seen = []
        if first and step % args.every == 0:
            save(model, args, tokens)
            print("  " + json.dumps(evaluate.quick(model, source.encoder)), flush=True)
    if first:
        save(model, args, tokens)
        print(json.dumps(evaluate.quick(model, source.encoder)), flush=True)


def main():
    """Starts the processes."""
    args = arguments()
    taken = mp.get_context("spawn").Value("q", 0)
    if args.processes == 1:
        run(0, args, taken)
        return
    pathlib.Path(args.out + ".sync").unlink(missing_ok=True)
    mp.spawn(run, (args, taken), nprocs=args.processes)


if __name__ == "__main__":
    main()
