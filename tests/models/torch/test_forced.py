"""Layers that go on from given values: each is seen on the other side's inputs, and no fault is inherited."""

from __future__ import annotations

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from samestep.models.subject import ModelError  # noqa: E402
from samestep.models.tensors import Role, TensorKey  # noqa: E402
from samestep.models.torch import from_module  # noqa: E402
from tests.models.torch.networks import Checkpointed, asked, conv_net, mlp, names, normal, same  # noqa: E402

FORCED = (Role.LAYER, Role.LAYER_GRADIENT)


def layers_of(tensors):
    """What a run says of its layers: what another run is forced to."""
    return {key: value for key, value in tensors.items() if key.role in FORCED}


def differing(one, other):
    """The keys whose values differ."""
    assert list(one) == list(other)
    return {key for key in one if not np.array_equal(one[key], other[key])}


@pytest.mark.parametrize("model", [mlp, conv_net, lambda: Checkpointed(True), lambda: Checkpointed(False)])
def test_a_run_forced_to_its_own_values_is_itself(model):
    subject = from_module(model())
    x = normal(2, 3, 8, 8) if model is conv_net else normal(2, 4)
    free = subject.run(asked(x))
    assert same(subject.run(asked(x, forced=layers_of(free))), free)


def test_a_fault_is_seen_in_its_own_layer_only():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(4, 6), nn.LayerNorm(6), nn.GELU(), nn.Linear(6, 6), nn.LayerNorm(6), nn.Linear(6, 2)
    )
    faulty = copy.deepcopy(model)
    faulty[1].eps = 0.1
    faulty[2].approximate = "tanh"
    x = normal(3, 4)
    candidate = from_module(faulty).run(asked(x))
    question = asked(x, forced=layers_of(candidate))
    free = differing(from_module(model).run(asked(x)), candidate)
    forced = differing(from_module(model).run(question), candidate)
    assert {key.name for key in free if key.role is Role.LAYER} == {"1", "2", "3", "4", "5"}
    assert {str(key) for key in forced} == {
        "1", "2", "gradient at 0", "gradient at 1", "gradient of 1.weight"
    }  # fmt: skip


def test_the_own_gradient_is_reported_and_the_given_one_goes_on():
    model = mlp()
    given = normal(5, 8, seed=3)
    free = from_module(model).run(asked(normal(5, 4)))
    key = TensorKey(Role.LAYER_GRADIENT, "1")
    forced = from_module(model).run(asked(normal(5, 4), forced={key: given}))
    assert np.array_equal(forced[key], free[key])
    hidden = torch.tensor(forced[TensorKey(Role.LAYER, "1")])
    expected = torch.ops.aten.tanh_backward(torch.tensor(given), hidden)
    assert np.array_equal(forced[TensorKey(Role.LAYER_GRADIENT, "0")], expected.numpy())


def test_one_of_several_outputs_and_one_of_several_calls_can_be_forced():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.LSTM(4, 4, batch_first=True)

        def forward(self, x):
            return self.rnn(self.rnn(x)[0])[0] * 2

    question = asked(
        normal(2, 3, 4), forced={TensorKey(Role.LAYER, "rnn#2.0"): np.ones((2, 3, 4), np.float32)}
    )
    tensors = from_module(Twice()).run(question)
    assert (tensors[TensorKey(Role.OUTPUT, "")] == 2).all()
    assert not (tensors[TensorKey(Role.LAYER, "rnn#2.0")] == 1).any()
    assert names(tensors, Role.LAYER)[0] == "rnn.0"


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("7", (5, 8), "there is no layer 7 to force; there are 0, 1, 2"),
        ("1", (5, 9), r"layer 1 has the shape \(5, 8\); \(5, 9\) cannot be forced on it"),
    ],
)
def test_what_cannot_be_forced_is_said(name, shape, message):
    with pytest.raises(ModelError, match=message):
        from_module(mlp()).run(asked(normal(5, 4), forced={TensorKey(Role.LAYER, name): normal(*shape)}))


def test_a_layer_checkpointed_several_times_cannot_be_forced():
    class Several(Checkpointed):
        def inner(self, x):
            return self.a(self.a(x))

    question = asked(normal(2, 4), forced={TensorKey(Role.LAYER, "a#2"): normal(2, 4)})
    with pytest.raises(ModelError, match="a#2 is checkpointed and called several times"):
        from_module(Several(False)).run(question)
