"""A gradient that PyTorch knows to be zero has no memory of its own, and is an array of zeros."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import samestep  # noqa: E402

X = np.random.default_rng(0).standard_normal((6, 8)).astype(np.float32)


class Signs(torch.nn.Module):
    def forward(self, x):
        return torch.sgn(x)


def test_a_gradient_without_memory_is_zero():
    result = samestep.compare(Signs(), Signs(), (X,), variants=False, replicas=8)
    assert result.verdict == "agree"
    (gradient,) = [one for one in result.judged if one.key.is_backward]
    assert gradient.shape == X.shape
