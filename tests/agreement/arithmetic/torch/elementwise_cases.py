"""Elementwise functions, activations and losses that the rules are tried on."""

from __future__ import annotations

import torch
from torch.nn import functional

from tests.agreement.arithmetic.torch.operation_case import (
    Case,
    N,
    P,
    Q,
    X,
    integers,
    normal,
    unary,
    uniform,
)

aten = torch.ops.aten

UNARY = [
    *(
        unary(name)
        for name in (
            "exp",
            "exp2",
            "expm1",
            "tanh",
            "sigmoid",
            "sin",
            "cos",
            "tan",
            "atan",
            "sinh",
            "cosh",
            "asinh",
            "erf",
            "erfc",
            "square",
            "sinc",
            "i0",
        )
    ),
    *(
        unary(name, P)
        for name in ("log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal", "lgamma", "digamma")
    ),
    *(unary(name, Q) for name in ("asin", "acos", "atanh", "erfinv", "logit")),
    unary("acosh", uniform(*N, low=1.5, high=9.0)),
    *(
        unary(name, X, getattr(torch.special, name))
        for name in ("erfcx", "i0e", "i1", "i1e", "ndtr", "log_ndtr")
    ),
    unary("ndtri", Q, torch.special.ndtri),
    unary("entr", Q, torch.special.entr),
    unary("trigamma", P, lambda x: torch.polygamma(1, x)),
    *(unary(f"pow{p}", P, lambda x, p=p: x**p) for p in (2, 3, 5, 0.5, -0.5, -1, -2, 1.7)),
    unary("exponent", X, lambda x: 1.7**x),
    unary("scaled", X, lambda x: x * 0.1 + 0.3),
    unary("rsub", X, lambda x: torch.rsub(x, 0.3, alpha=0.7)),
    unary("deg2rad", X),
    unary("rad2deg", X),
    unary("remainder", normal(*N, scale=9), lambda x: x.remainder(1.3)),
    unary("divided", X, lambda x: 0.7 / x + x / 3),
    unary("in_place", X, lambda x: x.clone().mul_(0.3).add_(x, alpha=0.7).sigmoid_()),
]

BINARY = [
    Case("add", torch.add, (X, X)),
    Case("add_alpha", lambda a, b: torch.add(a, b, alpha=0.3), (X, X)),
    Case("sub", torch.sub, (X, X)),
    Case("mul", torch.mul, (X, X)),
    Case("div", torch.div, (X, P)),
    Case("atan2", torch.atan2, (X, X)),
    Case("hypot", torch.hypot, (X, X)),
    Case("pow_tensor", torch.pow, (P, X)),
    Case("xlogy", torch.xlogy, (P, P)),
    Case("xlog1py", torch.special.xlog1py, (P, P)),
    Case("logaddexp", torch.logaddexp, (X, X)),
    Case("logaddexp2", torch.logaddexp2, (X, X)),
    Case("lerp", lambda a, b: torch.lerp(a, b, 0.3), (X, X)),
    Case("lerp_tensor", torch.lerp, (X, X, Q)),
    Case("addcmul", lambda x, a, b: torch.addcmul(x, a, b, value=0.3), (X, X, X)),
    Case("addcdiv", lambda x, a, b: torch.addcdiv(x, a, b, value=0.3), (X, X, P)),
    Case("bias", lambda a, b: a + b, (normal(32, 24), normal(24))),
    Case("polar", lambda r, t: torch.view_as_real(torch.polar(r, t)), (P, X)),
    Case(
        "complex_mul",
        lambda a, b: torch.view_as_real(torch.view_as_complex(a) * torch.view_as_complex(b)),
        (normal(32, 16, 2), normal(32, 16, 2)),
    ),
    Case("cross", torch.linalg.cross, (normal(200, 3), normal(200, 3))),
]

