"""Fused attention as softmax(q k^T scale + mask) v in separate operations, forward and backward.

Flash kernels compute these sums in blocks, which rounds no more than a random order does, and their backward
pass makes the probabilities again from the log-sum-exp, as here.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from samestep.agreement.arithmetic.torch.decompositions import parts_of
from samestep.agreement.arithmetic.torch.places import refuse

_FLASH = "_scaled_dot_product_flash_attention"


def _scores(q: Tensor, k: Tensor, mask: Tensor | None, causal: bool, scale: float | None) -> Tensor:
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    scores = (q @ _heads(k, q).mT) * scale
    if causal:
        rows, columns = scores.shape[-2:]
        scores = scores.masked_fill(
            torch.ones(rows, columns, dtype=torch.bool, device=q.device).triu(1), -torch.inf
        )
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf) if mask.dtype is torch.bool else scores + mask
    return scores


def _heads(x: Tensor, q: Tensor) -> Tensor:
    """Keys and values for all heads of the queries (grouped-query attention shares them)."""
    return x if x.shape[1] == q.shape[1] else x.repeat_interleave(q.shape[1] // x.shape[1], 1)


def _attention(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, scale: float | None
) -> tuple[Tensor, Tensor]:
    scores = _scores(q, k, mask, causal, scale)
    top = scores.amax(-1, keepdim=True)
    top = torch.where(top == -torch.inf, 0.0, top)
    weights = (scores - top).exp()
    total = weights.sum(-1, keepdim=True)
    out = torch.where(total == 0, 0.0, (weights @ _heads(v, q)) / total)
    return out.transpose(1, 2).contiguous().transpose(1, 2), (top + total.log()).squeeze(-1)


def _backward(
    g: Tensor, q: Tensor, k: Tensor, v: Tensor, out: Tensor, lse: Tensor, mask: Tensor | None, causal: bool,
    scale: float | None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    scores = _scores(q, k, mask, causal, scale)
    lse = lse[..., : q.shape[-2]].unsqueeze(-1)
    weights = torch.where(lse == -torch.inf, 0.0, (scores - lse).exp())
    slope = g @ _heads(v, q).mT
    inner = weights * (slope - (g * out).sum(-1, keepdim=True))
    dq = (inner @ _heads(k, q)) * scale
    return dq, _shared((inner.mT @ q) * scale, k), _shared(weights.mT @ g, v)


def _shared(gradient: Tensor, x: Tensor) -> Tensor:
    """The gradient of heads that several queries share: the sum of theirs."""
    if gradient.shape == x.shape:
        return gradient
    return gradient.reshape(x.shape[0], x.shape[1], -1, *x.shape[2:]).sum(2)


def _no_dropout(name: str, p: float) -> None:
    if p:
        refuse(name, "dropout inside a fused kernel has no mask to share")


@parts_of(f"{_FLASH}_for_cpu")
def _flash_cpu(
    q: Tensor, k: Tensor, v: Tensor, dropout_p: float = 0.0, is_causal: bool = False, *,
    attn_mask: Tensor | None = None, scale: float | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    _no_dropout(f"{_FLASH}_for_cpu", dropout_p)
    return _attention(q, k, v, attn_mask, is_causal, scale)


@parts_of(f"{_FLASH}_for_cpu_backward")
def _flash_cpu_backward(
    g: Tensor, q: Tensor, k: Tensor, v: Tensor, out: Tensor, lse: Tensor, dropout_p: float, is_causal: bool,
    *, attn_mask: Tensor | None = None, scale: float | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    _no_dropout(f"{_FLASH}_for_cpu_backward", dropout_p)
    return _backward(g, q, k, v, out, lse, attn_mask, is_causal, scale)


@parts_of(_FLASH)
def _flash(
    q: Tensor, k: Tensor, v: Tensor, dropout_p: float = 0.0, is_causal: bool = False,
    return_debug_mask: bool = False, *, scale: float | None = None,
) -> tuple[Any, ...]:  # fmt: skip
    _no_dropout(_FLASH, dropout_p)
    out, lse = _attention(q, k, v, None, is_causal, scale)
    seed = torch.zeros(2, dtype=torch.int64, device=q.device)
    return out, lse, None, None, q.shape[2], k.shape[2], seed, seed, q.new_empty(0)


@parts_of(f"{_FLASH}_backward")
def _flash_backward(
    g: Tensor, q: Tensor, k: Tensor, v: Tensor, out: Tensor, lse: Tensor, cum_q: Any, cum_k: Any, max_q: int,
    max_k: int, dropout_p: float, is_causal: bool, seed: Any, offset: Any, *, scale: float | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    _no_dropout(f"{_FLASH}_backward", dropout_p)
    return _backward(g, q, k, v, out, lse, None, is_causal, scale)


@parts_of("_scaled_dot_product_efficient_attention")
def _efficient(
    q: Tensor, k: Tensor, v: Tensor, attn_bias: Tensor | None, compute_log_sumexp: bool,
    dropout_p: float = 0.0, is_causal: bool = False, *, scale: float | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    _no_dropout("_scaled_dot_product_efficient_attention", dropout_p)
    out, lse = _attention(q, k, v, attn_bias, is_causal, scale)
    seed = torch.zeros((), dtype=torch.int64, device=q.device)
    return out, lse, seed, seed


@parts_of("_scaled_dot_product_efficient_attention_backward")
def _efficient_backward(
    g: Tensor, q: Tensor, k: Tensor, v: Tensor, attn_bias: Tensor | None, out: Tensor, lse: Tensor, seed: Any,
    offset: Any, dropout_p: float, grad_input_mask: list[bool], is_causal: bool = False, *,
    scale: float | None = None,
) -> tuple[Tensor | None, ...]:  # fmt: skip
    name = "_scaled_dot_product_efficient_attention_backward"
    _no_dropout(name, dropout_p)
    if attn_bias is not None and grad_input_mask[3]:
        refuse(name, "no rule for the gradient of its bias")
    return (*_backward(g, q, k, v, out, lse, attn_bias, is_causal, scale), None)
