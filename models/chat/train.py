"""Trains the model: `python train.py --tokens 100e6 --device cuda`, or in processes on a CPU.

Muon for the matrices, AdamW for the embedding and the norms; a cosine schedule over the token
budget; loss on assistant replies only. Every process of a CPU run computes with one thread on its
own share of the rows: on a machine with other work that is several times faster than one process
with several threads.
"""

import argparse
import dataclasses
import json
import math
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
    parser.add_argument("--step-tokens", type=int, default=4608, help="of all processes together")
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--heads", type=int, default=6)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--muon-rate", type=float, default=3e-3)
    parser.add_argument("--adam-rate", type=float, default=1e-3)
    parser.add_argument("--warmup", type=int, default=60, help="steps of warm-up")
    parser.add_argument("--start", default="", help="checkpoint to go on from")
    parser.add_argument("--progress", type=float, default=0, help="where to start, 0 to 1")
    parser.add_argument("--compile", action="store_true", help="compile the network first")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=300, help="steps between evaluations")
    parser.add_argument("--out", default="chat.pt", help="checkpoint to write")
    return parser.parse_args()


class Averager:
    """Makes gradients and parameters common to all processes; does nothing for one process."""

    def __init__(self, rank, count):
        self.rank, self.count = rank, count

    def gradients(self, parameters):
        """Averages the gradients."""
        if self.count == 1:
            return
        flat = torch.cat([p.grad.flatten() for p in parameters])
        dist.all_reduce(flat)
        flat /= self.count
        at = 0
        for p in parameters:
            p.grad.copy_(flat[at : at + p.numel()].view_as(p))
            at += p.numel()

    def parameters(self, matrices):
        """Takes every matrix from the process that has updated it."""
        for i, matrix in enumerate(matrices) if self.count > 1 else ():
            dist.broadcast(matrix.data, i % self.count)

    def agree(self, value):
        """The value that the first process has."""
        if self.count > 1:
            tensor = torch.tensor([value], dtype=torch.float64)
            dist.broadcast(tensor, 0)
            value = tensor.item()
        return value


def optimizers(model, args, average):
    """Muon for this process's share of the matrices, AdamW for all the rest."""
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and n.startswith("blocks.")]
    ids = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in ids]
    own = matrices[average.rank :: average.count]
    muon = torch.optim.Muon(
        own, lr=args.muon_rate, momentum=0.95, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"
    )
    adam = torch.optim.AdamW(others, lr=args.adam_rate, betas=(0.9, 0.98), weight_decay=0.0)
    return matrices, muon, adam


def rate(progress, step, warmup):
    """The factor on the learning rates."""
    return min(1.0, (step + 1) / warmup) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))


def loss_of(model, network, tensors, device):
    """The weighted loss on replies, and the unweighted loss for the log."""
    ids, positions, document, branch, weight = (t.to(device, non_blocking=True) for t in tensors)
    mask = batches.attention_mask(document, branch)
    # A reply's first token is predicted by the token before it, which is of the same branch.
    chosen = weight[:, 1:].nonzero(as_tuple=True)
    with torch.autocast(device, torch.bfloat16):
        states = network(ids, positions, mask)
        logits = model.logits(states[:, :-1][chosen])
    losses = F.cross_entropy(logits, ids[:, 1:][chosen], reduction="none")
    weights = weight[:, 1:][chosen]
    return (losses * weights).sum() / weights.sum(), losses.detach().mean()


def save(model, args, tokens):
    """Writes the checkpoint."""
    state = {n: t.float().cpu() for n, t in model.state_dict().items()}
    checkpoint = {"config": dataclasses.asdict(model.cfg), "state": state, "tokens": tokens}
    temporary = args.out + ".part"
    torch.save(checkpoint, temporary)
    os.replace(temporary, args.out)


def run(rank, args):
    """Trains, as one of the processes."""
    count = args.processes
    if args.device == "cpu":
        torch.set_num_threads(1)
    if count > 1:
        store = f"file://{pathlib.Path(args.out).resolve()}.sync"
        dist.init_process_group("gloo", init_method=store, rank=rank, world_size=count)
    torch.manual_seed(args.seed)
    encoder = batches.Encoder()
    sizes = {k: getattr(args, k) for k in ("width", "layers", "heads", "hidden")}
    model = Model(Config(vocab=encoder.size, **sizes)).to(args.device)
    if args.start:
        model.load_state_dict(torch.load(args.start)["state"])
    average = Averager(rank, count)
    matrices, muon, adam = optimizers(model, args, average)
    source = batches.Source(encoder, args.seed * 1000 + rank, args.step_tokens / count)
    if rank == 0:
        print(f"{sum(p.numel() for p in model.parameters()):,} parameters", flush=True)
    train(rank, args, model, source, average, (matrices, muon, adam))


def train(rank, args, model, source, average, parts):
    """The loop."""
    matrices, muon, adam = parts
    parameters = list(model.parameters())
    network = torch.compile(model, dynamic=False) if args.compile else model
    started, step, tokens, seen = time.time(), 0, 0, []
    while True:
        progress = tokens / args.tokens
        if args.minutes:
            progress = max(progress, (time.time() - started) / 60 / args.minutes)
        progress = average.agree(args.progress + (1 - args.progress) * progress)
        if progress >= 1:
            break
        factor = rate(progress, step, args.warmup)
        for optimizer, base in ((muon, args.muon_rate), (adam, args.adam_rate)):
            for group in optimizer.param_groups:
                group["lr"] = base * factor
        tensors = source.batch(progress)
        loss, plain = loss_of(model, network, tensors, args.device)
        loss.backward()
        average.gradients(parameters)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for optimizer in (muon, adam):
            optimizer.step()
        model.zero_grad(set_to_none=False)
        average.parameters(matrices)
        step += 1
        tokens += tensors[0].numel() * args.processes
        seen.append(plain.item())
        if rank == 0 and step % 25 == 0:
            spent = time.time() - started
            mean = sum(seen) / len(seen)
            print(f"step {step} tokens {tokens / 1e6:.2f}M progress {progress:.3f} loss {mean:.4f} "
                  f"{tokens / spent:.0f} tokens/s", flush=True)
            seen = []
        if rank == 0 and step % args.every == 0:
            report = evaluate.quick(model, source.encoder, args.device)
            print("  " + json.dumps(report), flush=True)
            save(model, args, tokens)
    if rank == 0:
        print(json.dumps(evaluate.quick(model, source.encoder, args.device)), flush=True)
        save(model, args, tokens)


def main():
    """Starts the processes."""
    args = arguments()
    if args.processes == 1:
        run(0, args)
        return
    pathlib.Path(args.out + ".sync").unlink(missing_ok=True)
    mp.spawn(run, (args,), nprocs=args.processes)


if __name__ == "__main__":
    main()
