"""What goes into the layers that are asked for, as it was before the call."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from samestep.models.tensors import Role, TensorKey  # noqa: E402
from samestep.models.torch import from_module  # noqa: E402
from tests.models.torch.networks import asked, mlp, names, normal  # noqa: E402


def inputs_of(model, question):
    """What a run and the exact program say, which have the same keys; the exact values."""
    subject = from_module(model)
    run, exact = subject.run(question), subject.program(question).exact()
    assert list(run) == list(exact)
    assert names(run, Role.LAYER_INPUT) == [
        key.name for key in list(run)[: len(names(run, Role.LAYER_INPUT))]
    ]
    return exact


def test_the_input_of_a_layer_is_exact_and_a_forced_one_is_the_given_one():
    model, value = mlp(), normal(5, 8, seed=3).astype(np.float64) / 3
    hidden, into = TensorKey(Role.LAYER, "0"), TensorKey(Role.LAYER_INPUT, "1.0")
    question = asked(normal(5, 4), inputs_of=frozenset({"1"}))
    tensors = inputs_of(model, question)
    assert names(tensors, Role.LAYER_INPUT) == ["1.0"]
    assert tensors[into].dtype == np.float64
    assert np.array_equal(tensors[into], tensors[hidden])
    forced = asked(normal(5, 4), inputs_of=frozenset({"1"}), forced={hidden: value})
    assert np.array_equal(inputs_of(model, forced)[into], value)


def test_arguments_by_keyword_integers_and_what_is_changed_in_place():
    class Part(nn.Module):
        def forward(self, x, index, *, mask, scale=2.0):
            x.mul_(0)
            return torch.where(mask, x[index] + 1, scale)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.part = Part()

        def forward(self, x):
            index, mask = torch.arange(2), torch.tensor([[True], [False]])
            return self.part(x * 1, index, mask=mask).sum() + self.part(x * 3, index, mask=mask)

    tensors = inputs_of(Net(), asked(normal(2, 3), inputs_of=frozenset({"part"})))
    found = {key.name: value for key, value in tensors.items() if key.role is Role.LAYER_INPUT}
    assert list(found) == ["part.0", "part.1", "part.2"]
    assert np.array_equal(found["part.0"], normal(2, 3))
    assert found["part.1"].tolist() == [0, 1]
    assert found["part.2"].tolist() == [[True], [False]]
