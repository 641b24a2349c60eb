"""The three statistics of a tensor relative to its spread, and the mistake that each of them sees."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.agreement.arithmetic.noise import Noise
from samestep.agreement.blocks import BLOCK
from samestep.agreement.examination.tensor_statistics import pooled_scale, tensor_statistics
from samestep.agreement.findings import TensorStatistics
from samestep.agreement.reference.spread import Spread, measure_spreads
from samestep.catalog.catalog import Catalog
from tests.made.planting import case_values, reference_of

CATALOG = Catalog()


@pytest.fixture(scope="module")
def measured():
    """The exact trace of the tutorial's network, and its spreads."""
    reference = reference_of(CATALOG, "two_layer", "float32")
    point = case_values(CATALOG, "two_layer", "tutorial", "float32")
    return reference.exact("trace", point).all, reference.spreads("trace", point, 24)


def test_rounding_alone_is_far_from_every_limit(measured):
    exact, spreads = measured
    for name, spread in spreads.items():
        about = tensor_statistics(exact[name].astype(np.float32), exact[name], spread, None)
        assert about.breach is None, name
        assert about.share < 1


def test_params_that_all_move_by_the_same_step_round_alike():
    """Adam's first step: near 0.1 float32 holds no step of 1e-6, and the nearest one is shorter for all."""
    step, w = 1e-6, np.random.default_rng(0).uniform(0.07, 0.12, 1000).astype(np.float32)

    def run(tape):
        return {"w": Noise.exact(w, tape) - Noise.rounded(step, tape)}

    spread, exact = measure_spreads(run, {"w": w}, "float32", 24)["w"], w.astype(np.float64) - step
    correct = tensor_statistics(w - np.float32(step), exact, spread, w)
    assert correct.breach is None
    assert abs(correct.scale) > spread.scale_limit  # independent roundings would not do that
    assert tensor_statistics(w - np.float32(1.01 * step), exact, spread, w).breach in ("norm", "scale")


@pytest.mark.parametrize(
    ("mistake", "test"),
    [
        (lambda g: g * (1 + 2e-6), "norm"),
        (lambda g: g * (1 + 6e-7), "scale"),
        (lambda g: g + (np.arange(g.size).reshape(g.shape) == 7) * 1e-3 * np.abs(g).max(), "elements"),
    ],
)
def test_each_mistake_is_seen_by_the_test_that_is_made_for_it(measured, mistake, test):
    exact, spreads = measured
    value = exact["grad_w1"]
    assert tensor_statistics(mistake(value), value, spreads["grad_w1"], None).breach == test


def test_nan_is_a_breach_and_what_is_not_finite_in_the_reference_is_left_out(measured):
    exact, spreads = measured
    value, got = exact["h"].copy(), exact["h"].copy()
    value[0, 0], got[0, 0] = np.inf, 3.0
    assert tensor_statistics(got, value, spreads["h"], None).breach is None


def test_a_factor_that_each_step_hides_shows_over_all_of_them():
    def step(scale: float, limit: float) -> TensorStatistics:
        return TensorStatistics(1, 1, 1.0, 0.0, 1.0, 0.0, 1.0, scale, limit, ())

    factor, limit = pooled_scale([step(0.75, 1.0)] * 4)
    assert (factor, limit) == (0.75, 0.5)
    scattered, _ = pooled_scale([step(0.75, 1.0), step(-0.75, 1.0)])
    assert scattered == 0
    hidden, limit = pooled_scale([step(0.75, 1.0), step(0.0, 1 / 1024)])
    assert abs(hidden) < limit < 1 / 1024  # the step that knows better has the word


def test_a_tensor_of_several_blocks_has_the_statistics_of_the_whole():
    """In whole numbers of one sigma, whose sums are exact in any order."""
    rng, unit = np.random.default_rng(0), 2.0**-24
    value = rng.integers(-4, 5, (3 * BLOCK, 2)).astype(np.float64)
    error = rng.choice([-1.0, 1.0], value.shape)
    error[-5, 1], error[-3, 0] = 64, 128
    spread = Spread(np.full(value.shape, unit, np.float32), 1, 24, 0.0, unit, "float32")
    found = tensor_statistics(value + unit * error, value, spread, None)
    assert (found.first, found.index, found.elements) == ((3 * BLOCK - 5, 1), (3 * BLOCK - 3, 0), 128)
    assert found.norm == np.square(error).sum() ** 0.5 / value.size**0.5
    assert found.scale == unit * (error * value).sum() / np.square(value).sum()
