"""Where axes are of one length, no shape tells which is which: that is said, and other layouts are tried."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")

import samestep  # noqa: E402
from samestep.models.pairing.correspondence import Correspondence  # noqa: E402
from samestep.models.pairing.layers import pair_layers  # noqa: E402
from samestep.models.result import First  # noqa: E402
from samestep.models.said_of_pairing import said_of_pairing  # noqa: E402

FEW = {"replicas": 8, "variants": False}


def normal(*shape):
    return np.random.default_rng(3).standard_normal(shape).astype(np.float32)


def convolution(layout):
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(5, 5, 3, padding=1, bias=False)

    def port(w, x):
        numbers = (layout, "OIHW", layout)
        return jax.lax.conv_general_dilated(x, w["weight"], (1, 1), "SAME", dimension_numbers=numbers)

    weights = {"weight": conv.weight.detach().numpy()}
    return samestep.compare(samestep.Model(port, weights), conv, (normal(2, 5, 5, 5),), **FEW)


def test_channels_that_are_as_many_as_rows():
    assert convolution("NCHW").verdict == "agree"
    result = convolution("NHWC")
    assert result.verdict == "disagree"
    assert "the outputs are the reference's if the axes of the inputs are permuted by (0, 2, 3, 1)" in str(
        result
    )


def test_another_mistake_is_no_other_layout():
    def port(x):
        return jax.numpy.roll(x, 1, 1) * 2

    result = samestep.compare(port, torch.nn.Identity(), (normal(2, 5, 5, 5),), **FEW)
    assert result.verdict == "disagree"
    assert result.looks_like is None


def test_a_symmetric_matrix_fits_in_two_orders():
    layer = torch.nn.Linear(6, 6, bias=False)
    square = normal(6, 6)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(square + square.T))
    candidate = samestep.Model(
        lambda w, x: x @ w["w"], {"w": layer.weight.detach().numpy()}, framework="numpy"
    )
    result = samestep.compare(candidate, layer, (normal(4, 6),), **FEW)
    assert result.verdict == "agree"
    assert "its values fit 'weight' in 2 orders of its axes, and which one it is cannot be told" in str(
        result
    )


def test_a_layer_that_differs_in_axes_of_one_length():
    value = normal(2, 4, 4)
    layers = pair_layers({"theirs": value.swapaxes(1, 2) * 1.5}, {"mine": value}, {"mine": "theirs"})
    first = First("mine", None, "mine", (), 0.0, 0.0, 0.0, 0.0, 2.0, exact=True, inputs_agree=True)
    said = [*said_of_pairing(Correspondence(layers=layers), first)]
    assert said[0].startswith("axes 1, 2 of mine are of one length, so that which is which cannot be told")
