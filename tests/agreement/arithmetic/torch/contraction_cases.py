"""Sums, products, convolutions and normalisations that the rules are tried on."""

from __future__ import annotations

import torch
from torch.nn import functional

from tests.agreement.arithmetic.torch.operation_case import (
    IMAGE,
    LINE,
    VOLUME,
    Case,
    N,
    X,
    normal,
    positive,
    unary,
    uniform,
)

aten = torch.ops.aten

SUMS = [
    unary("sum", normal(700, 50), lambda x: x.sum(1)),
    unary("sum_all", X, torch.sum),
    unary("mean", normal(700, 50), lambda x: x.mean(1)),
    unary("mean_last", normal(50, 700), lambda x: x.mean(0)),
    unary("sum_of_positive", positive(40, 700), lambda x: x.sum(0)),
    unary("var", normal(600, 40, shift=3.0), lambda x: x.var(1)),
    unary("std", normal(600, 40), lambda x: x.std(1)),
    unary("var_mean", normal(600, 40), lambda x: torch.var_mean(x, 1, correction=0)),
    unary("std_mean", normal(600, 40), lambda x: torch.std_mean(x, 1)),
    unary("norm", normal(600, 40), lambda x: x.norm(dim=1)),
    unary("norm1", normal(600, 40), lambda x: torch.linalg.vector_norm(x, 1, 1)),
    unary("norm3", normal(600, 40), lambda x: torch.linalg.vector_norm(x, 3, 1)),
    Case("dist", torch.dist, (X, X)),
    unary("prod", uniform(600, 12, low=0.5, high=1.5), lambda x: x.prod(1)),
    unary("cumsum", normal(30, 60), lambda x: x.cumsum(1)),
    unary("cumprod", uniform(30, 40, low=0.8, high=1.2), lambda x: x.cumprod(1)),
    unary("logcumsumexp", normal(30, 40), lambda x: x.logcumsumexp(1)),
    unary("nansum", normal(600, 40), lambda x: x.nansum(1)),
    unary("trace", normal(60, 60), torch.trace),
    unary("renorm", normal(60, 30), lambda x: x.renorm(2, 0, 1.0)),
    unary("cosine", normal(600, 40), lambda x: functional.cosine_similarity(x[:-1], x[1:])),
    Case("weight_norm", lambda v, g: torch._weight_norm(v, g, 0), (normal(40, 30), positive(40, 1))),
    Case("complex_sum", lambda x: torch.view_as_real(torch.view_as_complex(x).sum(1)), (normal(300, 40, 2),)),
]

PRODUCTS = [
    Case("mm", torch.mm, (normal(40, 60), normal(60, 30))),
    Case("bmm", torch.bmm, (normal(5, 20, 30), normal(5, 30, 20))),
    Case("mv", torch.mv, (normal(600, 40), normal(40))),
    Case("dot", torch.dot, (normal(400), normal(400))),
    Case("vdot", torch.vdot, (normal(400), normal(400))),
    Case("linear", functional.linear, (normal(40, 60), normal(30, 60), normal(30))),
    Case(
        "addmm",
        lambda c, a, b: torch.addmm(c, a, b, beta=0.3, alpha=0.7),
        (normal(30, 30), normal(30, 50), normal(50, 30)),
    ),
    Case(
        "baddbmm",
        lambda c, a, b: torch.baddbmm(c, a, b, alpha=0.7),
        (normal(4, 20, 20), normal(4, 20, 30), normal(4, 30, 20)),
    ),
    Case("addbmm", torch.addbmm, (normal(30, 30), normal(4, 30, 50), normal(4, 50, 30))),
    Case("addmv", torch.addmv, (normal(600), normal(600, 50), normal(50))),
    Case("addr", torch.addr, (normal(30, 30), normal(30), normal(30))),
    Case("einsum", lambda a, b: torch.einsum("bij,bkj->bik", a, b), (normal(4, 20, 30), normal(4, 20, 30))),
    Case("masked_product", lambda a, b: a.tril() @ b, (normal(40, 40), normal(40, 30))),
    Case("bilinear", functional.bilinear, (normal(30, 12), normal(30, 10), normal(20, 12, 10))),
    Case(
        "complex_mm",
        lambda a, b: torch.view_as_real(torch.view_as_complex(a) @ torch.view_as_complex(b)),
        (normal(20, 30, 2), normal(30, 20, 2)),
    ),
    Case("conv1d", lambda x, w, b: functional.conv1d(x, w, b, padding=2), (LINE, normal(8, 6, 5), normal(8))),
    Case(
        "conv2d",
        lambda x, w, b: functional.conv2d(x, w, b, padding=1),
        (IMAGE, normal(8, 6, 3, 3), normal(8)),
    ),
    Case(
        "conv2d_stride", lambda x, w: functional.conv2d(x, w, None, 2, 2, 2, 2), (IMAGE, normal(8, 3, 3, 3))
    ),
    Case("depthwise", lambda x, w: functional.conv2d(x, w, None, 1, 1, 1, 6), (IMAGE, normal(6, 1, 3, 3))),
    Case(
        "conv_transpose",
        lambda x, w, b: functional.conv_transpose2d(x, w, b, 2, 1, 1, 2),
        (IMAGE, normal(6, 4, 3, 3), normal(8)),
    ),
    Case("conv3d", lambda x, w: functional.conv3d(x, w, None, 1, 1), (VOLUME, normal(4, 3, 3, 3, 3))),
    Case("cdist", torch.cdist, (normal(20, 12), normal(20, 12))),
    Case("cdist_product", torch.cdist, (normal(40, 12), normal(40, 12))),
    Case("cdist1", lambda a, b: torch.cdist(a, b, 1.0), (normal(20, 12), normal(20, 12))),
    Case("cdist3", lambda a, b: torch.cdist(a, b, 3.0), (normal(20, 12), normal(20, 12))),
    Case(
        "grouped_mm",
        lambda a, b: aten._grouped_mm(a, b, torch.tensor([8, 24, 32], dtype=torch.int32)),
        (normal(32, 16), normal(3, 16, 16)),
        backward=False,
    ),
]

NORMS = [
    Case("layer_norm", lambda x, w, b: functional.layer_norm(x, (24,), w, b), (X, normal(24), normal(24))),
    Case(
        "layer_norm_shifted",
        lambda x, w, b: functional.layer_norm(x, (24,), w, b),
        (normal(*N, shift=9), normal(24), normal(24)),
    ),
    Case("group_norm", lambda x, w, b: functional.group_norm(x, 3, w, b), (IMAGE, normal(6), normal(6))),
    Case("rms_norm", lambda x, w: functional.rms_norm(x, (24,), w), (X, normal(24))),
    Case(
        "batch_norm",
        lambda x, w, b: functional.batch_norm(x, None, None, w, b, True),
        (IMAGE, normal(6), normal(6)),
    ),
    Case(
        "batch_norm_eval",
        lambda x, w, b, m, v: functional.batch_norm(x, m.detach().clone(), v.detach().clone(), w, b),
        (IMAGE, normal(6), normal(6), normal(6), positive(6)),
    ),
    Case(
        "batch_norm_stats",
        lambda x, w, b, m, v: (functional.batch_norm(x, m, v, w, b, True), m, v)[1:],
        (IMAGE, normal(6), normal(6), normal(6), positive(6)),
        backward=False,
    ),
    Case("instance_norm", functional.instance_norm, (IMAGE,)),
    Case("local_response", lambda x: functional.local_response_norm(x, 3), (IMAGE,)),
]


CONTRACTION_CASES = [*SUMS, *PRODUCTS, *NORMS]
