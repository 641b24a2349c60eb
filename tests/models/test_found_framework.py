"""The framework of a function is found from the globals that its code uses."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from scipy import special

import samestep
from samestep.models.found_framework import framework_of_function, framework_of_leaves


def plain(x):
    return np.maximum(x, 0)


def test_numpy_is_none_of_them():
    assert framework_of_function(plain) == set()
    assert framework_of_leaves({"w": np.ones(3)}) == set()


def test_attributes_are_no_globals():
    """``np.torch`` would be an attribute; only what the code loads as a global counts."""
    code = compile("def f(x):\n    return np.torch(x)", "made", "exec")
    space: dict[str, object] = {"np": np}
    exec(code, space)
    assert framework_of_function(space["f"]) == set()


def test_frameworks_are_found_through_calls_partials_and_objects():
    jax = pytest.importorskip("jax")

    def inner(x):
        return jax.numpy.tanh(x)

    class Callable:
        def __call__(self, x):
            return inner(x)

    for call in (inner, lambda x: inner(x), functools.partial(inner), Callable(), jax.jit(inner)):
        assert framework_of_function(call) == {"jax"}


def test_functions_of_modules_are_followed():
    """A tag is JAX's; so is a module of the user's own that uses JAX, and no library."""
    pytest.importorskip("jax")
    from tests.models.jax import nets

    assert framework_of_function(lambda x: samestep.tag(x.sum(), "sum")) == {"jax"}
    assert framework_of_function(lambda x: nets.mlp({}, x)) == {"jax"}
    assert framework_of_function(lambda x: special.logsumexp(x)) == set()


def test_arrays_say_their_framework():
    torch = pytest.importorskip("torch")
    assert framework_of_leaves([{"w": torch.ones(2)}, (np.ones(2),)]) == {"torch"}
