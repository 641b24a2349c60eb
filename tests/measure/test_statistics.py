"""Known truths, simulated: the numbers find them, and the intervals cover them as often as they say."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest

from harness.measure import statistics
from harness.measure.statistics import location, ratio

TRUTH = 1.25
INVOCATIONS, ROUNDS = 6, 8  # the full profile
MOMENTS = list(product(range(INVOCATIONS), range(ROUNDS)))

#: So unlikely a count of misses never comes by chance: these draws are seeded, and there are few of them.
CHANCE = 1e-6


def campaign(seed: int, drift: float, between: float, within: float) -> tuple[dict, dict]:
    """Seconds of a subject and a baseline by (invocation, round): ``drift`` is common to both in a round,
    ``between`` is a process's own, ``within`` a sample's own (standard deviations of logarithms)."""
    rng = np.random.default_rng(seed)
    subject, baseline = {}, {}
    own = rng.normal(0, between, INVOCATIONS)
    for invocation, turn in MOMENTS:
        weather = rng.normal(0, drift)
        one, other = rng.normal(0, within / np.sqrt(2), 2)
        baseline[invocation, turn] = np.exp(weather + one)
        subject[invocation, turn] = TRUTH * np.exp(weather + own[invocation] + other)
    return subject, baseline


def test_a_ratio_without_noise_is_exact():
    # Powers of two, whose quotients and logarithms no rounding tells apart.
    subject, baseline = campaign(0, drift=0, between=0, within=0)
    doubled = {moment: 2 * seconds for moment, seconds in baseline.items()}
    assert ratio(subject, subject).value == 1
    estimate = ratio(doubled, baseline)
    assert estimate.low == estimate.value == estimate.high
    assert estimate.value == np.exp(np.log(2.0))
    assert (estimate.spread, estimate.samples) == (0, len(MOMENTS))


def test_pairing_removes_what_is_common_to_a_round():
    """Machines that drift tenfold, and a subject whose noise is a thousandth: the drift changes no digit
    that the noise does not hide."""
    calm = ratio(*campaign(1, drift=0, between=0.001, within=0.001))
    stormy = ratio(*campaign(1, drift=np.log(10), between=0.001, within=0.001))
    unpaired = location(grouped(campaign(1, drift=np.log(10), between=0.001, within=0.001)[0]))
    assert calm.low < stormy.value < calm.high
    assert unpaired.low < stormy.low < stormy.high < unpaired.high


@pytest.mark.parametrize(("between", "within"), [(0, 0.02), (0.005, 0.02), (0.02, 0.02)])
def test_the_interval_of_a_ratio_covers_the_truth_as_often_as_it_says(monkeypatch, between, within):
    monkeypatch.setattr(statistics, "DRAWS", 400)
    replicates = 150
    misses = 0
    for seed in range(replicates):
        estimate = ratio(*campaign(seed, 0.3, between, within))
        misses += not estimate.low <= TRUTH <= estimate.high
    # Of 95 % intervals one in twenty misses. It may be wider than it says, never so much narrower.
    assert chance_of(misses, replicates, 0.05) > CHANCE


def test_the_interval_of_a_ratio_is_not_so_wide_that_it_says_nothing():
    """A slowdown by the noise of one sample stands out of 48: the interval leaves 1 outside."""
    overlooked = 0
    for seed in range(30):
        subject, baseline = campaign(seed, 0.3, 0.005, 0.02)
        slower = {moment: 1.02 * seconds / TRUTH for moment, seconds in subject.items()}
        overlooked += ratio(slower, baseline).low <= 1
    assert chance_of(overlooked, 30, 0.2) > CHANCE


def test_location_is_the_mean_over_invocations_of_the_median_in_each():
    estimate = location([[1.0, 2.0, 900.0], [4.0, 5.0, 6.0]])  # one wild sample moves no median
    assert estimate.value == (2.0 + 5.0) / 2
    assert estimate.low <= estimate.value <= estimate.high
    assert estimate.samples == 6


def test_the_interval_of_a_location_covers_the_truth_as_often_as_it_says(monkeypatch):
    monkeypatch.setattr(statistics, "DRAWS", 400)
    replicates, misses = 150, 0
    for seed in range(replicates):
        rng = np.random.default_rng(seed)
        samples = TRUTH + rng.normal(0, 0.01, (INVOCATIONS, 1)) + rng.normal(0, 0.01, (INVOCATIONS, ROUNDS))
        estimate = location(list(samples))
        misses += not estimate.low <= TRUTH <= estimate.high
    assert chance_of(misses, replicates, 0.05) > CHANCE


def test_more_invocations_narrow_the_interval_and_more_rounds_do_not_make_up_for_them():
    rng = np.random.default_rng(0)
    processes = rng.normal(1, 0.1, 64)
    few = location([np.full(100, p) for p in processes[:4]])
    many = location([np.full(2, p) for p in processes])
    assert many.high - many.low < few.high - few.low


def test_few_invocations_do_not_look_surer_than_they_are():
    """Resampled as they are, n invocations show (n - 1)/n of their variance; n - 1 of them show it all.

    Of three drawn from 1, 2, 3, 4 the mean is 1 in 1.6 % of the draws and (1 + 1 + 2)/3 in 4.7 %.
    """
    estimate = location([[1.0], [2.0], [3.0], [4.0]])
    assert (estimate.low, estimate.value, estimate.high) == (np.mean([1, 1, 2]), 2.5, np.mean([4, 4, 3]))


def test_the_same_records_give_the_same_interval():
    assert ratio(*campaign(3, 0.3, 0.01, 0.01)) == ratio(*campaign(3, 0.3, 0.01, 0.01))


def test_one_invocation_gives_the_interval_of_its_rounds():
    estimate = location([[1.0, 2.0, 3.0, 4.0]])
    assert estimate.value == 2.5
    assert 1.0 <= estimate.low < 2.5 < estimate.high <= 4.0


def test_one_sample_is_a_point():
    estimate = location([[7.0]])
    assert (estimate.low, estimate.value, estimate.high, estimate.spread) == (7.0, 7.0, 7.0, 0.0)


def test_an_invocation_without_samples_is_left_out():
    assert location([[7.0], []]) == location([[7.0]])


def test_only_rounds_that_both_have_are_compared():
    subject, baseline = {(0, 0): 2.0, (0, 1): 99.0}, {(0, 0): 1.0, (0, 2): 0.01}
    assert ratio(subject, baseline).samples == 1
    assert ratio(subject, baseline) == ratio({(0, 0): 2.0}, {(0, 0): 1.0})


def test_no_samples_and_no_shared_rounds_are_errors():
    with pytest.raises(ValueError, match="no samples"):
        location([])
    with pytest.raises(ValueError, match="no samples"):
        ratio({(0, 0): 1.0}, {(0, 1): 1.0})


def chance_of(count: int, trials: int, each: float) -> float:
    """That ``count`` or more of the trials come out, each with its own small chance."""
    return sum(comb(trials, k) * each**k * (1 - each) ** (trials - k) for k in range(count, trials + 1))


def grouped(samples: dict) -> list[list[float]]:
    return [[samples[i, r] for r in range(ROUNDS)] for i in range(INVOCATIONS)]
