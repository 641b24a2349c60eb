"""What is added up block by block is what whole arrays give."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.agreement.limits import gamma
from samestep.agreement.reference.scatter import BLOCK, Scatter

RNG = np.random.default_rng(0)
ROWS = BLOCK // 50


def with_infinities(array):
    array[3, 4], array[5, 6], array[7, 8] = np.inf, np.nan, 1e300
    return array


@pytest.mark.parametrize(
    "exact",
    [
        RNG.standard_normal((ROWS, 128)),
        RNG.standard_normal((128, ROWS)).T,
        RNG.standard_normal((2 * ROWS, 128))[::2],
        with_infinities(RNG.standard_normal((ROWS, 128))),
        np.array(2.0),
        np.zeros((0, 3)),
    ],
    ids=["rows", "columns", "gaps", "not finite", "scalar", "empty"],
)
@pytest.mark.parametrize("before", [0.0, 1.0])
def test_errors_add_up(exact, before):
    largest = float(np.finfo(np.float32).max)
    scatter = Scatter(exact, np.full(exact.shape, before) if before else before, largest)
    replicas = [exact + 1e-7 * RNG.standard_normal(exact.shape) for _ in range(3)]
    with np.errstate(all="ignore"):
        held = np.abs(exact) <= largest
        errors = [np.where(np.isfinite(replica - exact), replica - exact, 0.0) for replica in replicas]
        for replica in replicas:
            scatter.add(np.array(replica, order="C"))
    direction = np.where(held, exact, 0.0) - before
    length = np.square(direction).sum()
    squares = sum(np.square(error) for error in errors)
    lost = np.finfo(np.float32).smallest_subnormal * np.max(squares, initial=0.0)
    assert np.all(np.abs(scatter.squares - squares) <= gamma(len(errors) + 1, "float32") * squares + lost)
    assert scatter.count == held.sum()
    rounding = gamma(exact.size + 2, "float64")
    for error, norm, scale in zip(errors, scatter.norms, scatter.scales, strict=True):
        inside = np.where(held, error, 0.0)
        whole = np.sqrt(np.square(inside).sum())
        assert abs(norm - whole) <= rounding * whole
        terms = inside * direction / length if length else 0.0 * inside
        assert abs(scale - terms.sum()) <= rounding * np.abs(terms).sum()


def test_errors_that_outgrow_the_first_ones_are_added_up():
    exact = np.zeros(100)
    scatter = Scatter(exact, 0.0, float(np.finfo(np.float32).max))
    sizes = [1e-30, 2e-30, 1.0, 1e25, 1e30]
    for size in sizes:
        scatter.add(exact + size)
    rounding = gamma(2 * len(sizes), "float32")
    assert np.all(np.abs(scatter.squares / sum(size**2 for size in sizes) - 1) <= rounding)
