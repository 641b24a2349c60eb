"""After a fault a layer is read as what follows from it is right; what is not known is not accused."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("jax")

import jax
import torch
from jax import lax
from torch import nn

import samestep


class Convs(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.act = nn.Conv2d(3, 4, 3, padding=1), nn.GELU()
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        return self.conv2(self.act(self.conv1(x)))


class Dense(nn.Module):
    def __init__(self, count=2):
        super().__init__()
        for i in range(1, count + 1):
            setattr(self, f"fc{i}", nn.Linear(4, 4))
            setattr(self, f"act{i}", nn.GELU())
        self.count = count

    def forward(self, x):
        for i in range(1, self.count + 1):
            x = getattr(self, f"act{i}")(getattr(self, f"fc{i}")(x))
        return x


def gelu(x):
    return jax.nn.gelu(x, approximate=False)


def images_last(w, x, twisted=lambda k: k, wrong=1.0):
    """The convolutions with channels last."""

    def conv(x, name, kernel):
        numbers = ("NHWC", "HWIO", "NHWC")
        made = lax.conv_general_dilated(
            x, kernel.transpose(2, 3, 1, 0), (1, 1), "SAME", dimension_numbers=numbers
        )
        return samestep.tag(made + w[f"{name}.bias"], name)

    h = conv(x.transpose(0, 2, 3, 1), "conv1", twisted(w["conv1.weight"]))
    h = samestep.tag(gelu(h), "act")
    return conv(h, "conv2", wrong * w["conv2.weight"]).transpose(0, 3, 1, 2)


def features_first(w, x, wrong=1.0):
    """The dense layers on [features, batch]."""
    x = x.T
    for i, factor in ((1, 1.5), (2, wrong)):
        x = samestep.tag(w[f"fc{i}.weight"] @ x + factor * w[f"fc{i}.bias"][:, None], f"fc{i}")
        x = samestep.tag(gelu(x), f"act{i}")
    return x.T


def activated(w, x, factors=(1.5, 1.0, 1.0)):
    """The dense layers, each with the activation inside."""
    for i, factor in enumerate(factors, 1):
        x = samestep.tag(gelu(x @ w[f"fc{i}.weight"].T + factor * w[f"fc{i}.bias"]), f"fc{i}")
    return x


def compared(call, model, shape):
    weights = {name: value.detach().numpy() for name, value in model.named_parameters()}
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    result = samestep.compare(samestep.Model(call, weights), model, (x,), replicas=8, variants=False)
    assert result.verdict == "disagree"
    return result


def places(result):
    return [fault.layer or fault.tensor for fault in result.faults]


def proven(result):
    return [one.place for one in result.certificates if one.proven and not one.backward]


@pytest.fixture(autouse=True)
def same_weights():
    torch.manual_seed(0)


def test_four_axes_of_one_length():
    result = compared(lambda w, x: images_last(w, x, lambda k: k[:, :, ::-1]), Convs(), (4, 3, 4, 4))
    assert places(result) == proven(result) == ["conv1"]
    assert "flipped along axis 2" in str(result.diagnosis)


def test_two_faults_with_four_axes_of_one_length():
    result = compared(lambda w, x: images_last(w, x, lambda k: k[:, :, ::-1], 1.5), Convs(), (4, 3, 4, 4))
    assert places(result) == proven(result) == ["conv1", "conv2"]


@pytest.mark.parametrize(("wrong", "found"), [(1.0, ["fc1"]), (2.0, ["fc1", "fc2"])])
def test_features_first(wrong, found):
    result = compared(lambda w, x: features_first(w, x, wrong), Dense(), (4, 4))
    assert places(result) == proven(result) == found


@pytest.mark.parametrize(
    ("factors", "found"),
    [((1.5, 1.0, 1.0), ["fc1"]), ((1.0, 1.5, 1.0), ["fc2"]), ((1.5, 1.0, 1.5), ["fc1", "fc3"])],
)
def test_a_layer_with_its_activation_is_compared_with_the_activation(factors, found):
    result = compared(lambda w, x: activated(w, x, factors), Dense(3), (5, 4))
    assert places(result) == found
    assert {place for place in proven(result) if place.startswith("fc")} <= {*found}


def test_axes_of_a_layer_that_the_user_named():
    model = Dense()
    weights = {name: value.detach().numpy() for name, value in model.named_parameters()}
    x = np.random.default_rng(0).standard_normal((4, 4)).astype(np.float32)
    result = samestep.compare(
        samestep.Model(features_first, weights), model, (x,), replicas=8, variants=False,
        layers={"fc{i}": "fc{i}", "act{i}": "act{i}"},
    )  # fmt: skip
    assert places(result) == proven(result) == ["fc1"]
