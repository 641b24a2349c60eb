"""One tensor against its limit: what is a breach, where it is placed, and what nobody can hide behind."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.agreement.arithmetic.bound import Bound
from samestep.agreement.examination.tensor_check import Place, check_certificate, check_identical
from samestep.agreement.verdict import Disagreement, Invalid

PLACE = Place(2, "train_step")


def expected(value, bound, dtype="float32") -> Bound:
    return Bound((np.array(value, dtype=float), np.array(bound, dtype=float)), np.dtype(dtype))


def test_within_the_limit_is_a_share_of_it():
    got = np.array([1.0, 2.5], dtype="float32")
    assert check_certificate(PLACE, "loss", got, expected([1, 2], [0, 1])) == 0.5


def test_a_breach_names_step_task_tensor_and_index():
    got = np.array([[1, 2], [3, 8]], dtype="float32")
    with pytest.raises(Disagreement, match=r"train_step, step 2: w1\[1, 1\] is 8, expected 4") as raised:
        check_certificate(PLACE, "w1", got, expected([[1, 2], [3, 4]], np.full((2, 2), 0.5)))
    found = raised.value.divergence
    assert (found.step, found.task, found.tensor, found.index) == (2, "train_step", "w1", (1, 1))
    assert (found.got, found.expected, found.error, found.limit) == (8, 4, 4, 0.5)


def test_beside_a_float64_candidate_the_reference_may_err_as_far():
    got = np.array([1.5])
    assert check_certificate(PLACE, "loss", got, expected([1], [0.25], "float64")) == 1
    with pytest.raises(Disagreement):
        check_certificate(PLACE, "loss", got.astype("float32"), expected([1], [0.25]))


def test_an_error_where_none_is_allowed():
    with pytest.raises(Disagreement):
        check_certificate(PLACE, "loss", np.array([1.5]), expected([1], [0]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_where_the_reference_is_is_invalid(value):
    with pytest.raises(Invalid, match=r"grad_w1\[1\] is (nan|inf|-inf), expected 2"):
        check_certificate(PLACE, "grad_w1", np.array([1, value]), expected([1, 2], [9, 9]))


@pytest.mark.parametrize("limit", [np.nan, np.inf])
def test_a_breach_does_not_hide_behind_an_element_without_a_limit(limit):
    with pytest.raises(Disagreement, match=r"grad_w1\[1\]"):
        check_certificate(PLACE, "grad_w1", np.array([5.0, 3.0]), expected([1, 2], [limit, 0.5]))


@pytest.mark.parametrize("limit", [np.nan, np.inf])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_not_finite_is_invalid_even_where_there_is_no_limit(limit, value):
    with pytest.raises(Invalid, match=r"grad_w1\[0\] is (nan|inf), expected 1"):
        check_certificate(PLACE, "grad_w1", np.array([value, 3.0]), expected([1, 2], [limit, 0.5]))


def test_another_shape_is_invalid():
    with pytest.raises(Invalid, match=r"loss has shape \(1,\), expected \(\)"):
        check_certificate(PLACE, "loss", np.ones(1), expected(1, 9))
    with pytest.raises(Invalid, match=r"w1 has shape \(2,\), expected \(1, 2\)"):
        check_identical(PLACE, "w1", np.ones(2), np.ones((1, 2)), "test")


def test_nothing_is_compared_in_an_empty_array():
    assert check_certificate(PLACE, "w1", np.ones((0, 3)), expected(np.ones((0, 3)), np.ones((0, 3)))) == 0


def test_identical_means_the_same_values():
    one = np.array([0.0, np.nan, 1.0])
    check_identical(PLACE, "w1", np.array([-0.0, np.nan, 1.0]), one, "test")
    with pytest.raises(Disagreement, match=r"w1\[2\] is 1, expected 1 .*adopt and export"):
        check_identical(PLACE, "w1", np.array([0, np.nan, np.nextafter(1, 2)]), one, "adopt and export")
    with pytest.raises(Disagreement, match=r"w1\[1\]"):
        check_identical(PLACE, "w1", np.array([0.0, 0.0, 1.0]), one, "test")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_same_value_that_is_not_finite_agrees(value):
    assert check_certificate(PLACE, "scores", np.array([value, 3.0]), expected([value, 3], [0, 1])) == 0


@pytest.mark.parametrize(
    ("value", "got"), [(-np.inf, -1e9), (-np.inf, np.inf), (np.nan, 0.0), (np.inf, np.nan)]
)
def test_another_value_where_the_reference_is_not_finite_is_named(value, got):
    with pytest.raises(Disagreement, match=r"scores\[1\] is .*, expected .* \(not finite\)"):
        check_certificate(PLACE, "scores", np.array([3.0, got]), expected([3, value], [1, 0]))


def test_what_float32_cannot_hold_is_infinite_in_it():
    huge = np.array([1e39, -1e300])
    assert check_certificate(PLACE, "grad_w1", huge.astype("float32"), expected(huge, [1, 1])) == 0
    with pytest.raises(Invalid, match=r"grad_w1\[0\] is inf, expected 1e\+39"):
        check_certificate(PLACE, "grad_w1", np.array([np.inf, 0.0]), expected(huge, [1, 1], "float64"))
