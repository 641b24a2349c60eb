"""The user's model, inputs and generators are as they were, whatever a run does."""

from __future__ import annotations

import copy
import random

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import samestep  # noqa: E402
from samestep.models.subject import ModelError  # noqa: E402
from samestep.models.tensors import Role, TensorKey  # noqa: E402
from samestep.models.torch import from_function, from_module  # noqa: E402
from tests.models.torch.networks import asked, conv_net, mlp, normal, same  # noqa: E402


def everything(model):
    """All that can be seen of a module: bits, gradients, modes, hooks and flags."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return (
        [(name, id(x), x.detach().numpy().tobytes(), x.requires_grad) for name, x in tensors],
        [(name, None if x.grad is None else (id(x.grad), x.grad.numpy().tobytes())) for name, x in tensors],
        [(name, part.training, len(part._forward_hooks)) for name, part in model.named_modules()],
        nn.modules.module._has_any_global_hook(),
    )


def generators():
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), str(np.random.get_state())


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("training", [True, False])
def test_the_module_is_as_it_was(training, compiled):
    model, x = conv_net().train(training), normal(2, 3, 8, 8)
    model(torch.tensor(x)).sum().backward()
    before, drawn, given = everything(model), generators(), x.copy()
    subject = from_module(torch.compile(model, backend="eager") if compiled else model)
    subject.run(asked(x))
    subject.with_values({"0.bias": np.ones(4)}, {"1.running_var": np.ones(4)}).run(asked(x, seed=3))
    assert everything(model) == before
    assert generators() == drawn
    assert np.array_equal(x, given)


@pytest.mark.parametrize("compiled", [False, True])
def test_the_module_is_as_it_was_after_an_error(compiled):
    class Fails(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = conv_net()

        def forward(self, x):
            self.net(x)
            torch.rand(1)
            raise ValueError("late")

    model = Fails()
    before, drawn = everything(model), generators()
    subject = from_module(torch.compile(model, backend="eager") if compiled else model)
    with pytest.raises(ModelError, match="the model raises ValueError: late"):
        subject.run(asked(normal(2, 3, 8, 8)))
    assert everything(model) == before
    assert generators() == drawn


def test_a_module_inside_a_function_gets_no_gradients():
    model = mlp()
    subject = from_function(lambda x: model(x))
    subject.run(asked(normal(2, 4)))
    assert all(parameter.grad is None for parameter in model.parameters())


def test_what_a_run_returns_is_its_own():
    subject = from_module(mlp())
    first = subject.run(asked(normal(2, 4)))
    before = copy.deepcopy(first)
    for array in subject.parameters().values():
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    subject.run(asked(normal(2, 4), seed=1))
    assert same(first, before)


def test_a_module_with_derived_weights_is_copied():
    model = torch.nn.utils.weight_norm(nn.Linear(4, 3))
    model(torch.ones(1, 4))
    before = model.weight
    tensors = from_module(model).run(asked(normal(2, 4)))
    assert {key.name for key in tensors if "of" in str(key)} >= {"weight_g", "weight_v", "bias"}
    assert model.weight is before


@pytest.mark.parametrize("compiled", [False, True])
def test_what_a_module_notes_down_is_as_it_was(compiled):
    class Notes(nn.Module):
        def __init__(self):
            super().__init__()
            self.calls = 0
            self.register_buffer("last", torch.zeros(4))

        def forward(self, x):
            self.calls += 1
            self.last = x.detach()[0]
            self.kept = x
            return x * 2

    model = Notes()
    last = model.last
    tensors = from_module(torch.compile(model, backend="eager") if compiled else model).run(
        asked(normal(2, 4))
    )
    assert np.array_equal(tensors[TensorKey(Role.STATE, "last")], normal(2, 4)[0])
    assert model.calls == 0
    assert model.last is last
    assert not hasattr(model, "kept")


def test_convert_may_change_what_it_is_given():
    reference, candidate = mlp(), mlp()

    def scaled(weights):
        for value in weights.values():
            value *= 2
        return weights

    before = copy.deepcopy(reference.state_dict())
    result = samestep.compare(
        candidate, reference, (normal(2, 4),), convert=scaled, replicas=8, variants=False
    )
    assert result.verdict == "disagree"  # 2 w is another network
    assert all(torch.equal(value, before[name]) for name, value in reference.state_dict().items())
