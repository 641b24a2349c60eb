"""What running sums and bins lose one way is known, step by step, and what is wrong is far beyond it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from samestep.agreement.arithmetic.noise import Noise, NoiseTape
from samestep.agreement.arithmetic.ordered_sums import bin_loss, running_loss
from samestep.agreement.limits import elementwise_limit, unit_roundoff

REPLICAS, N = 24, 100_000
U = unit_roundoff(np.float32)
RNG = np.random.default_rng(1)
TERMS = {
    "heavy tails": np.exp(3 * RNG.standard_normal(N)),
    "equal": np.full(N, 0.1),
    "below half an ulp": np.r_[1e4, 3e-4 * RNG.random(N - 1)],
    "both signs": RNG.standard_normal(N),
}
EACH = [pytest.param(terms.astype(np.float32), id=name) for name, terms in TERMS.items()]


def sigma(made: Callable[..., Noise], *arrays: np.ndarray) -> np.ndarray:
    """The deviation of replicas from the exact result of ``made``."""
    tape = NoiseTape(np.float32)
    exact = made(*(Noise.exact(array, tape) for array in arrays)).value
    squares = np.zeros(exact.shape)
    for seed in range(REPLICAS):
        tape.replay(seed)
        squares += np.square(made(*(Noise.exact(array, tape) for array in arrays)).value - exact)
    return np.sqrt(squares / REPLICAS)


def binned(terms, places=0):
    table = np.zeros_like(terms[:5])
    np.add.at(table, places, terms)
    return table


@pytest.mark.parametrize("terms", EACH)
def test_running_sums_lose_what_is_derived(terms):
    lost = terms.cumsum() - terms.cumsum(dtype=np.float64)
    derived = running_loss(terms.astype(np.float64), 0, U)
    assert derived is not None
    width = sigma(np.cumsum, terms.astype(np.float64))
    assert np.abs(lost - derived.cumsum()).max() < 2 * np.sqrt(N) * np.spacing(np.abs(terms.cumsum()).max())
    assert (np.abs(lost) <= elementwise_limit(REPLICAS) / 10 * width).all()
    assert (np.abs(lost - terms[0]) > elementwise_limit(REPLICAS) * width)[1:].any()  # sums without the first


@pytest.mark.parametrize("terms", EACH)
def test_bins_lose_what_is_derived(terms):
    places = np.random.default_rng(2).integers(0, 2, N)
    wide = terms.astype(np.float64)
    width = sigma(lambda x: binned(x, places), wide)
    lost = np.abs(binned(terms, places) - binned(wide, places))
    assert (lost <= elementwise_limit(REPLICAS) / 5 * width).all()
    once = np.zeros(5, np.float32)
    once[places] += terms  # each place once, whatever was added there before
    assert (np.abs(once - binned(wide, places)) > elementwise_limit(REPLICAS) * width)[:2].any()


def test_along_an_axis_each_row_has_its_own():
    rows = np.stack([TERMS["heavy tails"], TERMS["equal"]])
    along = running_loss(rows.T, 0, U)
    assert along is not None
    assert np.array_equal(along.T, running_loss(rows, 1, U))
    assert np.array_equal(along[:, 1], running_loss(rows[1], 0, U))


def test_a_bin_starts_from_what_it_holds():
    start, terms = np.array([1e4, 0.0, 0.0]), 3e-4 * np.ones(N)
    loss = bin_loss(start, 0, terms, U)
    assert loss is not None
    assert loss.round(2).tolist() == [-30, 0, 0]  # every term is below half an ulp of 1e4
    rows = bin_loss(np.tile(start, (2, 1)), (0,), np.ones((N, 1)) * terms[0] * [1, 0, 0], U)
    assert rows is not None
    assert rows.round(2).tolist() == [[-30, 0, 0], [0, 0, 0]]


def test_few_terms_lose_nothing_and_infinite_ones_spoil_no_neighbour():
    assert running_loss(np.ones(63), 0, U) is None
    assert bin_loss(np.zeros(2), np.array([0, 1]), np.ones(2), U) is None
    terms, places = np.r_[np.inf, TERMS["equal"]], np.r_[0, np.ones(N, int)]
    loss = bin_loss(np.zeros(2), np.r_[0, 0, places], np.r_[np.inf, -np.inf, terms], U)
    alone = bin_loss(np.zeros(2), places[1:], terms[1:], U)
    assert loss is not None
    assert alone is not None
    assert loss[1] == alone[1]
    assert np.isfinite(loss).all()
