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


def rotate(x, cos, sin):
    """Rotates interleaved pairs of `x` (batch, heads, length, head width)."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


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

    def forward(self, x, cos, sin, mask):
        batch, length, width = x.shape
        qkv = self.qkv(self.attn_norm(x)).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        query, key = rotate(query, cos, sin), rotate(key, cos, sin)
        mixed = F.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, is_causal=mask is None
        )
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        gate, up = self.gate_up(self.ffn_norm(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


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
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        initialise(self)

    def forward(self, ids, positions=None, mask=None):
        """Hidden states of `ids` (batch, length).

        `positions` and `mask` describe branches that share a context; without them the sequence
        is plainly causal.
        """
        if positions is None:
            positions = torch.arange(ids.shape[1], device=ids.device)[None]
        x = self.embed(ids)
        dtype = torch.bfloat16 if torch.is_autocast_enabled(x.device.type) else x.dtype
        x = x.to(dtype)
        cos = self.cos[positions].unsqueeze(1).to(dtype)
        sin = self.sin[positions].unsqueeze(1).to(dtype)
        if mask is not None:
            mask = mask.unsqueeze(1)
        for block in self.blocks:
            x = block(x, cos, sin, mask)
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
