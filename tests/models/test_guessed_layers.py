"""Layers with one name on both sides that show something else."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("jax")

import jax
import torch
from torch import nn

import samestep


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.head = nn.Linear(6, 5), nn.Linear(5, 5)

    def forward(self, x):
        return torch.tanh(self.head(torch.relu(self.hidden(x))))


def port(p, x, slope=0.0, gain=1.0, gradient=1.0):
    h = samestep.tag(jax.nn.leaky_relu(x @ p["hidden.weight"].T + p["hidden.bias"], slope), "hidden")
    h = samestep.tag(h @ p["head.weight"].T + p["head.bias"], "head")
    h = gradient * h + (1 - gradient) * jax.lax.stop_gradient(h)
    return gain * jax.numpy.tanh(h)


def compare(call, p, model, x):
    return samestep.compare(samestep.Model(call, p), model, x, replicas=8, variants=False)


@pytest.fixture
def sides():
    torch.manual_seed(0)
    model = Net()
    p = {name: value.detach().numpy().copy() for name, value in model.named_parameters()}
    return model, p, np.random.default_rng(0).standard_normal((7, 6)).astype(np.float32)


def test_a_layer_with_its_activation_is_not_the_layer_before_it(sides):
    model, p, x = sides
    result = compare(port, p, model, x)
    assert result.verdict == "agree"
    assert any("hidden shows something else" in note for note in result.coverage.notes)
    assert not any(str(tensor.key).endswith("hidden") for tensor in result.judged)


@pytest.mark.parametrize("wrong", [{"gain": 2.0}, {"gradient": 2.0}])
def test_a_mistake_after_it_is_not_placed_there(sides, wrong):
    model, p, x = sides
    result = compare(partial(port, **wrong), p, model, x)
    assert result.verdict == "disagree"
    assert result.first.layer is None
    assert result.first.tensor == ("output" if "gain" in wrong else "gradient at head")


def test_where_what_comes_after_differs_the_layer_stays(sides):
    model, p, x = sides
    result = compare(partial(port, slope=0.5), p, model, x)
    assert result.verdict == "disagree"
    assert result.first.layer == "hidden"
