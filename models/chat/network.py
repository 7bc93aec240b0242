"""The network as llama.cpp evaluates the `llama` architecture, written out, to check the weights."""

import dataclasses

import torch
from torch.nn import functional as F


@dataclasses.dataclass
class Config:
    """Sizes. Rotation is set pair by pair (`frequencies`, radians per token); the rest stands still."""

    vocab: int
    frequencies: tuple
    width: int = 448
    layers: int = 6
    heads: int = 4
    head: int = 96
    hidden: int = 192
    context: int = 2048
    rope_base: float = 1e4
    norm_eps: float = 1e-5


def zeros(cfg):
    """All weights by their names in a GGUF file, at 0; matrices are (outputs, inputs)."""
    inner = cfg.heads * cfg.head
    weights = {
        "token_embd.weight": torch.zeros(cfg.vocab, cfg.width),
        "output_norm.weight": torch.zeros(cfg.width),
    }
    for i in range(cfg.layers):
        sizes = {
            "attn_q": (inner, cfg.width), "attn_k": (inner, cfg.width), "attn_v": (inner, cfg.width),
            "ffn_gate": (cfg.hidden, cfg.width), "ffn_up": (cfg.hidden, cfg.width),
        }
        for name, size in sizes.items():
            weights[f"blk.{i}.{name}.weight"] = torch.zeros(size)
            weights[f"blk.{i}.{name}.bias"] = torch.zeros(size[0])
        weights[f"blk.{i}.attn_output.weight"] = torch.zeros(cfg.width, inner)
        weights[f"blk.{i}.ffn_down.weight"] = torch.zeros(cfg.width, cfg.hidden)
        weights[f"blk.{i}.attn_norm.weight"] = torch.ones(cfg.width)
        weights[f"blk.{i}.ffn_norm.weight"] = torch.ones(cfg.width)
    return weights


def rotations(cfg, length):
    """Cosines and sines (tokens, pairs of a head)."""
    still = cfg.head // 2 - len(cfg.frequencies)
    frequencies = torch.tensor([*cfg.frequencies, *[0.0] * still], dtype=torch.float64)
    angles = torch.outer(torch.arange(length, dtype=torch.float64), frequencies)
    return angles.cos().float(), angles.sin().float()


def rotated(x, cos, sin):
    """Heads (tokens, heads, head) with each pair of neighbours turned."""
    a, b = x[..., ::2], x[..., 1::2]
    cos, sin = cos[:, None], sin[:, None]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


@torch.no_grad()
def states(cfg, weights, ids, until=None):
    """The states of `ids` (tokens, width) after `until` blocks, or before the last norm."""
    x = weights["token_embd.weight"][torch.as_tensor(ids)]
    length = len(x)
    cos, sin = rotations(cfg, length)
    unseen = torch.ones(length, length, dtype=torch.bool).triu(1)
    for i in range(cfg.layers if until is None else until):
        get = lambda name: weights[f"blk.{i}.{name}"]
        linear = lambda name, x: F.linear(x, get(name + ".weight"), get(name + ".bias"))
        norm = lambda name, x: F.rms_norm(x, (cfg.width,), get(name + ".weight"), cfg.norm_eps)
        read = norm("attn_norm", x)
        query, key, value = (
            linear(name, read).view(length, cfg.heads, cfg.head)
            for name in ("attn_q", "attn_k", "attn_v")
        )
        query, key = rotated(query, cos, sin), rotated(key, cos, sin)
        scores = torch.einsum("qhd,khd->hqk", query, key) * cfg.head**-0.5
        shares = scores.masked_fill(unseen, -torch.inf).softmax(-1)
        mixed = torch.einsum("hqk,khd->qhd", shares, value).flatten(1)
        x = x + mixed @ get("attn_output.weight").T
        read = norm("ffn_norm", x)
        made = F.silu(linear("ffn_gate", read)) * linear("ffn_up", read)
        x = x + made @ get("ffn_down.weight").T
    return x


@torch.no_grad()
def logits(cfg, weights, states):
    """Scores of the next token."""
    last = F.rms_norm(states, (cfg.width,), weights["output_norm.weight"], cfg.norm_eps)
    return last @ weights["token_embd.weight"].T
