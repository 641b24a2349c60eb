"""The comparison of exact runs: limits, literals, and what is not finite."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.agreement.arithmetic.program import intended_number, shortest_decimal
from samestep.models.function_check import compare_exact

NAN, INF = float("nan"), float("inf")


def share(got, expected, limit=0.5, backward=False):
    got, expected = np.array(got), np.array(expected)
    return compare_exact(got, expected, np.full(got.shape, limit), backward).share


def test_the_worst_element_is_found():
    found = compare_exact(np.array([1.0, 3.0]), np.array([1.1, 2.0]), np.full(2, 0.5), False)
    assert found.index == (1,)
    assert found.share == 2.0
    assert not found.same


def test_a_difference_without_any_limit_is_a_difference():
    assert share([1.0], [1.0], limit=0.0) == 0
    assert share([1.0 + 2.0**-50], [1.0], limit=0.0) == INF


@pytest.mark.parametrize(
    ("got", "expected", "forward", "backward"),
    [
        (NAN, NAN, 0, 0), (INF, INF, 0, 0), (-INF, INF, INF, 0), (NAN, INF, INF, 0),
        (0.0, NAN, INF, INF), (INF, 1.0, INF, INF), (1.0, -INF, INF, INF),
    ],
)  # fmt: skip
def test_what_is_not_finite_must_be_so_on_both_sides(got, expected, forward, backward):
    assert share([got], [expected]) == forward
    assert share([got], [expected], backward=True) == backward


def test_integers_must_be_equal_and_shapes_too():
    assert share([1, 2], [1, 2], limit=0.0) == 0
    assert share([1, 3], [1, 2], limit=0.0) == INF
    assert compare_exact(np.ones(2), np.ones(3), np.ones(3), False).share == INF


@pytest.mark.parametrize("number", [0.1, 1e-5, 0.999, 1e-12, 123456.0, 0.044715])
def test_decimals_are_read_back_from_float32(number):
    held = float(np.float32(number))
    assert shortest_decimal(held) == number
    assert intended_number(held) == number
    assert intended_number(-held) == -number


@pytest.mark.parametrize(
    "number", [8**-0.5, 2**0.5, 768**-0.5, 1 / 3, 1 / 784, np.pi, (2 / np.pi) ** 0.5, 1 / np.log(2)]
)
def test_closed_forms_are_read_back_from_float32(number):
    found = intended_number(float(np.float32(number)))
    assert found is not None
    assert abs(found - number) <= np.spacing(number)
    assert intended_number(float(number), "float64") == found


def test_few_other_numbers_are_taken_for_one():
    """Of the 2.8 10^7 numbers that float32 has in a decade, 9 10^5 are decimals of six digits: 1 in 31."""
    held = np.random.default_rng(0).uniform(0.01, 1, 4000).astype(np.float32)
    taken = sum(intended_number(float(number)) is not None for number in held)
    assert taken < 2 * 4000 / 31
    assert intended_number(NAN) is None
    assert intended_number(0.0) is None
