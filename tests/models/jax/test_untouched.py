"""The user's arrays, trees and functions are as they were, whatever a run does."""

from __future__ import annotations

import copy

import numpy as np
import pytest

jax = pytest.importorskip("jax")

from samestep.models.jax import from_function  # noqa: E402
from tests.models.jax.nets import asked, cnn, cnn_params, normal, same  # noqa: E402


def bits(tree):
    return [(path, np.asarray(x).tobytes(), id(x)) for path, x in jax.tree_util.tree_leaves_with_path(tree)]


def test_params_state_and_inputs_keep_their_bits():
    params, state = cnn_params()
    question = asked(normal(2, 6, 6, 3))
    before = bits(params), bits(state), question.inputs[0].copy()
    subject = from_function(cnn, params, state)
    tensors = subject.run(question)
    subject.program(question).exact()
    subject.with_values(subject.parameters(), {"mean": np.ones(4)}).run(question)
    assert (bits(params), bits(state)) == before[:2]
    assert np.array_equal(question.inputs[0], before[2])
    assert same(tensors, subject.run(question))


def test_what_comes_back_and_what_is_handed_out_is_a_copy():
    params = {"w": np.ones(3, np.float32)}
    subject = from_function(lambda p, x: p["w"] * x, params)
    first = subject.run(asked(normal(3)))
    for array in (*first.values(), *subject.parameters().values(), params["w"]):
        array[...] = 7
    again = subject.run(asked(normal(3)))
    assert [x.tolist() for x in again.values()] != [[7.0] * 3] * len(again)
    assert subject.parameters()["w"].tolist() == [1.0] * 3


def test_a_function_that_changes_its_own_trees_changes_copies():
    def careless(params, state, x):
        params["w"] = params["w"] * x
        state["n"] += 1
        return params["w"].sum(), state

    params, state = {"w": np.ones(3, np.float32)}, {"n": np.zeros((), np.float32)}
    kept = copy.deepcopy((params, state))
    subject = from_function(careless, params, state)
    assert same(subject.run(asked(normal(3))), subject.run(asked(normal(3))))
    assert str((params, state)) == str(kept)


def test_global_settings_stay():
    before = jax.config.jax_enable_x64
    subject = from_function(lambda x: x * 2)
    subject.program(asked(normal(3))).exact()
    assert jax.config.jax_enable_x64 == before
