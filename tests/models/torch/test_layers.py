"""What a model says of itself."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from samestep.models.torch import from_function, from_module, recognise  # noqa: E402
from tests.models.torch.networks import asked, conv_net, mlp, normal  # noqa: E402


def test_layers_have_types_and_settings():
    layers = {layer.kind: layer.settings for layer in from_module(conv_net()).layers()}
    norm = nn.BatchNorm2d(4)
    expected = {"eps": norm.eps, "momentum": norm.momentum, "training": True}
    assert layers["BatchNorm2d"].items() >= expected.items()
    assert layers["Conv2d"].items() >= {"stride": (1, 1), "padding": (0, 0), "padding_mode": "zeros"}.items()
    assert not any(name.startswith("_") for settings in layers.values() for name in settings)


def test_layers_stand_in_the_order_of_their_calls():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.last, self.unused, self.first = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x):
            return self.last(self.first(x))

    subject = from_module(Backwards())
    assert [layer.name for layer in subject.layers()] == ["last", "unused", "first"]
    subject.run(asked(normal(2, 4)))
    assert [layer.name for layer in subject.layers()] == ["first", "last"]


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (lambda: from_module(mlp().eval()), "torch.nn.Module Sequential, eval mode"),
        (lambda: from_module(mlp()), "torch.nn.Module Sequential, train mode"),
        (lambda: from_function(torch.sin), "PyTorch function sin"),
    ],
)
def test_a_subject_describes_itself(subject, text):
    assert subject().describe() == text


def test_a_part_in_another_mode_is_counted():
    model = conv_net()
    model[1].eval()
    assert (
        from_module(model).describe()
        == "torch.nn.Module Sequential, train mode, 1 of its modules in eval mode"
    )


def test_bfloat16_values_come_as_float32():
    model = mlp().to(torch.bfloat16)
    values = from_module(model).parameters()
    assert {array.dtype for array in values.values()} == {np.dtype(np.float32)}
    assert np.array_equal(values["0.bias"], model[0].bias.detach().float().numpy())


def test_values_come_back_as_the_model_holds_them():
    subject = from_module(conv_net().to(torch.bfloat16))
    other = subject.with_values({"0.bias": np.full(4, 1.001)}, {"1.num_batches_tracked": np.array(5.0)})
    assert (other.parameters()["0.bias"] == 1).all()
    assert other.state()["1.num_batches_tracked"].dtype == np.int64
    assert not (subject.parameters()["0.bias"] == 1).any()


def test_only_modules_are_recognised():
    assert recognise(mlp()).framework == "torch"
    assert recognise(len) is None