ACTIVATIONS = [
    unary(name, normal(*N, scale=3), function)
    for name, function in {
        "softmax": lambda x: functional.softmax(x, -1),
        "log_softmax": lambda x: functional.log_softmax(x, -1),
        "gelu": functional.gelu,
        "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
        "silu": functional.silu,
        "elu": functional.elu,
        "softplus": functional.softplus,
        "softplus_threshold": lambda x: functional.softplus(3 * x, 0.7, 18),
        "softplus_low_threshold": lambda x: functional.softplus(x, 2.0, 4.0),
        "mish": functional.mish,
        "hardswish": functional.hardswish,
        "hardsigmoid": functional.hardsigmoid,
        "logsigmoid": functional.logsigmoid,
        "celu": lambda x: functional.celu(x, 0.7),
        "selu": functional.selu,
        "leaky_relu": lambda x: functional.leaky_relu(x, 0.01),
        "rrelu": lambda x: functional.rrelu(x, training=False),
        "softshrink": lambda x: functional.softshrink(x, 0.3),
        "glu": functional.glu,
        "tanhshrink": functional.tanhshrink,
        "softsign": functional.softsign,
        "logsumexp": lambda x: torch.logsumexp(x, -1),
        "normalize": functional.normalize,
        "hardshrink": lambda x: functional.hardshrink(x) * 0.3,
        "relu6": lambda x: functional.relu6(x) * 0.3,
    }.items()
] + [Case("prelu", functional.prelu, (normal(8, 24, 5), normal(24, scale=0.2)))]

LABELS, ROWS = integers(60, high=20), normal(60, 20)
LOSSES = [
    Case("cross_entropy", lambda x, y: functional.cross_entropy(x, y, label_smoothing=0.1), (ROWS, LABELS)),
    Case(
        "cross_entropy_none",
        lambda x, y: functional.cross_entropy(x, y, reduction="none"),
        (normal(600, 9), integers(600, high=9)),
    ),
    Case(
        "cross_entropy_image",
        lambda x, y: functional.cross_entropy(x, y),
        (normal(4, 5, 6, 6), integers(4, 6, 6, high=5)),
    ),
    Case(
        "nll",
        lambda x, y: functional.nll_loss(functional.log_softmax(x, -1), y, ignore_index=3),
        (ROWS, LABELS),
    ),
    Case("bce", lambda x, y: functional.binary_cross_entropy(x, y.detach()), (Q, Q)),
    Case("bce_logits", lambda x, y: functional.binary_cross_entropy_with_logits(x, y.detach()), (X, Q)),
    Case("mse", functional.mse_loss, (X, X)),
    Case("l1", functional.l1_loss, (X, X)),
    Case("smooth_l1", functional.smooth_l1_loss, (X, X)),
    Case("huber", lambda a, b: functional.huber_loss(a, b, delta=0.3), (X, X)),
    Case("kl", lambda a, b: functional.kl_div(a, b.detach(), reduction="sum"), (X, Q)),
    Case("soft_margin", lambda x, y: functional.soft_margin_loss(x, y.sign().detach()), (X, X)),
    Case("multi_margin", lambda x, y: functional.multi_margin_loss(x, y), (ROWS, LABELS)),
    Case(
        "multi_margin2",
        lambda x, y: functional.multi_margin_loss(x, y, p=2, reduction="none"),
        (ROWS, LABELS),
    ),
    Case(
        "multilabel_margin",
        lambda x, y: functional.multilabel_margin_loss(x, y),
        (ROWS, integers(60, 20, high=20)),
        backward=False,
    ),
    Case("triplet", functional.triplet_margin_loss, (ROWS, ROWS, ROWS)),
    Case("poisson", lambda x, y: functional.poisson_nll_loss(x, y.detach()), (X, P)),
    Case("gaussian", lambda x, y, v: functional.gaussian_nll_loss(x, y.detach(), v), (X, X, P)),
    Case("hinge", lambda x, y: functional.hinge_embedding_loss(x, y.sign().detach()), (X, X)),
    Case(
        "margin_ranking",
        lambda a, b, y: functional.margin_ranking_loss(a, b, y.sign().detach(), 0.3),
        (X, X, X),
    ),
    Case(
        "cosine_embedding", lambda a, b: functional.cosine_embedding_loss(a, b, torch.ones(60)), (ROWS, ROWS)
    ),
]


ELEMENTWISE_CASES = [*UNARY, *BINARY, *ACTIVATIONS, *LOSSES]
