"""Known truths, simulated: the numbers find them, and the intervals cover them as often as they say."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest
from scipy import stats

from samestep.analysis import statistics
from samestep.analysis.statistics import (
    LEVEL,
    TIE,
    Mean,
    contrasts,
    contrasts_of_means,
    difference,
    location,
    means,
    paired,
)

pytestmark = pytest.mark.slow

TRUTH = 1.25
INVOCATIONS, ROUNDS = 6, 8
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
        shared = rng.normal(0, drift)
        one, other = rng.normal(0, within / np.sqrt(2), 2)
        baseline[invocation, turn] = np.exp(shared + one)
        subject[invocation, turn] = TRUTH * np.exp(shared + own[invocation] + other)
    return subject, baseline


def ratio(subject: dict, baseline: dict) -> statistics.Contrast:
    """Of a family of one."""
    return contrasts({"only": paired(subject, baseline)})["only"]


def family(rng: np.random.Generator, noises: np.ndarray, invocations: int) -> dict[int, np.ndarray]:
    """Log ratios of equally fast members to a baseline (the first noise) whose processes they all share: one
    round an invocation, ``noises`` of a process (standard deviations of logarithms)."""
    processes = rng.normal(0, noises[:, None], (noises.size, invocations))
    return {i: (own - processes[0])[:, None] for i, own in enumerate(processes[1:])}


def test_a_ratio_without_noise_is_exact():
    # Powers of two, whose quotients and logarithms no rounding tells apart.
    subject, baseline = campaign(0, drift=0, between=0, within=0)
    doubled = {moment: 2 * seconds for moment, seconds in baseline.items()}
    assert ratio(subject, subject).value == 1
    found = ratio(doubled, baseline)
    assert found.low == found.value == found.high == np.exp(np.log(2.0))
    assert (found.word, found.detectable, found.samples) == ("slower", 1, len(MOMENTS))
    assert ratio(baseline, doubled).word == "faster"
    assert ratio(subject, subject).word == "tie"


def test_pairing_removes_what_is_common_to_a_round():
    """Machines that drift tenfold, and a subject whose noise is a thousandth: the drift changes no digit
    that the noise does not hide."""
    stable = ratio(*campaign(1, drift=0, between=0.001, within=0.001))
    drifting = ratio(*campaign(1, drift=np.log(10), between=0.001, within=0.001))
    unpaired = location(grouped(campaign(1, drift=np.log(10), between=0.001, within=0.001)[0]))
    assert stable.low < drifting.value < stable.high
    assert unpaired.low < drifting.low < drifting.high < unpaired.high


@pytest.mark.parametrize(("between", "within"), [(0, 0.02), (0.005, 0.02), (0.02, 0.02)])
def test_the_interval_of_a_ratio_covers_the_truth_as_often_as_it_says(between, within):
    replicates, misses = 150, 0
    for seed in range(replicates):
        found = ratio(*campaign(seed, 0.3, between, within))
        misses += not found.low <= TRUTH <= found.high
    # Of 95 % intervals one in twenty misses: not more often, and not never.
    assert chance_of(misses, replicates, 0.05) > CHANCE
    assert misses


@pytest.mark.parametrize("invocations", [2, 6])
@pytest.mark.parametrize("noises", [(0.01, 0.01), (0.005, 0.02)], ids=["all alike", "0.5-2 %"])
@pytest.mark.parametrize(("members", "replicates"), [(3, 800), (12, 300)])
def test_of_equally_fast_members_hardly_ever_one_is_called_different(
    members, replicates, noises, invocations
):
    """One run in a hundred may; and 95 % of the intervals hold 1."""
    rng = np.random.default_rng(0)
    wrong = misses = 0
    for _ in range(replicates):
        found = list(contrasts(family(rng, rng.uniform(*noises, members + 1), invocations)).values())
        wrong += any(one.word in ("faster", "slower") for one in found)
        misses += not found[0].low <= 1 <= found[0].high  # the others share its baseline
    assert chance_of(wrong, replicates, LEVEL) > CHANCE
    assert chance_of(misses, replicates, 0.05) > CHANCE
    assert misses


def test_a_slowdown_by_3_percent_is_called_with_six_processes():
    overlooked, replicates = 0, 60
    for seed in range(replicates):
        rng = np.random.default_rng(seed)
        log = rng.normal(0, 0.01, (12, INVOCATIONS, 1)) + rng.normal(0, 0.01, (12, INVOCATIONS, ROUNDS))
        log[0] += np.log(1.03)
        overlooked += contrasts(dict(enumerate(log)))[0].word != "slower"
    assert overlooked <= replicates / 5


def test_few_processes_know_their_scatter_from_their_neighbours():
    """Two processes, 1 % apart, of something that takes 30 % longer: alone it is anybody's guess."""
    rng, called, alone = np.random.default_rng(0), 0, 0
    for _ in range(50):
        log = family(rng, np.full(13, 0.01), 2)
        log[0] = log[0] + np.log(1.3)
        called += contrasts(log)[0].word == "slower"
        alone += contrasts({0: log[0]})[0].word == "slower"
    assert called >= 45
    assert alone <= 25


