"""A small mistake in what one side folds: below what its own values owe, and above what rounding does."""

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


@pytest.fixture
def model():
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 5, 3)
    ).eval()
    with torch.no_grad():
        for value, low, high in ((net[1].running_var, 0.5, 2), (net[1].running_mean, -1, 1),
                                 (net[1].weight, 0.5, 2), (net[1].bias, -1, 1)):  # fmt: skip
            value.uniform_(low, high)
    return net


def folded(model, eps):
    p = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    scale = p["1.weight"] / np.sqrt(p["1.running_var"] + np.float32(eps))
    bias = (p["0.bias"] - p["1.running_mean"]) * scale + p["1.bias"]
    kernel = p["0.weight"] * scale[:, None, None, None]
    return {"first": kernel, "first_bias": bias, "second": p["3.weight"], "second_bias": p["3.bias"]}


def port(w, x):
    def conv(x, name, padding):
        numbers = ("NCHW", "OIHW", "NCHW")
        made = lax.conv_general_dilated(x, w[name], (1, 1), padding, dimension_numbers=numbers)
        return made + w[f"{name}_bias"][:, None, None]

    return conv(jax.nn.relu(conv(x, "first", "SAME")), "second", "VALID")


@pytest.mark.parametrize(("times", "verdict"), [(1.0, "agree"), (1.2, "disagree"), (100.0, "disagree")])
def test_a_folded_batch_norm(model, times, verdict):
    x = np.random.default_rng(0).standard_normal((5, 3, 8, 9)).astype(np.float32)
    weights = folded(model, times * model[1].eps)
    result = samestep.compare(samestep.Model(port, weights), model, (x,), variants=False)
    assert result.verdict == verdict, str(result)
    if times == 1.2:  # as far as can be told so near to rounding
        assert result.diagnosis.kind == "eps"
