"""A layer that returns complex numbers, as some rotary embeddings do: what follows from it is compared."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import samestep

torch = pytest.importorskip("torch")

X = np.random.default_rng(0).standard_normal((2, 5, 8)).astype(np.float32)


class Rotations(torch.nn.Module):
    """Numbers on the unit circle, by position and frequency."""

    def __init__(self, base):
        super().__init__()
        self.register_buffer("frequencies", base ** (-torch.arange(4) / 4))

    def forward(self, x):
        angles = torch.outer(torch.arange(x.shape[1], dtype=torch.float32), self.frequencies)
        return torch.polar(torch.ones_like(angles), angles)


class Rotary(torch.nn.Module):
    """A linear layer whose pairs of results are turned."""

    def __init__(self, base=10_000.0):
        super().__init__()
        torch.manual_seed(0)
        self.rotations, self.linear = Rotations(base), torch.nn.Linear(8, 8)

    def forward(self, x):
        pairs = torch.view_as_complex(self.linear(x).unflatten(-1, (4, 2)))
        return torch.view_as_real(pairs * self.rotations(x)).flatten(-2)


def test_a_copy_agrees():
    model = Rotary()
    assert samestep.compare(copy.deepcopy(model), model, (X,)).verdict == "agree"


def test_another_base_is_another_function():
    assert samestep.compare(Rotary(base=9_999.0), Rotary(), (X,)).verdict == "disagree"
