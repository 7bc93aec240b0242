"""The network: a llama-architecture decoder, small enough to train in an hour on a CPU.

Input and output embeddings are tied, so that copying a token never seen in training needs no
weights of its own. Rotary positions use interleaved pairs, which is the order that llama.cpp
expects of the `llama` architecture.
"""

import dataclasses
import math

import torch
from torch import nn
from torch.nn import functional as F


@dataclasses.dataclass
class Config:
    """Sizes of the network."""

    vocab: int
    width: int = 192
    layers: int = 6
    heads: int = 6
    hidden: int = 512
    context: int = 2048
    rope_base: float = 1e7
    norm_eps: float = 1e-5


class RmsNorm(nn.Module):
    """Root-mean-square normalisation with a learned scale."""

    def __init__(self, width, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.weight.to(x.dtype), self.eps)


def turner(size):
    """The matrix that takes interleaved pairs (a, b) to (-b, a): a quarter turn."""
    turn = torch.zeros(size, size)
    even = torch.arange(0, size, 2)
    turn[even + 1, even] = -1.0
    turn[even, even + 1] = 1.0
    return turn


class Attention(torch.autograd.Function):
    """Attention within each of several segments that lie one after the other.

    Written out, because the built-in kernel is three times slower on CPUs without matrix units:
    here all work is products of matrices in bf16, of no more than a segment's length.
    """

    @staticmethod
    def forward(ctx, query, key, value, segments):
        """Queries, keys and values (heads, tokens, head width); segments (start, end, bias)."""
        scale = query.shape[-1] ** -0.5
        mixed, shares = torch.empty_like(query), []
        for start, end, bias in segments:
            at = slice(start, end)
            scores = torch.baddbmm(bias, query[:, at], key[:, at].mT, alpha=scale)
            share = scores.softmax(-1)
            mixed[:, at] = share @ value[:, at]
            shares.append(share)
        ctx.save_for_backward(query, key, value, *shares)
        ctx.segments, ctx.scale = segments, scale
        return mixed

    @staticmethod
    def backward(ctx, grad):
        """Gradients of queries, keys and values."""
        query, key, value, *shares = ctx.saved_tensors
        grads = [torch.empty_like(t) for t in (query, key, value)]
        for (start, end, _), share in zip(ctx.segments, shares):
            at = slice(start, end)
            down = grad[:, at].contiguous()
            grads[2][:, at] = share.mT @ down
            wanted = down @ value[:, at].mT
            wanted = torch._softmax_backward_data(wanted, share, -1, share.dtype)
            grads[0][:, at] = (wanted @ key[:, at]) * ctx.scale
            grads[1][:, at] = (wanted.mT @ query[:, at]) * ctx.scale
        return *grads, None


