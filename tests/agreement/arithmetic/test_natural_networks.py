"""Networks in natural NumPy run unchanged on every array type, and real NumPy is within their limits."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.agreement.arithmetic.low_precision import Arithmetic, product_with, to_bfloat16
from samestep.agreement.limits import COMPLEX_UNITS
from tests.made.natural_networks import drawn
from tests.made.on_array_types import OnArrayTypes

pytest.importorskip("scipy")
NETWORKS = {name: OnArrayTypes(call, arrays) for name, (call, arrays) in drawn().items()}
networks = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)


@networks
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_real_numpy_errs_within_the_bound_and_the_noise(network, dtype):
    if dtype == "float64" and network is NETWORKS["LayerNorm + GELU"]:
        pytest.skip("SciPy's erf has no form that is more exact than float64")
    shares = network.errors(dtype)
    assert "loss" in shares
    for name, (of_bound, of_noise) in shares.items():
        assert of_bound <= 1, name
        assert of_noise < 1, name


@networks
def test_all_that_is_computed_has_a_finite_bound_and_noise(network):
    bounds, spreads = network.bounds("float32"), network.spreads("float32")
    for name, bound in bounds.items():
        assert np.isfinite(bound.bound).all(), name
        assert (bound.bound[bound.value != 0] > 0).any(), name
        assert (spreads[name].sigma[bound.value != 0] > 0).all(), name


@networks
def test_gradients_by_hand_are_the_complex_step_s_slopes(network):
    found, rng = network.bounds("float64"), np.random.default_rng(2)
    for name in network.arrays:
        if f"grad_{name}" in found:
            grad, direction = found[f"grad_{name}"], rng.choice([-1.0, 1.0], network.arrays[name].shape)
            slope = network.slopes(name, direction)["loss"]
            limit = COMPLEX_UNITS * (grad.bound.sum() + found["loss"].bound)
            assert abs(slope - (grad.value * direction).sum()) <= limit, name
            wrong = grad.value * (1 + 2.0**-20)
            assert abs(slope - (wrong * direction).sum()) > limit, name


@networks
def test_products_in_bfloat16_are_seen(network):
    arithmetic = Arithmetic(product_with(to_bfloat16))
    coarse, exact = network.low_precision(arithmetic), network.plain("float64")
    spreads = network.spreads("float32")
    assert arithmetic.products > 0
    far = np.abs(coarse["loss"].parts[0] - exact["loss"]) / spreads["loss"].sigma
    assert far > spreads["loss"].limit
