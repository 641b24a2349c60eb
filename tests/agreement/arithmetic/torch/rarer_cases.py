"""Losses, distances, recurrent and algebraic operations that few models use, for the rules to be tried on."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from tests.agreement.arithmetic.torch.operation_case import (
    IMAGE,
    VOLUME,
    Case,
    integers,
    normal,
    positive,
    unary,
    uniform,
)

PADDED = torch.tensor([[0, 3, -1, 1, 2, 2], [4, -1, 0, 0, 0, 0], [-1, 1, 1, 1, 1, 1], [5, 4, 3, 2, 1, 0]])
PLACES = torch.tensor([[[0.3, 0.7]] * 6] * 3)


def packed(x, weight):
    """Rows of several lengths through a packed sequence, and back."""
    rows = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([9, 7, 4]))
    return nn.utils.rnn.pad_packed_sequence(rows._replace(data=torch.tanh(rows.data @ weight)))[0]


def ctc(x, targets, lengths=(30, 22, 30), **how):
    """The CTC loss of three sequences of 8, 6 and 3 labels."""
    sizes = torch.tensor(lengths), torch.tensor([8, 6, 3])
    return functional.ctc_loss(x.log_softmax(-1), targets, *sizes, **how)


def renormalised(i, weight):
    """An embedding whose rows are made shorter before they are looked up."""
    return functional.embedding(i, weight.detach().clone(), max_norm=1.0)


def sampled(axes, mode, padding, align):
    """A case that samples images or volumes at points of which some are outside."""
    image = normal(2, 4, 9, 8) if axes == 2 else normal(2, 3, 5, 6, 7)
    grid = (
        uniform(2, 12, 13, 2, low=-1.4, high=1.4) if axes == 2 else uniform(2, 5, 6, 4, 3, low=-1.4, high=1.4)
    )
    return Case(
        f"grid_sample{axes}_{mode}_{padding}{'_aligned' if align else ''}",
        lambda x, g: functional.grid_sample(x * 0.7, g, mode, padding, align_corners=align),
        (image, grid),
    )


RARER_CASES = [
    sampled(2, "bilinear", "zeros", False),
    sampled(2, "bilinear", "reflection", True),
    sampled(3, "bilinear", "border", False),
    sampled(3, "nearest", "zeros", True),
    unary("multilabel_margin_padded", normal(4, 6), lambda x: functional.multilabel_margin_loss(x, PADDED)),
    unary("multilabel_margin_sum", normal(4, 6),
          lambda x: functional.multilabel_margin_loss(x, PADDED, reduction="sum")),
    unary("pdist", normal(40, 8), functional.pdist),
    unary("pdist3", normal(40, 8), lambda x: functional.pdist(x, 3.0)),
    unary("mvlgamma", uniform(30, 20, low=2.0, high=9.0), lambda x: torch.mvlgamma(x, 3)),
    unary("angle", normal(30, 20, 2), lambda x: torch.view_as_complex(x).angle()),
    Case("ldexp", torch.ldexp, (normal(30, 20), normal(30, 20))),
    Case("conv_tbc", lambda x, w, b: torch.conv_tbc(x, w, b, 1),
         (normal(20, 3, 8), normal(3, 8, 10), normal(10))),
    Case("embedding_renorm", renormalised, (integers(40, high=30), positive(30, 16)), backward=False),
    unary("fractional_pool2", IMAGE,
          lambda x: functional.fractional_max_pool2d(x * 0.7, 3, 5, _random_samples=PLACES.to(x.dtype))),
    unary("fractional_pool3", VOLUME, lambda x: functional.fractional_max_pool3d(
        x * 0.7, 3, 4, _random_samples=torch.full((2, 3, 3), 0.5, dtype=x.dtype))),
    Case("ctc", lambda x, t: ctc(x, t + 1), (normal(30, 3, 9), integers(3, 8, high=8))),
    Case("ctc_in_one", lambda x, t: ctc(x, t, blank=8, reduction="none"),
         (normal(30, 3, 9), integers(17, high=8))),
    Case("ctc_impossible", lambda x, t: ctc(x, t + 1, (30, 5, 30), zero_infinity=True, reduction="sum"),
         (normal(30, 3, 9), integers(3, 8, high=8))),
    Case("packed", packed, (normal(9, 3, 20), normal(20, 25))),
    unary("diagonals", normal(30, 30), lambda x: (torch.diag_embed(x * 0.7), (x * 0.7).diagonal(1))),
]  # fmt: skip
