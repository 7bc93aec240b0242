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
    rope_base: float = 10000.0
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
        # Query, key and value, and gate and up, are kept as one matrix each: fewer, larger products.
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
        for name, weight in self.named_parameters():
            if weight.dim() == 2 and name.startswith("blocks."):
                nn.init.normal_(weight, 0, 0.7 / math.sqrt(weight.shape[1]))
        for block in self.blocks:
            nn.init.zeros_(block.out.weight)
            nn.init.zeros_(block.down.weight)
        nn.init.normal_(self.embed.weight, 0, 0.5 / math.sqrt(cfg.width))

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