class Block(nn.Module):
    """Attention and a gated feed-forward, each behind its norm."""

    def __init__(self, cfg):
        super().__init__()
        self.heads = cfg.heads
        self.attn_norm = RmsNorm(cfg.width, cfg.norm_eps)
        self.ffn_norm = RmsNorm(cfg.width, cfg.norm_eps)
        # Query, key and value are one matrix, gate and up another: fewer, larger products.
        self.qkv = nn.Linear(cfg.width, 3 * cfg.width, bias=False)
        self.out = nn.Linear(cfg.width, cfg.width, bias=False)
        self.gate_up = nn.Linear(cfg.width, 2 * cfg.hidden, bias=False)
        self.down = nn.Linear(cfg.hidden, cfg.width, bias=False)

    def forward(self, x, turned, segments):
        """States (tokens, width); `turned` is cosines, sines and the quarter turn."""
        length, width = x.shape
        qkv = self.qkv(self.attn_norm(x)).view(length, 3, self.heads, width // self.heads)
        cos, sin, turn = turned
        pairs = qkv[:, :2]
        pairs = (pairs * cos + (pairs @ turn) * sin).permute(1, 2, 0, 3)
        value = qkv[:, 2].transpose(0, 1)
        query, key, value = pairs[0].contiguous(), pairs[1].contiguous(), value.contiguous()
        mixed = Attention.apply(query, key, value, segments)
        x = x + self.out(mixed.transpose(0, 1).reshape(length, width))
        gate, up = self.gate_up(self.ffn_norm(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


def causal(length, dtype, branch=None):
    """What is added to the scores of a segment: each token sees itself and what is before it.

    With `branch` (tokens), a token sees only branch 0 and its own.
    """
    seen = torch.ones(length, length, dtype=torch.bool).tril()
    if branch is not None:
        seen &= (branch[None, :] == 0) | (branch[:, None] == branch[None, :])
    return torch.zeros(length, length, dtype=dtype).masked_fill_(~seen, -1e4)


class Model(nn.Module):
    """The whole network; `forward` gives hidden states, `logits` the scores of some of them."""

    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.embed = nn.Embedding(cfg.vocab, cfg.width)
        self.blocks = nn.ModuleList(Block(cfg) for _ in range(cfg.layers))
        self.norm = RmsNorm(cfg.width, cfg.norm_eps)
        half = cfg.width // cfg.heads // 2
        freqs = cfg.rope_base ** (-torch.arange(half).float() / half)
        angles = torch.outer(torch.arange(cfg.context).float(), freqs)
        angles = angles.repeat_interleave(2, -1)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        self.register_buffer("turn", turner(cfg.width // cfg.heads), persistent=False)
        initialise(self)

    def forward(self, ids, positions=None, segments=None):
        """Hidden states of `ids` (tokens).

        `segments` are conversations that lie one after the other, `positions` the places of their
        tokens; without them the tokens are one plainly causal sequence.
        """
        dtype = torch.bfloat16 if torch.is_autocast_enabled(ids.device.type) else torch.float32
        if positions is None:
            positions = torch.arange(len(ids), device=ids.device)
            segments = [(0, len(ids), causal(len(ids), dtype).to(ids.device))]
        x = self.embed(ids).to(dtype)
        turned = (
            self.cos[positions].view(len(ids), 1, 1, -1).to(dtype),
            self.sin[positions].view(len(ids), 1, 1, -1).to(dtype),
            self.turn.to(dtype),
        )
        for block in self.blocks:
            x = block(x, turned, segments)
        return self.norm(x)

    def logits(self, states):
        """Scores of the next token, in f32."""
        return F.linear(states, self.embed.weight.to(states.dtype)).float()


# Where copying starts from, see `initialise`.
CONSTANT = 6.0  # of the first embedding dimension, in standard deviations of the others
SHARPNESS = 14.0  # of a head that looks back by a fixed distance, in nats
LOOK_BACK = (1, 2, 3)
MATCHING = 1.7  # gain of the queries and keys that compare tokens
REPEATING = 3.0  # weight of a repeated token beside the present one


@torch.no_grad()
def initialise(model):
    """Random weights, with the circuit of copying laid out in them.

    Left to chance, a network finds out after some millions of tokens that it can look for an
    earlier place where the same tokens stood and say what followed there. Here the first block
    starts with heads that look back by one, two and three tokens, and the second with heads that
    compare what the first found with the present tokens and repeat the token they land on.
    Training is free to change all of it.
    """
    cfg = model.cfg
    for name, weight in model.named_parameters():
        if weight.dim() == 2 and name.startswith("blocks."):
            nn.init.normal_(weight, 0, 0.7 / math.sqrt(weight.shape[1]))
    for block in model.blocks:
        nn.init.zeros_(block.out.weight)
        nn.init.zeros_(block.down.weight)
    spread = 0.5 / math.sqrt(cfg.width)
    nn.init.normal_(model.embed.weight, 0, spread)
    # One dimension is the same for all tokens: what heads need to look at places, not at words.
    model.embed.weight[:, 0] = CONSTANT * spread
    if cfg.layers < 2 or cfg.heads < len(LOOK_BACK):
        return
    size = cfg.width // cfg.heads
    half = size // 2
    freqs = cfg.rope_base ** (-torch.arange(half).float() / half)
    fast = int((freqs > 0.03).sum())
    slow = [i for i in range(size) if freqs[i // 2] < 0.005]
    basis = torch.linalg.qr(torch.randn(cfg.width, cfg.width))[0]
    first, second = model.blocks[0], model.blocks[1]
    query, key, value = first.qkv.weight.view(3, cfg.width, cfg.width)
    query2, key2, value2 = second.qkv.weight.view(3, cfg.width, cfg.width)
    seen = CONSTANT / math.sqrt(1 + CONSTANT**2 / cfg.width)
    gain = math.sqrt(SHARPNESS * math.sqrt(size)) / seen
    # What the heads read of a token is the same for all, so that it can be compared.
    read = torch.randn(size, cfg.width) / math.sqrt(cfg.width)
    read[:, 0] = 0
    for head, distance in enumerate(LOOK_BACK):
        rows = slice(head * size, (head + 1) * size)
        query[rows] = 0
        key[rows] = 0
        for i in range(fast):
            angle = distance * freqs[i]
            query[head * size + 2 * i, 0] = gain
            key[head * size + 2 * i, 0] = gain * angle.cos()
            key[head * size + 2 * i + 1, 0] = gain * angle.sin()
        write = basis[:, rows]
        value[rows] = read
        first.out.weight[:, rows] = write * spread * math.sqrt(cfg.width / size)
        # The second block compares the present token (or, from the second head on, the token
        # before it) with what stood before each earlier token, where rotation is slow.
        query2[rows] = 0
        key2[rows] = 0
        now = read if head == 0 else basis[:, (head - 1) * size : head * size].T
        before = basis[:, rows].T
        for i in slow:
            query2[head * size + i] = now[i] * MATCHING
            key2[head * size + i] = before[i] * MATCHING
        # What it repeats is read where the first block has written nothing.
        free = slice(cfg.width - (head + 1) * size, cfg.width - head * size)
        value2[rows] = basis[:, free].T
        second.out.weight[:, rows] = basis[:, free] * spread * REPEATING