def test_with_two_members_each_is_judged_by_students_t():
    values = {"a": [[0.1], [0.2], [0.4]], "b": [[1.0], [1.5], [1.1]]}
    for key, mean in means(values).items():
        flat = np.ravel(values[key])
        low, high = stats.t.interval(0.95, 2, flat.mean(), stats.sem(flat))
        assert digits([mean.value - mean.half(0.05), mean.value + mean.half(0.05)]) == digits([low, high])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("floor", [0.0, 0.05])
def test_what_is_called_different_is_what_holms_procedure_rejects(seed, floor):
    rng = np.random.default_rng(seed)
    drawn = rng.normal(0, 0.15, 9), 0.02**2 * rng.uniform(0.5, 4, 9), rng.uniform(2, 20, 9)
    family = {i: Mean(*(float(v) for v in mean)) for i, mean in enumerate(zip(*drawn, strict=True))}
    chances = {
        i: 2 * stats.t.sf((abs(m.value) - floor) / m.variance**0.5, m.freedom) for i, m in family.items()
    }
    rejected = set()
    for rank, i in enumerate(sorted(chances, key=lambda i: chances[i])):
        if chances[i] > LEVEL / (len(family) - rank):
            break
        rejected.add(i)
    found = contrasts_of_means(family, floor)
    assert {i for i, one in found.items() if one.word in ("faster", "slower")} == rejected
    assert list(found) == list(family)
    assert 0 < len(rejected) < len(family)
    assert all((found[i].word == "slower") == (family[i].value > 0) for i in rejected)


def test_the_first_that_stays_unclear_stops_the_steps():
    """Both would pass at the last step's level, and only by themselves: neither is called."""
    quantile = stats.t.ppf(1 - LEVEL / 3, 10)  # between the levels of one and of two
    pair = {name: Mean(quantile * 0.01, 0.01**2, 10) for name in ("a", "b")}
    assert {one.word for one in contrasts_of_means(pair).values()} == {"unclear"}
    assert contrasts_of_means({"a": pair["a"]})["a"].word == "slower"
    # One that is far away uses up one step: the other two are contrasts_of_means as a pair, and still stay.
    three = contrasts_of_means({**pair, "far": Mean(1.0, 0.01**2, 10)})
    assert [three[name].word for name in ("a", "b", "far")] == ["unclear", "unclear", "slower"]


CALM, RESTLESS = 0.001**2, 0.02**2


@pytest.mark.parametrize(
    ("value", "variance", "floor", "word"),
    [
        (0.0, CALM, 0.0, "tie"),
        (TIE / 2, CALM / 4, 0.0, "slower"),  # surely there, however small
        (TIE / 4, CALM / 4, TIE / 2, "tie"),  # the same code was further apart
        (TIE / 2, CALM / 4, TIE, "unclear"),  # so far that both together may be more than 2 %
        (-0.1, CALM, 0.0, "faster"),
        (-0.1, CALM, 0.2, "unclear"),
        (0.1, CALM, 0.2, "unclear"),
        (-0.3, CALM, 0.2, "faster"),
        (TIE, CALM, TIE, "unclear"),  # half of it is beyond 2 %
        (0.0, RESTLESS, 0.0, "unclear"),
        (0.1, RESTLESS, 0.0, "slower"),
        (0.05, 0.0, 0.0, "slower"),
        (0.05, 0.0, 0.05, "unclear"),
    ],
)
def test_a_word_says_what_surely_holds(value, variance, floor, word):
    (found,) = contrasts_of_means({"only": Mean(value, variance, 30)}, floor).values()
    assert found.word == word
    assert found.sure[0] <= found.low <= found.value <= found.high <= found.sure[1]


@pytest.mark.parametrize(("seen", "word"), [(0.05, "slower"), (0.03, "unclear"), (-0.05, "faster")])
def test_what_was_seen_to_be_smaller_than_the_least_is_called_no_difference(seen, word):
    (found,) = contrasts_of_means({"only": Mean(seen, CALM, 30)}, floor=0.02, least=0.04).values()
    assert found.word == word


