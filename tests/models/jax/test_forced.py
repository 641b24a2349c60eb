"""Forced layers: the run goes on from given values and gradients, and reports its own."""

from __future__ import annotations

import numpy as np
import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402

from samestep.models.jax import from_function  # noqa: E402
from samestep.models.jax.tags import tag  # noqa: E402
from samestep.models.subject import ModelError  # noqa: E402
from samestep.models.tensors import Role  # noqa: E402
from tests.models.jax.nets import asked, follow, gpt, gpt_params, key, mlp, mlp_params, names, normal, tokens  # noqa: E402


def test_a_forced_value_and_gradient_replace_the_own_ones():
    subject, x = from_function(mlp, mlp_params()), normal(5, 4)
    free = subject.run(asked(x))
    value, gradient = normal(5, 8, seed=7), normal(5, 8, seed=8)
    hidden, at = key(Role.LAYER, "hidden"), key(Role.LAYER_GRADIENT, "hidden")
    forced = follow(subject, asked(x, forced={hidden: value, at: gradient}))
    assert forced[hidden].tobytes() == free[hidden].tobytes()
    assert forced[at].tobytes() == free[at].tobytes()
    params = mlp_params()
    assert np.array_equal(forced[key(Role.OUTPUT)], jax.jit(jnp.matmul)(value, params["second"][0]))
    cotangent = asked(x).cotangent(0, (5, 3))
    share = forced[key(Role.GRADIENT, "second/0")] / (value.T.astype(float) @ cotangent)
    assert np.array_equal(np.round(share, 3), np.ones((8, 3)))
    own = 1 - free[hidden].astype(float) ** 2
    share = forced[key(Role.GRADIENT, "first/b")] / np.sum(gradient * own, axis=0)
    assert np.array_equal(np.round(share, 3), np.ones(8))


def derivatives(remat):
    """The gradient of tanh(forced) by its input, with and without computing it again in the backward pass."""

    def inner(x):
        return jnp.sin(tag(jnp.tanh(x), "h"))

    return from_function((jax.checkpoint if remat else lambda f: f)(inner))


def test_what_a_checkpoint_computes_again_is_forced_too():
    value, x = normal(6, seed=3), normal(6)
    question = asked(x, forced={key(Role.LAYER, "h"): value})
    with_remat, without = (follow(derivatives(remat), question) for remat in (True, False))
    assert list(with_remat) == list(without)
    expected = question.cotangent(0, (6,)) * np.cos(value)
    for tensors in (with_remat, without):
        share = tensors[key(Role.LAYER_GRADIENT, "h")] / expected
        assert np.array_equal(np.round(share, 3), np.ones(6))


def test_turns_of_a_scan_are_forced_one_by_one():
    subject = from_function(lambda params, x: gpt(params, x, remat=True), gpt_params())
    value, gradient = normal(2, 5, 8, seed=5), normal(2, 5, 8, seed=6)
    given = {key(Role.LAYER, "block#2"): value, key(Role.LAYER_GRADIENT, "block#2"): gradient}
    free, forced = subject.run(asked(tokens())), follow(subject, asked(tokens(), forced=given))
    same = {name for name in names(free, Role.LAYER)
            if np.array_equal(free[key(Role.LAYER, name)], forced[key(Role.LAYER, name)])}  # fmt: skip
    assert same == {"norm", "block", "norm#2", "block#2"}
    centred = value - value.mean(-1, keepdims=True)
    normed = centred / np.sqrt(value.var(-1, keepdims=True) + 1e-5)
    assert np.array_equal(np.round(forced[key(Role.LAYER, "norm#3")] / normed, 3), np.ones_like(normed))
    alone = subject.run(asked(tokens(), forced={key(Role.LAYER_GRADIENT, "block#2"): gradient}))
    gradients = {key(Role.LAYER_GRADIENT, name) for name in names(free, Role.LAYER_GRADIENT)}
    at = {tensor.name for tensor in gradients if np.array_equal(free[tensor], alone[tensor])}
    assert at == {"block#3", "norm#3", "block#2"}


def test_a_long_scan_is_one_tensor_with_the_turns_first():
    def recurrent(x):
        return jax.lax.scan(lambda h, x: (tag(jnp.tanh(h + x), "h"), h), jnp.zeros(3), x)[0]

    subject, x = from_function(recurrent), normal(50, 3)
    tensors = follow(subject, asked(x))
    assert tensors[key(Role.LAYER, "h")].shape == tensors[key(Role.LAYER_GRADIENT, "h")].shape == (50, 3)
    forced = follow(subject, asked(x, forced={key(Role.LAYER, "h"): x}))
    assert np.array_equal(forced[key(Role.OUTPUT)], x[-1])
    one_turn = jax.jit(lambda h, x: jnp.tanh(h + x))(np.append(np.zeros_like(x[:1]), x[:-1], axis=0), x)
    assert np.array_equal(forced[key(Role.LAYER, "h")], one_turn)


def test_what_cannot_be_forced_is_named():
    subject, x = from_function(mlp, mlp_params()), normal(5, 4)
    with pytest.raises(ModelError, match="there is no nothing to force; there are hidden"):
        subject.run(asked(x, forced={key(Role.LAYER, "nothing"): x}))
    with pytest.raises(ModelError, match=r"hidden has the shape \(5, 8\), and \(5, 4\) was given"):
        subject.run(asked(x, forced={key(Role.LAYER, "hidden"): x}))
    twice = jax.jit(jax.checkpoint(lambda x: jnp.sin(tag(jnp.sin(x), "h"))))
    several = from_function(lambda x: twice(twice(x)))
    assert names(several.run(asked(x)), Role.LAYER) == ["h", "h#2"]
    with pytest.raises(ModelError, match="called several times and checkpointed"):
        several.run(asked(x, forced={key(Role.LAYER, "h"): x}))
