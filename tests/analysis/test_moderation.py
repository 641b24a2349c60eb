"""What ratios lend each other: the priors find what was planted, and few ratios are left to themselves."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.analysis.moderation import FEWEST, OwnVariance, Prior, of_run, of_table, rounds_share
from samestep.analysis.statistics import contrasts_of_means, means, own_variances


def owns(variances: np.ndarray, freedom: int) -> list[OwnVariance]:
    return [OwnVariance(float(variance), freedom) for variance in variances]


@pytest.mark.parametrize(("d0", "freedom"), [(4.0, 5), (10.0, 5), (4.0, 1)])
def test_the_prior_of_many_variances_is_found_as_by_limma(d0, freedom):
    """Smyth's model: 1 / variance is chi^2 with d0 degrees of freedom over d0 s0^2."""
    rng, s0 = np.random.default_rng(0), 0.01**2
    true = d0 * s0 / rng.chisquare(d0, 2000)
    found = of_table(owns(true * rng.chisquare(freedom, 2000) / freedom, freedom))
    assert 0.9 < found.between / s0 < 1.1
    assert 0.7 < found.freedom / d0 < 1.4
    assert found.slope == 0


def test_variances_that_are_all_alike_lend_more_where_more_is_known_of_them():
    rng = np.random.default_rng(0)
    lent = [of_table(owns(rng.chisquare(f, 12) / f, f)).freedom for f in (1, 5, 50)]
    assert 2 < lent[0] < lent[1] < lent[2]


def test_nothing_is_lent_among_two():
    assert of_table(owns(np.array([1.0, 2.0]), 5)) == Prior(0.0, 0.0, 0.0, 10 / 1.25)


@pytest.mark.parametrize(("tau", "beta"), [(0.02, 1.0), (0.0, 0.5), (0.03, 0.0)])
def test_the_prior_of_a_run_finds_what_processes_and_what_rounds_add(tau, beta):
    rng, freedom = np.random.default_rng(1), 2
    rounds = 0.01**2 * rng.lognormal(0, 1.5, 3000)
    true = tau**2 + beta * rounds
    drawn = true * rng.chisquare(freedom, rounds.size) / freedom
    table = [OwnVariance(v, freedom, w) for v, w in zip(drawn, rounds, strict=True)]
    found = of_run([table])
    assert found is not None
    expected = found.between + found.slope * rounds
    assert 0.85 < np.median(expected / true) < 1.15
    assert np.quantile(expected / true, 0.05) > 0.7
    assert np.quantile(expected / true, 0.95) < 1.4


def table_of(count: int, processes: int, rounds: int, scatter: float = 0.01) -> dict[int, list[list[float]]]:
    rng = np.random.default_rng(count)
    return {i: rng.normal(0, scatter, (processes, rounds)).tolist() for i in range(count)}


@pytest.mark.parametrize(
    ("count", "processes", "rounds", "known"),
    [(FEWEST, 3, 8, True), (FEWEST - 1, 3, 8, False), (FEWEST, 1, 8, False), (FEWEST, 3, 2, False)],
)
def test_too_few_ratios_processes_or_rounds_leave_each_table_to_itself(count, processes, rounds, known):
    family = table_of(count, processes, rounds)
    found = of_run([own_variances(family)])
    assert (found is not None) == known
    if not known:
        assert means(family, found) == means(family)


def test_a_table_with_too_few_rounds_is_left_to_itself_in_a_run_that_has_many():
    prior = of_run([own_variances(table_of(40, 3, 8))])
    assert prior is not None
    short = table_of(5, 3, 2)
    assert means(short, prior) == means(short)
    long = table_of(5, 3, 8)
    assert means(long, prior) != means(long)


def test_ratios_that_do_not_scatter_lend_nothing_and_break_nothing():
    still = {i: [[0.5] * 4] * 3 for i in range(40)}
    assert of_run([own_variances(still)]) is None
    moving = table_of(39, 3, 1) | {39: [[0.0], [0.1], [0.2]]}
    whole = {key: [one * 4 for one in groups] for key, groups in moving.items()}  # no scatter within
    found = of_run([own_variances(whole)])
    assert found is not None
    assert found.slope == 0 < found.between


def test_what_rounds_say_of_a_median_sees_both_heaps():
    rng, n = np.random.default_rng(0), 8
    one, two = lambda: rng.normal(0, 1, n), lambda: rng.normal(0, 0.1, n) + rng.integers(0, 2, n)
    for draw in (one, two):
        medians = np.var([np.median(draw()) for _ in range(2000)])
        said = np.mean([rounds_share([draw()]) for _ in range(2000)])
        assert 0.5 < said / medians < 1.6


def test_one_wild_round_or_process_says_nothing_of_a_median():
    calm = [0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07]
    wild = [*calm[:-1], 9.0]
    assert rounds_share([np.array(wild)]) == rounds_share([np.array(calm)])
    far = np.array(calm) * 1000
    assert rounds_share([np.array(calm), np.array(calm), far]) == rounds_share([np.array(calm)])


def test_a_ratio_of_restless_rounds_is_not_called_by_the_calm_of_others():
    """Two processes that agree by chance, of rounds that scatter ten times as much as those of its table."""
    rng = np.random.default_rng(0)
    calm = {i: rng.normal(0, 0.01, (2, 8)).tolist() for i in range(60)}
    others = {i: rng.normal(0, 0.1, (2, 8)).tolist() for i in range(20)}
    table = {**calm, "restless": [np.linspace(0.1, 0.3, 8).tolist()] * 2}
    prior = of_run([own_variances(table), own_variances(others)])
    assert contrasts_of_means(means(table, prior))["restless"].word == "unclear"
    assert contrasts_of_means(means(table))["restless"].word == "slower"  # as its table's one number has it


def test_ratios_keep_their_own_variance_where_many_processes_know_it():
    rng = np.random.default_rng(0)
    scatters = 0.01 * rng.lognormal(0, 1, 40)
    family = {
        i: rng.normal(0, one, (20, 1)) + rng.normal(0, 0.001, (20, 8)) for i, one in enumerate(scatters)
    }
    logs = {key: one.tolist() for key, one in family.items()}
    prior = of_run([own_variances(logs)])
    alone = {key: means({key: groups})[key].variance for key, groups in logs.items()}
    ratios = [means(logs, prior)[key].variance / alone[key] for key in logs]
    assert 0.8 < np.median(ratios) < 1.25
