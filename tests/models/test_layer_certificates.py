"""A layer beyond the worst case of float32 is proven wrong: in words, in its row, in JSON. Others are not."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")

from jax import numpy as jnp  # noqa: E402
from torch import nn  # noqa: E402

import samestep  # noqa: E402
from samestep.models.pairing.arrangement import as_it_is  # noqa: E402
from samestep.models.pairing.linear_map import Counterpart  # noqa: E402

FEW = {"replicas": 8, "variants": False}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.act = nn.Linear(12, 16), nn.GELU()
        self.norm, self.last = nn.LayerNorm(16), nn.Linear(16, 5)

    def forward(self, x):
        return self.last(self.norm(self.act(self.first(x))))


def made():
    torch.manual_seed(0)
    net = Net()
    for parameter in net.parameters():
        nn.init.normal_(parameter, 0.0, 0.3)
    weights = {name: value.detach().numpy() for name, value in net.named_parameters()}
    return net, weights, np.random.default_rng(0).standard_normal((8, 12)).astype(np.float32)


def wrong_port(w, x):
    """Gelu's tanh form, and another eps."""
    h = samestep.tag(x @ w["first.weight"].T + w["first.bias"], "first")
    a = samestep.tag(jax.nn.gelu(h), "act")
    centred = a - a.mean(-1, keepdims=True)
    n = centred / jnp.sqrt(jnp.square(centred).mean(-1, keepdims=True) + 1e-3)
    n = samestep.tag(n * w["norm.weight"] + w["norm.bias"], "norm")
    return samestep.tag(n @ w["last.weight"].T + w["last.bias"], "last")


def by_place(result):
    return {one.place: one for one in result.certificates}


@pytest.mark.parametrize("turned", [False, True], ids=["torch reference", "jax reference"])
def test_two_mistakes_are_proven_and_the_other_layers_are_not(turned):
    net, weights, x = made()
    sides = [samestep.Model(wrong_port, weights), net]
    result = samestep.compare(*(sides[::-1] if turned else sides), (x,), **FEW)
    found = by_place(result)
    assert [name for name in ("first", "act", "norm", "last") if found[name].proven] == ["act", "norm"]
    assert 0 < found["first"].share < 1
    assert found["act"].share == found["act"].error / found["act"].bound
    rows = {layer.name: layer for layer in result.layers}
    assert [rows[name].proven for name in ("first", "act", "norm", "last")] == [False, True, True, False]
    assert rows["norm"].certificate == found["norm"].share
    text = result.explain()
    assert "proven: norm is another computation than the reference's: " in text
    assert "the worst case of float32, which proves nothing" in text
    assert "proven: first" not in text
    documents = {one["place"]: one for one in json.loads(result.to_json())["certificates"]}
    assert documents["norm"]["proven"] is True
    assert documents["norm"]["share"] == found["norm"].share


class Rounding(nn.Linear):
    def forward(self, x):
        return nn.functional.linear(x.bfloat16().float(), self.weight.bfloat16().float(), self.bias)


def test_weaker_arithmetic_is_proven_too_unless_it_is_declared():
    net, _, x = made()
    candidate = made()[0]
    candidate.first = Rounding(12, 16)
    candidate.load_state_dict(net.state_dict())
    result = samestep.compare(candidate, net, (x,), **FEW)
    assert result.verdict == "weaker"
    assert by_place(result)["first"].proven
    declared = samestep.compare(candidate, net, (x,), contract="bfloat16", **FEW)
    assert not any(one.proven for one in declared.certificates)


def test_what_agrees_has_no_certificate():
    net, _, x = made()
    assert not samestep.compare(made()[0], net, (x,), **FEW).certificates


def test_a_mistake_that_is_too_small_is_not_proven():
    net, _, x = made()
    candidate = made()[0]
    candidate.norm.eps = 1.0001e-5
    result = samestep.compare(candidate, net, (x,), **FEW)
    assert result.verdict == "disagree"
    assert not any(one.proven for one in result.certificates)
    assert "which proves nothing" in result.explain()


class Gamma(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return torch.lgamma(x.abs() + 1) * self.factor


def test_an_operation_without_a_bound_is_named():
    torch.manual_seed(0)
    nets = [nn.Sequential(nn.Linear(6, 6), Gamma(factor), nn.Linear(6, 3)) for factor in (1.5, 1.0)]
    nets[0].load_state_dict(nets[1].state_dict())
    result = samestep.compare(*nets, (np.ones((4, 6), np.float32),), **FEW)
    assert result.verdict == "disagree"
    assert by_place(result)["1"].without == "lgamma"
    assert not by_place(result)["1"].proven
    assert {layer.name: layer for layer in result.layers}["1"].certificate is None
    assert "no certificate of 1" in result.explain()
    assert "lgamma has no bound" in result.explain()
    assert by_place(result)["2"].share < 1


def test_another_dtype_has_no_certificates_and_says_so():
    torch.manual_seed(0)
    nets = [nn.Sequential(nn.Linear(6, 6), nn.LeakyReLU(slope)).bfloat16() for slope in (0.02, 0.01)]
    nets[0].load_state_dict(nets[1].state_dict())
    result = samestep.compare(*nets, (np.ones((4, 6), np.float32),), **FEW)
    assert result.verdict == "disagree"
    assert not result.certificates
    assert "no layer has a certificate: it computes in another dtype than float32" in result.explain()


def test_bounds_go_through_a_map_by_their_size():
    link = Counterpart((replace(as_it_is("w", (3,)), weight=-2.0), as_it_is("v", (3,))), "-2 w + v")
    bounds = {"w": np.array([1.0, 2.0, 3.0]), "v": np.array([5.0, 0.0, 0.0])}
    assert link.apply_bounds(bounds).tolist() == [7.0, 4.0, 6.0]
