"""Functions of tensors, with nested params, with a state, and with neither."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from samestep.models.subject import ModelError  # noqa: E402
from samestep.models.tensors import Role, TensorKey  # noqa: E402
from samestep.models.torch import from_function  # noqa: E402
from tests.models.torch.networks import asked, names, normal  # noqa: E402

X, W = normal(5, 4), normal(4, 3, seed=1)


def affine(params, x):
    return x @ params["layers"][0]["w"] + params["b"]


@pytest.mark.parametrize("array", [np.asarray, torch.tensor, lambda x: torch.tensor(x).requires_grad_()])
def test_params_are_nested_tensors_or_arrays(array):
    subject = from_function(affine, {"layers": [{"w": array(W), "depth": 1}], "b": array(W[0])})
    assert list(subject.parameters()) == ["layers.0.w", "b"]
    tensors = subject.run(asked(X))
    cotangent = asked().cotangent(0, (5, 3))
    assert names(tensors, Role.GRADIENT) == ["layers.0.w", "b"]
    expected = torch.tensor(X).T @ torch.tensor(cotangent)
    assert np.array_equal(tensors[TensorKey(Role.GRADIENT, "layers.0.w")], expected.numpy())


def test_a_state_is_carried_from_the_call():
    def counting(params, state, x):
        return x * params, {"calls": state["calls"] + 1, "mean": 0.9 * state["mean"] + x.mean(0)}

    subject = from_function(counting, np.ones(4), {"calls": np.array(3), "mean": np.zeros(4, np.float32)})
    tensors = subject.run(asked(X))
    assert names(tensors, Role.STATE) == ["calls", "mean"]
    assert tensors[TensorKey(Role.STATE, "calls")] == 4
    assert names(tensors, Role.GRADIENT) == [""]
    moved = subject.with_values({"": np.full(4, 2.0)}, {"calls": np.array(7)}).run(asked(X))
    assert moved[TensorKey(Role.STATE, "calls")] == 8
    assert np.array_equal(moved[TensorKey(Role.OUTPUT, "")], 2 * X)


def test_a_plain_function_has_inputs_only():
    tensors = from_function(torch.sin).run(asked(X))
    assert [key.role for key in tensors] == [Role.OUTPUT, Role.INPUT_GRADIENT]


def test_inputs_keep_their_dtype_where_no_parameter_says_another():
    tensors = from_function(lambda x: x * 2).run(asked(X.astype(np.float16)))
    assert {array.dtype for array in tensors.values()} == {np.dtype(np.float16)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3,), "a int cannot be called"),
        ((torch.sin, None, {"m": W}), "a state needs params"),
        ((torch.sin, {"name": np.array("text")}), "name is a ndarray of <U4: give an array of numbers"),
    ],
)
def test_what_is_no_function_with_params_is_said(arguments, message):
    with pytest.raises(ModelError, match=message):
        from_function(*arguments)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda x, state: x, r"must return \(outputs, new_state\)"),
        (lambda x, state: (x, {"other": x}), r"returns the state \['other'\]; it was given \['mean'\]"),
    ],
)
def test_a_state_that_does_not_come_back_is_said(returned, message):
    subject = from_function(lambda params, state, x: returned(x, state), {}, {"mean": W})
    with pytest.raises(ModelError, match=message):
        subject.run(asked(X))
