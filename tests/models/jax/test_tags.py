"""Tags in plain functions: calls, places that jit caches, gradients that are not there."""

from __future__ import annotations

import numpy as np
import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402

from samestep.models.jax import from_function  # noqa: E402
from samestep.models.jax.tags import tag  # noqa: E402
from samestep.models.tensors import Role  # noqa: E402
from tests.models.jax.nets import asked, follow, key, names, normal  # noqa: E402


def test_a_function_that_jit_traces_once_is_called_twice():
    @jax.jit
    def layer(x):
        return tag(jnp.tanh(2 * x), "layer")

    tensors = follow(from_function(lambda x: layer(layer(x))), asked(normal(4)))
    assert names(tensors, Role.LAYER) == ["layer", "layer#2"]
    assert names(tensors, Role.LAYER_GRADIENT) == ["layer#2", "layer"]
    last = tensors[key(Role.LAYER_GRADIENT, "layer#2")]
    assert last.tobytes() == asked(normal(4)).cotangent(0, (4,)).tobytes()


def test_a_result_without_use_has_no_gradient():
    def forked(x):
        tag(jnp.sin(x), "unused")
        return tag(jnp.cos(x), "used"), jax.lax.stop_gradient(tag(x * 2, "stopped"))

    tensors = follow(from_function(forked), asked(normal(4)))
    assert names(tensors, Role.LAYER) == ["unused", "used", "stopped"]
    assert names(tensors, Role.LAYER_GRADIENT) == ["used"]


def test_branches_and_loops_of_unknown_length_are_followed_without_their_tags():
    def branching(x, n):
        x = jax.lax.cond(n > 1, lambda x: tag(jnp.sin(x), "branch"), lambda x: x, x)
        return jax.lax.while_loop(lambda c: c[0] < n, lambda c: (c[0] + 1, tag(c[1] * 2, "turn")), (0, x))[1]

    tensors = follow(from_function(branching), asked(normal(4), np.int32(3), backward=False))
    assert names(tensors, Role.LAYER) == []


def test_tags_change_no_bits_and_need_no_samestep_run():
    def plain(x):
        return jnp.sin(jnp.tanh(x))

    def tagged(x):
        return jnp.sin(tag(jnp.tanh(x), "h"))

    x = normal(100)
    for of in (lambda f: f, jax.jit, jax.vmap, lambda f: jax.grad(lambda x: f(x).sum())):
        assert np.array_equal(jax.jit(of(plain))(x), jax.jit(of(tagged))(x))


def test_a_tree_has_a_name_for_each_leaf():
    tensors = follow(from_function(lambda x: sum(tag((x * 2, x * 3), "pair"))), asked(normal(4)))
    assert names(tensors, Role.LAYER) == ["pair.0", "pair.1"]


def test_a_function_with_tags_is_compiled_once_for_two_calls(monkeypatch):
    """Every call of `tag` has a number of its own, so that two traces differ in these alone."""
    compiled = []
    jit = jax.jit

    def counted(function, **options):
        compiled.append(function)
        return jit(function, **options)

    monkeypatch.setattr(jax, "jit", counted)
    twice = from_function(lambda x: tag(jnp.tanh(x), "layer")).run_twice(asked(normal(4)))
    assert twice.repeats
    assert len(compiled) == 1
