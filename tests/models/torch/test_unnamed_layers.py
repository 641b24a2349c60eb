"""PyTorch code without modules: the other side's layers are found among the values that it computes."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

import samestep  # noqa: E402

X = np.random.default_rng(0).standard_normal((5, 8)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.Tanh(), nn.Linear(8, 8), nn.Linear(8, 3))


def function(eps=1e-5, turned=False, factor=0):
    """The same network as a function, in part in place, with the mistakes asked for."""

    def call(w, x):
        h = F.layer_norm(F.linear(x, w["0.weight"], w["0.bias"]), (8,), w["1.weight"], w["1.bias"], eps)
        first, second = torch.tanh(h).split([3, 5], dim=-1)
        h = torch.cat([first, second], dim=-1)
        h = h + factor * (h - h.detach())  # the same value with another gradient
        h = (h @ (w["3.weight"] if turned else w["3.weight"].T)).add_(w["3.bias"])
        return h @ w["4.weight"].T + w["4.bias"]

    return call


class Inline(nn.Module):
    """The same as one module that holds parameters and no modules."""

    def __init__(self, model, **mistakes):
        super().__init__()
        self.call, self.w = function(**mistakes), nn.ParameterDict()
        for name, value in model.named_parameters():
            self.w[name.replace(".", "_")] = nn.Parameter(value.detach().clone())

    def forward(self, x):
        return self.call({name.replace("_", "."): value for name, value in self.w.items()}, x)


def of(model, **mistakes):
    weights = {name: value.detach().clone() for name, value in model.named_parameters()}
    return samestep.Model(function(**mistakes), weights, framework="torch")


def test_a_small_mistake_is_found_at_its_layer_and_named(model):
    for candidate in (of(model, eps=1e-3), Inline(model, eps=1e-3)):
        result = samestep.compare(candidate, model, (X,))
        assert result.first.layer == "1"
        assert [fault.layer for fault in result.faults] == ["1"]
        assert "1e-3" in str(result.diagnosis)
        said = result.explain()
        assert "no value of the candidate is 1 (LayerNorm): compared with test_unnamed_layers.py" in said


def test_a_layer_that_is_far_off_is_found_by_what_follows_from_it(model):
    result = samestep.compare(of(model, turned=True), model, (X,))
    assert result.first.layer == "3"
    assert [fault.layer for fault in result.faults] == ["3"]


def test_the_gradient_of_a_value_on_the_way_is_looked_at(model):
    result = samestep.compare(of(model, factor=0.5), model, (X,))
    assert result.verdict == "disagree"
    assert result.first.tensor == "gradient at 2"


def test_the_reference_may_be_the_one_that_names_nothing(model):
    result = samestep.compare(model, Inline(model, eps=1e-2), (X,))
    assert result.first.layer == "1"
    assert "the reference names no layers: 1 of 5 were found among its values" in result.explain()


def test_correct_code_is_not_searched_and_compiled_code_is_not_followed(model):
    result = samestep.compare(Inline(model), model, (X,))
    assert result.verdict == "agree"
    assert not result.layers
    result = samestep.compare(torch.compile(Inline(model, eps=1e-3), backend="eager"), model, (X,))
    assert result.verdict == "disagree"
    assert not result.layers


def test_the_place_in_a_module_of_pytorch_s_own_is_its_line_there(model):
    def port(w, x):
        return (x * 1.001) @ w["weight"].T + w["bias"]

    linear = model[0]
    result = samestep.compare(samestep.Model(port, dict(linear.named_parameters())), linear, (X,))
    assert result.verdict == "disagree"
    assert "_ufunc_config" not in result.explain()
    assert "linear.py:" in result.explain()
