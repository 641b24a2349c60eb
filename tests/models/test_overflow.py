"""What overflows float32 on both sides is no difference; what overflows on one side is."""

from __future__ import annotations

import numpy as np
import pytest

import samestep
from samestep.agreement.reference.spread import SpreadMeter

jnp = pytest.importorskip("jax.numpy")

PARAMS = {"w": np.array([[1.0, 0.5], [0.25, 1.0]], np.float32)}
X = np.array([[60.0, 90.0], [1.0, 2.0], [40.0, -95.0]], np.float32)


def naive(params, x):
    """log(1 + exp): infinite where exp overflows float32, though the result would not."""
    return jnp.log(1 + jnp.exp(x @ params["w"]))


def stable(params, x):
    return jnp.logaddexp(x @ params["w"], 0.0)


def verdict(candidate, reference):
    sides = [samestep.Model(side, PARAMS, framework="jax") for side in (candidate, reference)]
    return samestep.compare(*sides, X, variants=False)


def test_both_overflow():
    result = verdict(naive, naive)
    assert result.verdict == "agree"
    assert "output: 1 of 6 elements overflow on both sides; left out" in result.coverage.notes


def test_the_candidate_alone_overflows():
    result = verdict(naive, stable)
    assert result.verdict == "disagree"
    assert result.first.tensor == "output"
    assert result.first.got == np.inf


def test_only_the_reference_overflows():
    assert verdict(stable, naive).verdict == "agree"


def test_what_overflows_does_not_widen_the_limits_of_what_does_not():
    exact = {"y": np.array([1.0, 2.0, 2.0**200])}
    meter = SpreadMeter(exact, {}, {}, "float32")
    for sign in (1, -1):
        meter.add({"y": exact["y"] * (1 + sign * 2.0**-24)})
    spread = meter.spreads()["y"]
    assert spread.sigma[0] == 2.0**-24
    assert spread.sigma[2] == 2.0**176
    assert np.isfinite([spread.norm_varies, spread.scale_varies]).all()
