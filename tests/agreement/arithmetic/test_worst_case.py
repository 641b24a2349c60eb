"""What the formulas of the worst case do at their edges."""

from __future__ import annotations

import numpy as np

from samestep.agreement.arithmetic.enclosed_functions import bounded
from samestep.agreement.arithmetic.worst_case import (
    Enclosed,
    added,
    compared,
    divided,
    either,
    monotone,
    power,
    selected,
)

ONE = np.ones(1)


def near(value: float, bound: float, terms: int = 1) -> Enclosed:
    return Enclosed(value * ONE, bound * ONE, terms)


def test_an_undecided_selection_has_the_bounds_of_both_sides():
    gate = compared(np.array([True]), near(1.0, 0.5), near(1.2, 0.0))
    assert gate.bound == 1
    assert selected(ONE, gate, near(1.0, 0.25), near(1.0, 0.75)).bound == 0.75
    assert selected(ONE, gate, near(1.0, 0.25), near(3.0, 0.5)).bound == 2.5
    assert selected(-np.inf * ONE, gate, near(-np.inf, 0.0), near(-np.inf, 0.0)).bound == 0


def test_a_logical_operation_is_undecided_where_an_operand_is():
    gate = Enclosed(np.array([True, False]), np.array([1.0, 0.0]))
    assert either(~gate.value, gate).bound.tolist() == [1.0, 0.0]


def test_whether_one_of_two_is_the_larger_is_decided_where_they_are():
    x, y = near(2.0, 0.25), near(1.0, 0.25)
    largest = bounded("maximum", 2 * ONE, np.maximum, x, y)
    assert compared(np.array([True]), x, largest).bound == 0
    assert compared(np.array([True]), near(2.0, 0.25), largest).bound == 1


def test_a_divisor_that_may_be_zero_has_no_bound():
    assert np.isinf(divided(ONE, near(1.0, 0.0), near(1.0, 1.0)).bound)
    assert np.isfinite(divided(ONE, near(1.0, 0.0), near(1.0, 0.5)).bound)


def test_a_function_outside_of_its_domain_has_no_bound():
    assert np.isinf(monotone(np.log, near(1.0, 2.0)))
    assert np.isinf(power(ONE, near(1.0, 2.0), -0.5).bound)
    assert np.isfinite(power(ONE, near(1.0, 2.0), 2.0).bound)


def test_adding_zero_rounds_nothing_and_terms_count():
    assert added(ONE, near(1.0, 0.0), near(0.0, 0.0)).bound == 0
    few, many = (added(2 * ONE, near(1.0, 0.0, terms), near(1.0, 0.0)) for terms in (1, 99))
    assert many.bound > 49 * few.bound > 0
    assert many.terms == 100


def test_what_is_infinite_for_sure_stays_so():
    mask = near(-np.inf, 0.0)
    score = added(-np.inf * ONE, mask, near(3.0, 0.5))
    assert score.bound == 0
    assert bounded("exp", 0 * ONE, np.exp, score).bound == 0
