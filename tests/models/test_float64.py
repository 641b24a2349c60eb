"""A side in float64 is a more accurate one: the other is judged by what its own dtype rounds."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import samestep

torch = pytest.importorskip("torch")

X = np.random.default_rng(2).standard_normal((5, 8)).astype(np.float32)

#: Far above float64's rounding, and far below that of float32.
OFF = 1 + 2.0**-40


class Scaled(torch.nn.Module):
    def __init__(self, net, by=1.0, through=None):
        super().__init__()
        self.net, self.by, self.through = net, by, through

    def forward(self, x):
        out = self.net(x) * self.by
        return out if self.through is None else out.to(self.through).to(out.dtype)


@pytest.fixture(scope="module")
def single():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(8, 16), torch.nn.GELU(), torch.nn.LayerNorm(16), torch.nn.Linear(16, 4)
    )


@pytest.fixture(scope="module")
def double(single):
    return copy.deepcopy(single).double()


def verdict(candidate, reference, **options):
    return samestep.compare(
        candidate, reference, (X,), **{"replicas": 8, "variants": False, **options}
    ).verdict


def test_correct_arithmetic_agrees_in_any_pair(single, double):
    assert verdict(single, double) == verdict(double, single) == "agree"
    assert verdict(copy.deepcopy(double), double) == "agree"


def test_another_function_is_found_in_any_pair(single, double):
    assert verdict(Scaled(single, OFF), double) == "disagree"
    assert verdict(Scaled(double, OFF), single) == "disagree"
    assert verdict(Scaled(double, OFF), double) == "disagree"


def test_weaker_arithmetic_is_found_by_a_float64_reference(single, double):
    assert verdict(Scaled(double, through=torch.float32), double) == "weaker"
    assert verdict(Scaled(single, through=torch.bfloat16), double) == "weaker"


def test_values_that_float32_does_not_hold(double):
    wide = copy.deepcopy(double)
    with torch.no_grad():
        for parameter in wide.parameters():
            parameter.mul_(1 + 1e-9)
    narrow = copy.deepcopy(wide).float()
    options = {"replicas": 8, "variants": False, "optimizer": (torch.optim.Adam,) * 2, "steps": 2}
    for sides, name in (((narrow, wide), "reference"), ((wide, narrow), "candidate")):
        result = samestep.compare(*sides, (X,), **options)
        assert result.verdict == "agree", str(result)
        assert f"parameters of the {name} are float64, and compared as float32 holds them" in str(result)
    assert verdict(copy.deepcopy(wide), wide, optimizer=(torch.optim.Adam,) * 2) == "agree"


def test_an_honest_flip_of_a_gate_is_no_fault_beside_a_float64_reference():
    """One value stands nearer to the edge of a relu than float32's rounding can tell."""
    net = torch.nn.Sequential(torch.nn.Linear(64, 1, bias=False), torch.nn.ReLU(), torch.nn.Linear(1, 512))
    flips = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((1, 64)).astype(np.float32)
        w = rng.standard_normal(64)
        w = (w - x[0] * (w @ x[0]) / (x[0] @ x[0])).astype(np.float32)
        with torch.no_grad():
            net[0].weight.copy_(torch.tensor(w[None]))
        wide = copy.deepcopy(net).double()
        given = torch.tensor(x)
        flips += bool((net[0](given) > 0) != (wide[0](given.double()) > 0))
        result = samestep.compare(net, wide, (x,), replicas=8, variants=False)
        assert result.verdict == "agree", str(result)
    assert flips


def test_jax_in_float64(single, double):
    jax = pytest.importorskip("jax")
    from samestep.agreement.arithmetic.jaxpr.binding import wide

    jnp = jax.numpy

    def port(w, x):
        h = jax.nn.gelu(x @ w["0.weight"].T + w["0.bias"], approximate=False)
        h = (h - h.mean(-1, keepdims=True)) / jnp.sqrt(h.var(-1, keepdims=True) + 1e-5)
        return (h * w["2.weight"] + w["2.bias"]) @ w["3.weight"].T + w["3.bias"]

    def model(dtype):
        values = {name: x.detach().numpy().astype(dtype) for name, x in single.named_parameters()}
        return samestep.Model(port, values)

    with wide(True):
        assert verdict(model(np.float32), double) == "agree"
        assert verdict(single, model(np.float64)) == verdict(model(np.float64), double) == "agree"
    half = samestep.compare(model(np.float16), single, (X,), replicas=8, variants=False)
    assert "parameters of the candidate alone are float16: dtypes=('float16',)" in str(half.coverage)
