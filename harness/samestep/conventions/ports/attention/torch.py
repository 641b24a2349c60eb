"""PyTorch: torch.nn.functional."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call


def attention_layout(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    return F.scaled_dot_product_attention(q, k, v)


def two_heads(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return what nn.MultiheadAttention computes with projections that do nothing."""
    weights = {"in_proj_weight": torch.eye(8).repeat(3, 1), "out_proj.weight": torch.eye(8)}
    layer = nn.MultiheadAttention(8, 2, bias=False, batch_first=True)
    return functional_call(layer, weights, (x, x, x), {"attn_mask": mask})[0]


def attention_mask(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return two_heads(x, mask.float())  # as floats, it is added to the scores


def attention_mask_matched(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return two_heads(x, ~mask)  # for nn.MultiheadAttention; F.scaled_dot_product_attention takes mask


def masked_rows(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return F.scaled_dot_product_attention(q, k, v, mask)


def causal_offset(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def causal_offset_matched(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    mask = torch.ones(2, 5, dtype=torch.bool).tril(diagonal=5 - 2)
    return F.scaled_dot_product_attention(q, k, v, mask)


def angles() -> torch.Tensor:
    """Return the angle of each position and pair."""
    return torch.arange(5)[:, None] / 10_000 ** (torch.arange(4) / 4)


def rotary(x: torch.Tensor) -> torch.Tensor:
    cos, sin = angles().cos(), angles().sin()
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, b * cos + a * sin], dim=-1).flatten(-2)


def rotary_matched(x: torch.Tensor) -> torch.Tensor:
    cos, sin = angles().cos(), angles().sin()
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)
