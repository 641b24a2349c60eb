"""Layers with one name on both sides that show something else."""

from __future__ import annotations

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
        return self.head(torch.relu(self.hidden(x)))


def port(p, x, slope=0.0):
    h = samestep.tag(jax.nn.leaky_relu(x @ p["hidden.weight"].T + p["hidden.bias"], slope), "hidden")
    return h @ p["head.weight"].T + p["head.bias"]


@pytest.fixture
def sides():
    torch.manual_seed(0)
    model = Net()
    p = {name: value.detach().numpy().copy() for name, value in model.named_parameters()}
    return model, p, np.random.default_rng(0).standard_normal((7, 6)).astype(np.float32)


def test_a_layer_with_its_activation_is_not_the_layer_before_it(sides):
    model, p, x = sides
    result = samestep.compare(samestep.Model(port, p), model, x)
    assert result.verdict == "agree"
    assert any("hidden shows something else" in note for note in result.coverage.notes)
    assert not any(str(tensor.key).endswith("hidden") for tensor in result.judged)


def test_where_the_output_differs_the_layer_stays(sides):
    model, p, x = sides
    result = samestep.compare(samestep.Model(lambda p, x: port(p, x, 0.5), p), model, x)
    assert result.verdict == "disagree"
    assert result.first.layer == "hidden"
