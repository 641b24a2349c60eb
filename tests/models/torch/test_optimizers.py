"""Steps of torch.optim: from given values, with the optimizer's own state, natively and for the engine."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from samestep.agreement.arithmetic.program import DOUBLE_SCALE  # noqa: E402
from samestep.agreement.limits import unit_roundoff  # noqa: E402
from samestep.models.question import Steps  # noqa: E402
from samestep.models.subject import ModelError  # noqa: E402
from samestep.models.tensors import Role, TensorKey  # noqa: E402
from samestep.models.torch import from_module  # noqa: E402
from tests.models.torch.limits import beyond, spread  # noqa: E402
from tests.models.torch.networks import mlp, normal  # noqa: E402

SHAPES = {name: tuple(parameter.shape) for name, parameter in mlp().named_parameters()}
OPTIMIZERS = {
    "sgd": partial(torch.optim.SGD, lr=0.1, momentum=0.9, weight_decay=1e-4),
    "adam": partial(torch.optim.Adam, lr=1e-3),
    "adam, lists": partial(torch.optim.Adam, lr=1e-3, foreach=True),
    "adam, one by one": partial(torch.optim.Adam, lr=1e-3, foreach=False),
    "adamw": partial(torch.optim.AdamW, lr=1e-3, weight_decay=0.01),
    "adamw, fused": partial(torch.optim.AdamW, lr=1e-3, weight_decay=0.01, fused=True),
    "rmsprop": partial(torch.optim.RMSprop, lr=1e-3, momentum=0.9),
    "rmsprop, lists": partial(torch.optim.RMSprop, lr=1e-3, foreach=True),
}


def some_steps(count: int = 3) -> Steps:
    """Steps from values that no optimizer made."""
    values, gradients = (
        tuple(
            {name: normal(*shape, seed=100 * t + kind) for name, shape in SHAPES.items()}
            for t in range(count)
        )
        for kind in (0, 1)
    )
    return Steps(values, gradients)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_steps_are_those_of_the_optimizer(kind):
    steps = some_steps()
    got = from_module(mlp()).run_steps(OPTIMIZERS[kind], steps)
    parameters = {name: torch.nn.Parameter(torch.zeros(shape)) for name, shape in SHAPES.items()}
    optimizer = OPTIMIZERS[kind](list(parameters.values()))
    for t, (values, gradients) in enumerate(zip(steps.params, steps.gradients, strict=True)):
        for name, parameter in parameters.items():
            parameter.data = torch.tensor(values[name])
            parameter.grad = torch.tensor(gradients[name])
        optimizer.step()
        for name, parameter in parameters.items():
            update = parameter.detach().numpy().astype(np.float64) - values[name]
            assert np.array_equal(got[TensorKey(Role.UPDATE, f"{t}:{name}")], update)
    assert len(got) == 3 * len(SHAPES)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_an_optimizer_is_within_rounding_of_its_program(kind):
    subject, steps = from_module(mlp()), some_steps(2)
    native, program = (
        subject.run_steps(OPTIMIZERS[kind], steps),
        subject.steps_program(OPTIMIZERS[kind], steps),
    )
    exact = program.exact()
    assert list(exact) == list(native)
    sigma = spread(program, exact)
    assert all(s.all() for s in sigma.values())
    assert not beyond(native, exact, sigma)


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("adam", partial(torch.optim.Adam, lr=1e-3, eps=1e-7)),
        ("adamw", partial(torch.optim.Adam, lr=1e-3, weight_decay=0.01)),
        ("sgd", partial(torch.optim.SGD, lr=0.1, momentum=0.9, weight_decay=1e-4, nesterov=True)),
        ("rmsprop", partial(torch.optim.RMSprop, lr=1e-3, momentum=0.9, centered=True)),
    ],
)
def test_another_optimizer_is_another_function(kind, fault):
    subject, steps = from_module(mlp()), some_steps(1)
    program = subject.steps_program(OPTIMIZERS[kind], steps)
    exact = program.exact()
    sigma = {key: s * DOUBLE_SCALE for key, s in spread(program, exact).items()}
    assert beyond(subject.steps_program(fault, steps).exact(), exact, sigma)


def test_hyperparameters_round_at_each_use():
    """1 - beta ** t cancels in float32: at the first step its relative error is a thousand roundings."""
    subject, steps = from_module(mlp()), some_steps(1)
    program = subject.steps_program(OPTIMIZERS["adam"], steps)
    exact = program.exact()
    relative = [np.max(s / np.abs(exact[key])) for key, s in spread(program, exact).items()]
    assert max(relative) > 100 * unit_roundoff("float32")


def test_a_parameter_without_a_gradient_stays():
    steps = some_steps(1)
    partly = Steps(steps.params, ({"0.weight": steps.gradients[0]["0.weight"]},))
    got = from_module(mlp()).run_steps(OPTIMIZERS["adamw"], partly)
    moved = {key.name for key, update in got.items() if update.any()}
    assert moved == {"0:0.weight"}


def test_a_parameter_that_a_step_leaves_out_stays():
    steps = some_steps(2)
    only = [{"0.bias": values["0.bias"]} for values in (steps.params[1], steps.gradients[1])]
    got = from_module(mlp()).run_steps(
        OPTIMIZERS["sgd"], Steps((steps.params[0], only[0]), (steps.gradients[0], only[1]))
    )
    assert [key.name for key in got][-1] == "1:0.bias"
    assert len(got) == len(SHAPES) + 1


def test_the_model_and_the_steps_are_as_they_were():
    model, steps = mlp(), some_steps()
    before = [parameter.detach().clone() for parameter in model.parameters()]
    given = [array.copy() for values in (*steps.params, *steps.gradients) for array in values.values()]
    from_module(model).run_steps(OPTIMIZERS["sgd"], steps)
    assert all(torch.equal(x, y) for x, y in zip(model.parameters(), before, strict=True))
    after = [array for values in (*steps.params, *steps.gradients) for array in values.values()]
    assert all(np.array_equal(x, y) for x, y in zip(after, given, strict=True))


def test_steps_are_taken_in_the_dtype_of_the_model():
    got = from_module(mlp().to(torch.bfloat16)).run_steps(torch.optim.SGD, some_steps(1))
    value = some_steps(1).params[0]["0.bias"]
    held = torch.tensor(value).bfloat16().double().numpy()
    after = held + got[TensorKey(Role.UPDATE, "0:0.bias")]
    assert np.array_equal(torch.tensor(after).bfloat16().double().numpy(), after)


OWN = list(mlp().parameters())


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        (
            torch.optim.SGD(OWN),
            r"a PyTorch optimizer is a function of the parameters, not SGD: lambda params: torch.optim.SGD",
        ),
        (lambda params: 3, "returns a int, no torch.optim.Optimizer"),
        (lambda params: torch.optim.SGD(OWN), "uses other parameters than those that it is given"),
        (
            lambda params: torch.optim.SGD(params, lr=-1),
            "making the optimizer raises ValueError: Invalid learning",
        ),
        (torch.optim.LBFGS, "the optimizer raises TypeError: .*closure"),
    ],
)
def test_what_is_no_optimizer_is_said(optimizer, message):
    with pytest.raises(ModelError, match=message):
        from_module(mlp()).run_steps(optimizer, some_steps(1))


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("9.weight", (2,), "a value is given for 9.weight, which is no parameter of the model"),
        ("0.bias", (2,), r"the value given for 0.bias has the shape \(2,\); the parameter has \(8,\)"),
    ],
)
def test_values_that_the_model_cannot_have_are_said(name, shape, message):
    with pytest.raises(ModelError, match=message):
        from_module(mlp()).run_steps(torch.optim.SGD, Steps(({name: normal(*shape)},), ({},)))
