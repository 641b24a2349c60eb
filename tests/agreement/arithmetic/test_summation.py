"""The variance of sums, against float32 sums: terms in random order, and terms that come block by block."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.agreement.arithmetic.repeated_terms import repetition
from samestep.agreement.arithmetic.summation import sum_variance, wandering
from samestep.agreement.limits import rounding_deviation, unit_roundoff

SUMS, BLOCKS, TERMS = 64, 8, 512


def terms(blocks):
    """Terms of sums that cancel as a whole; with ``blocks`` those of one image have a sign in common."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((SUMS, BLOCKS, TERMS))
    if blocks:
        rows = 0.1 * rows + rng.standard_normal((SUMS, BLOCKS, 1))
    rows = rows.reshape(SUMS, -1)
    return (rows - rows.mean(-1, keepdims=True)).astype(np.float32)


def norms(rows):
    """The norm of the errors of sums from left to right, over sigma: in random order, and in this one."""
    errors = rows.cumsum(-1, dtype=np.float32)[:, -1] - rows.sum(-1, dtype=np.float64)
    exact = rows.astype(np.float64)
    variance = sum_variance(exact.sum(-1), np.square(exact).sum(-1), rows.shape[-1])
    sigma = rounding_deviation(unit_roundoff(np.float32)) * np.sqrt(variance)
    random_order = float(np.sqrt(np.mean(np.square(errors / sigma))))
    return random_order, random_order / wandering(exact, variance) ** 0.5


def test_sums_in_random_order_err_by_sigma():
    random_order, in_order = norms(terms(blocks=False))
    assert 0.5 < random_order < 1.5
    assert 0.9 * random_order < in_order <= random_order


def test_sums_block_by_block_err_by_far_more_than_in_random_order():
    random_order, in_order = norms(terms(blocks=True))
    assert random_order > 3
    assert 0.5 < in_order < 1.5


def test_short_sums_have_no_room_for_blocks():
    rows = terms(blocks=True)[:, :32].astype(np.float64)
    assert wandering(rows, np.ones(SUMS)) == 1.0


@pytest.mark.parametrize("share", [0, 1 / 3, 1])
def test_equal_terms_err_alike(share):
    rng = np.random.default_rng(1)
    constant, others = rng.random((SUMS, 1)), rng.random((SUMS, BLOCKS * TERMS))
    rows = np.where(rng.random(others.shape) < share, constant, others).astype(np.float32)
    rows[0] = 0  # adds nothing, and rounds nothing
    repeated = repetition(rows)
    assert repeated[0] == 1
    independent = norms(rows[1:])[0]
    assert 0.25 < independent / repeated[1:].mean() ** 0.5 < 1
    assert independent > 5 or not share


def test_a_term_is_repeated_as_often_as_it_occurs():
    row = np.array([1.0] * 60 + [2.0] * 3 + [0.0] * 8)
    assert repetition(row) == (60 * 60 + 3 * 3 + 8) / 71
    assert repetition(row[:32]) == 1.0
