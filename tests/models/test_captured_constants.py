"""Code that has captured the other side's own weights has the same numbers, and owes nothing for them."""

from __future__ import annotations

import numpy as np
import pytest

import samestep
from samestep.agreement.arithmetic.program import constant_digest

X = np.random.default_rng(0).standard_normal((5, 8)).astype(np.float32)


def test_a_digest_is_of_the_numbers():
    same = [X, X.T, X.reshape(-1)[::-1], X.astype(np.float64), X[::-1, ::-1]]
    assert len({constant_digest(array) for array in same}) == 1
    other = X.copy()
    other[0, 0] = np.nextafter(other[0, 0], np.float32(9))
    assert constant_digest(other) != constant_digest(X)
    assert constant_digest(X[:4]) != constant_digest(X)
    assert constant_digest(np.array([0.0, -0.0, 0.1])) == constant_digest(np.array([0.1, -0.0, 0.0]))


def linear():
    """A linear layer of PyTorch, and the same layer as JAX functions that capture its weights."""
    torch = pytest.importorskip("torch")
    jnp = pytest.importorskip("jax.numpy")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    layer = torch.nn.Linear(8, 6)
    weight, bias = (p.detach().numpy() for p in layer.parameters())

    def closed(move=0.0, rounded=0.0):
        w = (weight * np.float32(1 + rounded)).T
        return lambda x: (x @ jnp.asarray(w) + jnp.asarray(bias)) * (1 + jnp.float32(move))

    return layer, closed


def test_a_closure_over_the_references_weights_owes_nothing():
    """In exact arithmetic a difference of 1e-9 is another function: nothing that is owed may cover it."""
    layer, closed = linear()
    assert samestep.compare(closed(), layer, (X,), variants=False).verdict == "agree"
    result = samestep.compare(closed(move=1e-9), layer, (X,), variants=False)
    assert result.verdict == "disagree"
    assert result.first is not None
    assert result.first.exact


def test_a_closure_over_other_roundings_owes_one_for_each_element():
    layer, closed = linear()
    assert samestep.compare(closed(rounded=2.0**-23), layer, (X,), variants=False).verdict == "agree"
