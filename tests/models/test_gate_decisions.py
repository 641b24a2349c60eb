"""A flipped relu whose change is spread over sums: every layer from the candidate's own values decides."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import samestep

torch = pytest.importorskip("torch")

ROWS, WIDE, ROW, UNIT = 512, 24, 7, 3


class OneByOne(torch.nn.Module):
    """A linear layer that adds its terms one after another, in an order of its own."""

    def __init__(self, linear, order):
        super().__init__()
        self.weight, self.bias, self.order = linear.weight, linear.bias, order

    def forward(self, x):
        y = self.bias
        for i in self.order:
            y = y + x[:, i, None] * self.weight[:, i]
        return y


class InBfloat16(torch.nn.Linear):
    """A linear layer whose operands are rounded to bfloat16."""

    def forward(self, x):
        return torch.nn.functional.linear(x.bfloat16().float(), self.weight.bfloat16().float(), self.bias)


def unlucky(seed):
    """Return a linear layer, its input and an order of the terms in which one net input turns positive.

    Of many orders it is the one with the largest error; exactly, the net input lies 0.6 times as far below
    0. In that row some inputs are small: what they give to a gradient is small beside its amplified noise.
    """
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((ROWS, WIDE)).astype(np.float32)
    x[ROW, :8] *= np.logspace(-5, -3, 8).astype(np.float32)
    w = rng.standard_normal((8, WIDE)).astype(np.float32)
    b = rng.standard_normal(8).astype(np.float32)
    b[UNIT] = -(x[ROW].astype(float) @ w[UNIT].astype(float))

    def error(order):
        terms = np.concatenate([b[UNIT : UNIT + 1], x[ROW, order] * w[UNIT, order]])
        return float(np.cumsum(terms, dtype=np.float32)[-1]) - exact()

    def exact():
        return float(b[UNIT]) + float(x[ROW].astype(float) @ w[UNIT].astype(float))

    order = max((rng.permutation(WIDE) for _ in range(2000)), key=error)
    w[UNIT, 0] -= (exact() + 0.6 * error(order)) / x[ROW, 0]
    linear = torch.nn.Linear(WIDE, 8)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(w))
        linear.bias.copy_(torch.from_numpy(b))
    assert exact() < 0 < OneByOne(linear, order)(torch.from_numpy(x))[ROW, UNIT].item()
    return linear, x, [int(i) for i in order]


@pytest.fixture(params=[6, 9])
def flipped(request):
    """Return the reference, a candidate in which rounding flips a relu, and the input."""
    linear, x, order = unlucky(request.param)
    torch.manual_seed(0)
    reference = torch.nn.Sequential(linear, torch.nn.ReLU(), torch.nn.Linear(8, 3))
    candidate = copy.deepcopy(reference)
    candidate[0] = OneByOne(candidate[0], order)
    return candidate, reference, x


def test_a_flip_that_is_spread_over_a_sum_is_no_weaker_arithmetic(flipped):
    candidate, reference, x = flipped
    result = samestep.compare(candidate, reference, (x,), variants=False)
    assert result.verdict == "agree"
    assert any("gate that rounding flipped: judged layer by layer" in note for note in result.coverage.notes)


def test_bfloat16_beside_a_flip_is_weaker(flipped):
    candidate, reference, x = flipped
    last = InBfloat16(8, 3)
    last.load_state_dict(reference[2].state_dict())
    candidate[2] = last
    result = samestep.compare(candidate, reference, (x,), variants=False)
    assert result.verdict != "agree"
