"""Where a curve bends: when calls are steady, when a start-up cost has paid, where two devices cross."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.analysis.curves import WINDOW, Crossing, calls_until_break_even, calls_until_steady, crossing
from samestep.analysis.statistics import Mean

STEADY = 1e-3


def calls(levels: list[float], scatter: float = 0.01, seed: int = 0) -> list[float]:
    """Seconds of calls at these multiples of the steady time, each with noise of its own."""
    noise = np.random.default_rng(seed).normal(0, scatter, len(levels))
    return list(STEADY * np.array(levels) * np.exp(noise))


@pytest.mark.parametrize("scatter", [0.0, 0.01, 0.2])
@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([1.0] * 50, 0),
        ([100.0] + [1.0] * 49, 1),
        ([100.0, 40.0] + [1.0] * 48, 2),
        ([5.0] * 12 + [1.0] * 38, 12),
        ([50.0] + [4.0] * 19 + [1.0] * 30, 20),
    ],
    ids=["at once", "first", "two", "a step", "two steps"],
)
def test_the_calls_before_the_times_are_steady_are_counted(levels, expected, scatter):
    assert calls_until_steady(calls(levels, scatter)) == expected


def test_what_falls_slowly_is_steady_within_a_tenth():
    falling = [1 + 4 * 0.7**n for n in range(60)]
    assert calls_until_steady(calls(falling, scatter=0.0)) == sum(level > 1.1 for level in falling)


@pytest.mark.parametrize("where", [[0], [7], [3, 30], [9, 10], [48, 49]])
def test_a_slow_call_among_steady_ones_is_the_machines(where):
    levels = [1.0] * 50
    for call in where:
        levels[call] = 30.0
    expected = 1 if where == [0] else 0  # the very first one is always the process's own
    assert calls_until_steady(calls(levels)) == expected


@pytest.mark.parametrize(
    "levels",
    [
        [3.0] * 30 + [1.0] * 20,
        [1.0] * 40 + [3.0] * 10,
        [1.0] * (2 * WINDOW - 1),
        [],
    ],
    ids=["too late", "slower at the end", "too few", "none"],
)
def test_where_the_calls_never_become_steady_there_is_no_count(levels):
    assert calls_until_steady(calls(levels)) is None


def test_a_tenth_is_steady_however_small_the_scatter():
    assert calls_until_steady(calls([1.09] * 10 + [1.0] * 40, scatter=0.0)) == 0
    assert calls_until_steady(calls([1.11] * 10 + [1.0] * 40, scatter=0.0)) == 10


@pytest.mark.parametrize(
    ("high", "high_step", "low", "low_step", "expected"),
    [
        (10.0, 1.0, 2.0, 3.0, 4.0),
        (10.0, 1.0, 10.0, 3.0, 0.0),
        (1.0, 1.0, 2.0, 1.0, 0.0),
        (10.0, 3.0, 2.0, 3.0, None),
        (10.0, 4.0, 2.0, 3.0, None),
        (1.0, 4.0, 2.0, 3.0, None),  # ahead at first, and then behind for good
    ],
)
def test_a_start_up_cost_has_paid_where_the_lines_of_total_time_cross(
    high, high_step, low, low_step, expected
):
    found = calls_until_break_even(high, high_step, low, low_step)
    assert found == expected
    if found:
        assert high + found * high_step == low + found * low_step


SIZES = [2.0**n for n in range(4, 12)]


def curve(truth: float, slope: float = -0.5, deviation: float = 0.0, seed: int = 0) -> list[Mean]:
    """Log ratios that fall through 0 at the size ``truth``, known to within ``deviation``."""
    noise = np.random.default_rng(seed).normal(0, 1, len(SIZES)) * deviation
    values = slope * (np.log(SIZES) - np.log(truth)) + noise
    return [Mean(float(value), deviation**2, 10.0) for value in values]


@pytest.mark.parametrize("truth", [20.0, 64.0, 700.0, 2000.0])
def test_two_curves_cross_where_they_do(truth):
    found = crossing(SIZES, curve(truth))
    assert {f"{size:.9g}" for size in (found.value, found.low, found.high)} == {f"{truth:.9g}"}


def test_the_order_of_the_sizes_does_not_matter():
    means = curve(100.0, deviation=0.1)
    assert crossing(SIZES[::-1], means[::-1]) == crossing(SIZES, means)


def test_the_interval_of_a_crossing_covers_the_truth_as_often_as_it_says():
    replicates, misses, wide = 100, 0, 0
    for seed in range(replicates):
        found = crossing(SIZES, curve(100.0, deviation=0.05, seed=seed))
        misses += not found.low <= 100.0 <= found.high
        wide += found.high > 2 * found.low
    assert misses <= 15  # of 100 at 5 %: a chance of 4 in 100 000 for more
    assert wide <= replicates / 20


@pytest.mark.parametrize(
    ("truth", "slope", "expected"),
    [(1.0, -0.5, 0.0), (1e6, -0.5, np.inf), (100.0, 0.5, np.inf)],
    ids=["always ahead", "never ahead", "ahead at first only"],
)
def test_what_does_not_cross_for_good_is_open(truth, slope, expected):
    assert crossing(SIZES, curve(truth, slope)) == Crossing(expected, expected, expected)


@pytest.mark.parametrize(("truth", "side"), [(SIZES[0], "low"), (SIZES[-1], "high")])
def test_at_the_end_of_what_was_measured_the_interval_is_open(truth, side):
    found = crossing(SIZES, curve(truth, deviation=0.1))
    assert getattr(found, side) == {"low": 0.0, "high": np.inf}[side]
    assert SIZES[0] / 2 < {"low": found.high, "high": found.low}[side] < 2 * SIZES[-1]


def test_the_last_of_several_crossings_counts():
    values = [-1.0, 1.0, -1.0, 2.0, -2.0, -3.0, -3.0, -3.0]
    found = crossing(SIZES, [Mean(value, 0.0, 10.0) for value in values])
    assert SIZES[3] < found.value < SIZES[4]
