"""What cannot be run or compared is said in one line."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from samestep.models.subject import ModelError  # noqa: E402
from samestep.models.tensors import Role, TensorKey  # noqa: E402
from samestep.models.torch import from_function, from_module  # noqa: E402
from tests.models.torch.networks import Tied, asked, mlp, normal  # noqa: E402

X = normal(2, 4)


def changing(change):
    """A function that changes its input."""

    def function(x):
        change(x)
        return x * 1

    return function


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (changing(lambda x: x.mul_(2)), "the model changes input 0 in place"),
        (changing(lambda x: x[0].zero_()), "the model changes input 0 in place"),
        (changing(lambda x: x.detach().add_(1)), "the model changes input 0 in place"),
        (changing(lambda x: x.data.add_(1)), "the model changes input 0 in place"),
        (lambda x: x @ x, "the model raises RuntimeError: mat1 and mat2 shapes cannot be multiplied"),
        (lambda x: {}["key"], "the model raises KeyError: 'key'"),
        (lambda x: None, "the model returns no tensor"),
        (lambda x: x.argmax(), "the model returns no floating tensor"),
        (lambda x: torch.fft.fft(x), "output is complex: return torch.view_as_real"),
        (lambda x: {"a": x.to_sparse()}, "output a is sparse_coo: compare a dense tensor"),
        (lambda x: torch.empty(2, device="meta"), "output is on the meta device"),
    ],
)
def test_a_run_that_cannot_be_compared(function, message):
    with pytest.raises(ModelError, match=message) as error:
        from_function(function).run(asked(X))
    assert "\n" not in str(error.value)


def test_the_exception_is_the_cause():
    def fails(x):
        raise OSError("first line\nsecond line")

    with pytest.raises(ModelError, match=r"^the model raises OSError: first line$") as error:
        from_function(fails).run(asked(X))
    assert isinstance(error.value.__cause__, OSError)


def test_integers_can_be_compared_without_gradients():
    tensors = from_function(lambda x: x.argmax(-1)).run(asked(X, backward=False))
    assert tensors[TensorKey(Role.OUTPUT, "")].dtype == np.int64


def test_nan_is_a_value():
    tensors = from_function(lambda x: torch.log(-(x**2))).run(asked(X))
    assert np.isnan(tensors[TensorKey(Role.OUTPUT, "")]).all()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array(["text"]), "input 0 is a ndarray of <U4: give an array of numbers"),
        (np.array([None]), "input 0 is a ndarray of object"),
    ],
)
def test_an_input_that_is_no_array_of_numbers(array, message):
    with pytest.raises(ModelError, match=message):
        from_module(mlp()).run(asked(array))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (mlp().to("meta"), "parameter 0.weight is on the meta device, without values"),
        (nn.Sequential(nn.LazyLinear(3)), "parameter 0.weight is not initialised"),
    ],
)
def test_a_module_without_values(model, message):
    for attempt in (lambda s: s.run(asked(X)), lambda s: s.parameters()):
        with pytest.raises(ModelError, match=message):
            attempt(from_module(model))


@pytest.mark.parametrize(
    ("parameters", "state", "message"),
    [
        ({"0.wieght": X}, {}, "the model has no parameter 0.wieght; did you mean 0.weight"),
        (
            {"0.weight": X},
            {},
            r"parameter 0.weight has the shape \(8, 4\); the value given for it has \(2, 4\)",
        ),
        ({}, {"running_mean": X}, "the model has no buffer running_mean; there are none"),
    ],
)
def test_values_for_what_is_not_there(parameters, state, message):
    with pytest.raises(ModelError, match=message):
        from_module(mlp()).with_values(parameters, state)


@pytest.mark.parametrize(
    ("loss", "targets", "message"),
    [
        ("hinge", X, "there is no loss 'hinge'; there are cross_entropy, mse, l1, binary_cross_entropy"),
        ("mse", None, "the loss 'mse' needs targets"),
        ("mse", X, r"the targets have the shape \(2, 4\); the loss needs \(2, 3\)"),
        ("cross_entropy", np.zeros(2), "needs integer classes"),
        (lambda outputs, targets: outputs, None, r"the loss is float32\[2, 3\], not one"),
        (lambda outputs, targets: 3.0, None, "the loss is of the type float, not one floating number"),
    ],
)
def test_a_loss_that_cannot_be_had(loss, targets, message):
    with pytest.raises(ModelError, match=message):
        from_module(mlp()).run(asked(X, loss=loss, targets=targets))


def test_anything_but_a_module_is_said():
    with pytest.raises(ModelError, match=r"a dict is no torch.nn.Module"):
        from_module({})


def test_a_tied_weight_has_one_value():
    subject, weight = from_module(Tied()), normal(11, 6)
    for given in ({"head.weight": weight}, {"embed.weight": weight, "head.weight": weight}):
        assert np.array_equal(subject.with_values(given, {}).parameters()["embed.weight"], weight)
    with pytest.raises(ModelError, match=r"head.weight is tied to embed.weight, which has another value"):
        subject.with_values({"embed.weight": weight, "head.weight": weight + 1}, {})


def test_a_module_that_cannot_be_copied_is_said():
    model = mlp()
    model.stream = (number for number in range(3))
    with pytest.raises(
        ModelError, match="copying the model raises TypeError: cannot pickle 'generator' object"
    ):
        from_module(model).run(asked(X))