@pytest.mark.parametrize("seed", range(5))
def test_a_tenth_of_the_processes_is_left_out_at_each_end(seed):
    logs = np.random.default_rng(seed).standard_t(2, 20)
    (found,) = means({"only": [[one] for one in logs]}).values()
    yuen = stats.ttest_ind(logs, np.zeros(20), equal_var=False, trim=0.1)  # beside a sample without scatter
    assert f"{found.value / found.variance**0.5:.9g}" == f"{yuen.statistic:.9g}"
    assert found.freedom == 16 - 1


def test_what_is_detectable_is_called_four_times_in_five():
    rng, variance, freedom, trials = np.random.default_rng(0), 0.01**2, 6, 400
    (known,) = contrasts_of_means({"only": Mean(0.0, variance, freedom)}).values()
    called = 0
    for _ in range(trials):
        drawn = Mean(np.log(known.detectable) + rng.normal(0, 0.01), variance * rng.chisquare(6) / 6, freedom)
        called += contrasts_of_means({"only": drawn})["only"].word == "slower"
    assert 0.7 < called / trials < 0.9


def test_of_one_process_nothing_is_known():
    family = {name: [[value] * 5] for name, value in (("a", 0.0), ("b", 1.0), ("c", -1.0), ("d", 3.0))}
    for found in contrasts(family).values():
        assert (found.low, found.high, found.sure) == (0, np.inf, (0, np.inf))
        assert (found.word, found.detectable) == ("unclear", np.inf)


def test_an_interval_that_knows_next_to_nothing_ends_at_infinity_without_a_warning(recwarn):
    (found,) = contrasts_of_means({"only": Mean(0.0, 1e6, 1)}).values()
    assert (found.low, found.high, found.word) == (0.0, float("inf"), "unclear")
    assert not recwarn


def test_one_process_among_neighbours_that_have_several_borrows_their_scatter():
    rng = np.random.default_rng(0)
    log = family(rng, np.full(13, 0.01), 6)
    log[0] = log[0][:1]
    found = contrasts(log)
    assert 0 < found[0].low < 1 < found[0].high < np.inf
    assert found[0].high / found[0].low > found[1].high / found[1].low


def test_members_that_do_not_scatter_lend_nothing_and_break_nothing():
    still = contrasts({i: [[0.5], [0.5], [0.5]] for i in range(4)})
    assert {(one.low == one.high, one.word) for one in still.values()} == {(True, "slower")}
    (one, *_) = contrasts({0: [[0.0], [0.0]], 1: [[0.0], [0.1]], 2: [[0.0], [-0.1]]}).values()
    assert 0 < one.low < 1 < one.high < np.inf  # its neighbours know better than its luck


@pytest.mark.parametrize("seed", range(4))
def test_a_difference_is_welchs(seed):
    rng = np.random.default_rng(seed)
    one, other = rng.normal(0, 1, 4), rng.normal(1, 3, 7)
    found = difference(*(means({"only": [[v] for v in values]})["only"] for values in (one, other)))
    welch = stats.ttest_ind(one, other, equal_var=False)
    interval = welch.confidence_interval(0.95)
    half = found.half(0.05)
    assert digits([found.value - half, found.value + half, found.freedom]) == digits([*interval, welch.df])
    assert found.samples == 11


def test_a_difference_of_what_never_scattered_or_ran_once():
    once, still = Mean(1.0, 0.0, 0.0, 1), Mean(3.0, 0.0, 4.0, 5)
    assert difference(once, still) == Mean(-2.0, 0.0, 0.0, 6)
    assert difference(still, still) == Mean(0.0, 0.0, 8.0, 10)


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


def test_one_sample_in_twenty_is_below_and_one_above():
    estimate = location([[float(n) for n in range(60)], [float(n) for n in range(60, 101)]])
    assert (estimate.p05, estimate.p95) == (5.0, 95.0)


def test_one_sample_is_a_point():
    estimate = location([[7.0]])
    assert (estimate.low, estimate.value, estimate.high, estimate.spread) == (7.0, 7.0, 7.0, 0.0)
    assert (estimate.p05, estimate.p95) == (7.0, 7.0)


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


def digits(values: object) -> list[str]:
    """To ten digits: two ways to compute the same."""
    return [f"{value:.10g}" for value in np.ravel(values)]


def grouped(samples: dict) -> list[list[float]]:
    return [[samples[i, r] for r in range(ROUNDS)] for i in range(INVOCATIONS)]


@pytest.mark.parametrize("n", [1, 2, 3, 4, 8, 25])
def test_a_median_of_drawn_samples_is_as_often_at_each_as_if_they_were_drawn(n):
    group = np.random.default_rng(n).permutation(n).astype(float)
    rng = np.random.default_rng(0)
    quick = statistics._medians(group, (40_000,), rng)
    drawn = np.median(group[rng.integers(0, n, (40_000, n))], axis=-1)
    assert stats.ks_2samp(quick, drawn).pvalue > 0.01
