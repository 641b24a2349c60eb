"""Windows, resizing, indexing and attention that the rules are tried on."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from tests.agreement.arithmetic.torch.operation_case import (
    IMAGE,
    LINE,
    VOLUME,
    Case,
    X,
    bools,
    integers,
    normal,
    uniform,
)

aten = torch.ops.aten

WINDOWS = [
    Case("avg_pool1d", lambda x: functional.avg_pool1d(x, 3, 2, 1), (LINE,)),
    Case("avg_pool2d", lambda x: functional.avg_pool2d(x, 3, 2, 1), (IMAGE,)),
    Case("avg_pool2d_true", lambda x: functional.avg_pool2d(x, 3, 2, 1, count_include_pad=False), (IMAGE,)),
    Case("avg_pool3d", lambda x: functional.avg_pool3d(x, 3, 2, 1), (VOLUME,)),
    Case("adaptive2d", lambda x: functional.adaptive_avg_pool2d(x, (5, 7)), (IMAGE,)),
    Case("adaptive3d", lambda x: functional.adaptive_avg_pool3d(x, (3, 5, 4)), (VOLUME,)),
    Case("adaptive1d", lambda x: functional.adaptive_avg_pool1d(x, 7), (LINE,)),
    Case("global_pool", lambda x: functional.adaptive_avg_pool2d(x, 1), (normal(20, 30, 8, 8),)),
    Case("max_pool1d", lambda x: functional.max_pool1d(x, 3, 2) * 0.3, (LINE,)),
    Case("max_pool2d", lambda x: functional.max_pool2d(x, 3, 1), (IMAGE,)),
    Case("max_pool3d", lambda x: functional.max_pool3d(x, 3, 1), (VOLUME,)),
    Case("adaptive_max", lambda x: functional.adaptive_max_pool2d(x, (5, 7)), (IMAGE,)),
    Case("adaptive_max3d", lambda x: functional.adaptive_max_pool3d(x, (3, 5, 7)), (VOLUME,)),
    Case("lp_pool", lambda x: functional.lp_pool2d(x, 2, 3), (normal(3, 6, 12, 12, shift=2),)),
    *(
        Case(f"{mode}_pad{d}", lambda x, mode=mode, d=d: functional.pad(x, (2, 1) * d, mode=mode), (x,))
        for d, x in ((1, LINE), (2, IMAGE), (3, VOLUME))
        for mode in ("reflect", "replicate", "circular")
    ),
    *(
        Case(
            f"nearest{d}",
            lambda x, mode=mode: functional.interpolate(x, scale_factor=3, mode=mode) * 0.3,
            (x,),
        )
        for d, x in ((1, LINE), (2, IMAGE), (3, VOLUME))
        for mode in ("nearest", "nearest-exact")
    ),
    Case("linear_resize", lambda x: functional.interpolate(x, 57, mode="linear"), (LINE,)),
    Case("bilinear_resize", lambda x: functional.interpolate(x, (17, 23), mode="bilinear"), (IMAGE,)),
    Case(
        "bilinear_aligned",
        lambda x: functional.interpolate(x, (17, 23), mode="bilinear", align_corners=True),
        (IMAGE,),
    ),
    Case("bicubic_resize", lambda x: functional.interpolate(x, scale_factor=1.7, mode="bicubic"), (IMAGE,)),
    Case("trilinear_resize", lambda x: functional.interpolate(x, (9, 10, 11), mode="trilinear"), (VOLUME,)),
    Case("unfold", lambda x: functional.unfold(x, 3), (IMAGE,)),
    Case("fold", lambda x: functional.fold(x, (12, 12), 3), (normal(2, 54, 100),)),
    Case("tensor_unfold", lambda x: x.unfold(2, 4, 1), (LINE,)),
    Case("pixel_shuffle", lambda x: functional.pixel_shuffle(x, 2) * 0.3, (normal(2, 8, 6, 6),)),
    Case("affine_grid", lambda x: functional.affine_grid(x, [9, 1, 8, 8], False), (normal(9, 2, 3),)),
    Case(
        "grid_sample",
        lambda x, g: functional.grid_sample(x, g, align_corners=False),
        (IMAGE, uniform(3, 9, 9, 2, low=-0.9, high=0.9)),
        backward=False,
    ),
]

TABLE, PLACES, MANY = normal(30, 24), integers(50, 4, high=30), integers(200, high=30)
INDEXED = [
    Case("embedding", lambda w, i: functional.embedding(i, w), (TABLE, PLACES)),
    Case("embedding_by_int32", lambda w, i: functional.embedding(i.int(), w), (TABLE, PLACES)),
    Case(
        "embedding_frequent",
        lambda w, i: functional.embedding(i, w, 3, scale_grad_by_freq=True),
        (TABLE, PLACES),
    ),
    *(
        Case(
            f"embedding_bag_{mode}",
            lambda w, i, mode=mode: functional.embedding_bag(i, w, mode=mode),
            (TABLE, PLACES),
        )
        for mode in ("sum", "mean", "max")
    ),
    Case(
        "embedding_bag_weighted",
        lambda w, i, p: functional.embedding_bag(i, w, per_sample_weights=p, mode="sum", padding_idx=3),
        (TABLE, PLACES, normal(50, 4)),
    ),
    Case("index_add", lambda x, i, s: x.index_add(0, i, s, alpha=0.3), (TABLE, MANY, normal(200, 24))),
    Case(
        "scatter_add",
        lambda x, i, s: x.scatter_add(0, i, s),
        (TABLE, integers(100, 24, high=30), normal(100, 24)),
    ),
    Case("index_put", lambda x, i, s: x.index_put((i,), s, accumulate=True), (TABLE, MANY, normal(200, 24))),
    Case("put", lambda x, i, s: x.put(i, s, accumulate=True), (TABLE, integers(900, high=720), normal(900))),
    Case("indexing", lambda x, i: x[i] * 0.3, (TABLE, MANY)),
    Case("index_select", lambda x, i: x.index_select(0, i) * 0.3, (TABLE, MANY)),
    Case("gather", lambda x, i: x.gather(0, i) * 0.3, (TABLE, integers(100, 24, high=30))),
    Case("take", lambda x, i: x.take(i) * 0.3, (TABLE, integers(900, high=720))),
    *(
        Case(
            f"scatter_reduce_{kind}",
            lambda x, i, s, kind=kind: x.scatter_reduce(0, i, s, kind),
            (TABLE, integers(100, 24, high=30), normal(100, 24)),
        )
        for kind in ("sum", "mean", "amax", "amin")
    ),
    Case(
        "scatter_reduce_prod",
        lambda x, i, s: x.scatter_reduce(0, i, s, "prod", include_self=False),
        (TABLE, integers(100, 24, high=30), normal(100, 24)),
        backward=False,
    ),
    *(
        Case(
            f"index_reduce_{kind}",
            lambda x, i, s, kind=kind: x.index_reduce(0, i, s, kind),
            (TABLE, MANY, normal(200, 24)),
            backward=False,
        )
        for kind in ("mean", "amax", "prod")
    ),
    Case(
        "masked_scatter", lambda x, m, s: x.masked_scatter(m, s) * 0.3, (TABLE, bools(30, 24), normal(30, 24))
    ),
    Case("masked_fill", lambda x, m: x.masked_fill(m, 0.1) * 0.3, (TABLE, bools(30, 24))),
    Case("select", lambda x: x.select(0, 1) * x.select(1, 2)[:24] * 0.3, (X,)),
    Case("repeated", lambda x: x.repeat_interleave(torch.arange(32) % 3, 0) * 0.3, (X,)),
    Case("max", lambda x: x.max(1).values * 0.3, (X,)),
    Case("amax", lambda x: x.amax(1) * 0.3, (X,)),
    Case("sort", lambda x: x.sort(1).values * 0.3, (X,)),
    Case("cummax", lambda x: x.cummax(1).values * 0.3, (X,)),
    Case("clamp", lambda x: x.clamp(-0.3, 0.7), (X,)),
    Case("threshold", lambda x: functional.threshold(x, 0.1, 0.3), (X,)),
    Case("where", lambda x: torch.where(x > 0, x, 0.1), (X,)),
    Case("pad", lambda x: functional.pad(x, (1, 2), value=0.1), (X,)),
    Case("arange", lambda x: x.reshape(-1) * torch.arange(0.05, 76.8, 0.1), (X,)),
    Case("logspace", lambda x: x.reshape(-1) * torch.logspace(-1, 1, 768), (X,)),
    Case("linspace", lambda x: x.reshape(-1) * torch.linspace(0.1, 0.9, 768), (X,)),
]

HEADS = normal(2, 3, 20, 16)


def flash(q: Tensor, k: Tensor, v: Tensor, **settings: object) -> Tensor:
    """Attention by the fused kernel, forced."""
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.FLASH_ATTENTION):
        return functional.scaled_dot_product_attention(q, k, v, **settings)


def math_attention(q: Tensor, k: Tensor, v: Tensor, **settings: object) -> Tensor:
    """Attention by separate operations."""
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        return functional.scaled_dot_product_attention(q, k, v, **settings)


def _causal(n: int) -> Tensor:
    return torch.full((n, n), -torch.inf).triu(1)


ATTENTION = [
    Case("attention", math_attention, (HEADS, HEADS, HEADS)),
    Case("attention_causal", lambda q, k, v: math_attention(q, k, v, is_causal=True), (HEADS, HEADS, HEADS)),
    Case("flash", flash, (HEADS, HEADS, HEADS)),
    Case("flash_causal", lambda q, k, v: flash(q, k, v, is_causal=True, scale=0.3), (HEADS, HEADS, HEADS)),
    Case("flash_mask", lambda q, k, v: flash(q, k, v, attn_mask=_causal(20)), (HEADS, HEADS, HEADS)),
    Case(
        "masked_rows",
        lambda q, k: functional.softmax(
            q @ k.mT / math.sqrt(16) + torch.finfo(torch.float32).min * torch.ones(20, 20).triu(1), -1
        ),
        (HEADS, HEADS),
    ),
    Case("dropout_backward", lambda x: functional.dropout(x, 0.0) * 0.3, (X,)),
]


WINDOW_CASES = [*WINDOWS, *INDEXED, *ATTENTION]
