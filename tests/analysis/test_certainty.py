"""What a run can tell follows from its intervals, and what it has of what was asked for from its samples."""

from __future__ import annotations

import math

import numpy as np
import pytest

from samestep.analysis import statistics
from samestep.analysis.certainty import certainty
from samestep.analysis.completeness import Completeness, completeness
from samestep.analysis.fastest import ranking
from samestep.analysis.statistics import TWICE, Contrast, Mean, contrasts, contrasts_of_means, location, means
from samestep.analysis.summary import CellSummary, summarize
from tests.made.records import INVOCATIONS, about, key, plan_of, records, records_of, slower


@pytest.fixture(autouse=True)
def _fewer_draws(monkeypatch):
    """The intervals of single times are not asked for here, and they take long."""
    monkeypatch.setattr(statistics, "DRAWS", 20)


def found(kept: list[dict]) -> list[CellSummary]:
    return summarize(plan_of(about()), records_of(kept))


def has(kept: list[dict], **profile: object) -> Completeness:
    document = about()
    return completeness(
        plan_of({**document, "profile": {**document["profile"], **profile}}), records_of(kept)
    )


# -- what is known ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("floor", [0.0, 0.3, 1.0])
def test_a_ratio_that_may_be_half_or_twice_as_large_is_not_known(floor):
    """Whatever its value: at the very width, and to either side of it; the A/A difference widens it."""
    for value in (0.0, 3.0, -7.0):
        for width in (0.5, 0.999, 1.001, 3.0):
            half = width * TWICE - floor
            if half <= 0:
                continue
            mean = Mean(value, (half / float(statistics._t(9.0, 0.975))) ** 2, 9.0)
            (one,) = contrasts_of_means({"one": mean}, floor).values()
            assert one.known == (width < 1)
            if one.known:
                assert not (one.low * math.exp(-floor) <= one.value / 2 and one.high >= 2 * one.value)


def test_where_the_control_is_off_by_twice_nothing_is_known():
    (one,) = contrasts_of_means({"one": Mean(1.0, 0.0, 9.0)}, TWICE).values()
    assert not one.known


@pytest.mark.parametrize(("scatter", "known"), [(0.01, True), (3.0, False)])
def test_a_single_process_is_known_by_its_rounds(scatter, known):
    draw = np.random.default_rng(0)
    (one,) = contrasts({"one": [list(draw.normal(1.0, scatter, 8))]}).values()
    assert (one.known, one.processes, one.low) == (known, 1, 0.0)


@pytest.mark.parametrize("rounds", [4, 8, 30])
def test_the_interval_of_a_median_holds_it_as_often_as_it_says(rounds):
    draw = np.random.default_rng(rounds)
    inside = 0
    for _ in range(400):
        (mean,) = means({"one": [list(draw.standard_cauchy(rounds))]}).values()
        inside += mean.rounds[0] <= 0 <= mean.rounds[1]
    least = 0.95 if rounds > 5 else 1 - 2 / 2**rounds  # four values have no wider interval than all of them
    assert inside / 400 > least - 3 * math.sqrt(0.05 / 400)


def test_a_time_that_may_be_half_or_twice_as_long_is_not_known():
    draw = np.random.default_rng(1)
    calm, wild = (location(list(np.exp(draw.normal(0, s, (4, 8))))) for s in (0.05, 3.0))
    assert calm.known
    assert not wild.known


def test_the_smallest_slowdown_beyond_twice_is_none():
    (near,) = contrasts_of_means({"one": Mean(0.0, 0.01**2, 9.0)}).values()
    (far,) = contrasts_of_means({"one": Mean(0.0, 0.5**2, 9.0)}).values()
    assert 1 < near.detectable < 2
    assert far.detectable == math.inf


def test_an_unknown_ratio_may_be_decided_and_a_known_one_undecided():
    def one(value: float, deviation: float) -> Contrast:
        return contrasts_of_means({"one": Mean(value, deviation**2, 9.0)})["one"]

    assert (one(9.0, 0.5).word, one(9.0, 0.5).known) == ("slower", False)
    assert (one(0.05, 0.05).word, one(0.05, 0.05).known) == ("unclear", True)


# -- what a comparison tells -----------------------------------------------------------------------------


def test_a_comparison_is_counted_by_its_own_processes_and_rounds():
    kept = [r for r in records(slower("jax_scan", 2.0), seed=1) if "keras_fit" not in r["cell"]]
    told = certainty(found(kept), "train")
    assert (told.compared, told.known, told.tells) == (2, 2, True)
    assert told.decided >= 1
    assert (told.processes, told.rounds) == ((INVOCATIONS, INVOCATIONS), (8, 8))
    one = certainty(found(records(invocations=1)), "train")
    assert (one.processes, one.decided, one.known) == ((1, 1), 0, 3)


def test_without_anything_to_compare_there_is_nothing_that_cannot_be_told():
    kept = [r for r in records() if "numpy_manual" in r["cell"]]
    assert certainty(found(kept), "train").tells


@pytest.mark.parametrize("seed", range(3))
def test_of_pure_noise_no_fastest_is_decided_and_no_ratio_known(seed):
    cells = found(records(seed=seed, scatter=3.0, invocations=2))
    assert not certainty(cells, "train").tells
    order = ranking(cells, "train")
    assert order is not None
    assert not order.decided
    assert order.sentence(lambda one: one.cell.implementation) == "this run cannot tell which is the fastest"


def test_what_was_timed_alone_is_not_called_the_fastest():
    order = ranking(found([r for r in records() if "numpy_manual" in r["cell"]]), "train")
    assert order is not None
    assert order.sentence(lambda one: one.cell.implementation) == "only numpy_manual was timed"


# -- what a run has --------------------------------------------------------------------------------------


def test_a_run_with_all_its_processes_is_finished():
    whole = has(records())
    assert (whole.finished, whole.timed, whole.cells) == (True, 4, 4)
    assert has(records(invocations=9)).finished  # more than asked for, as with a width


def test_a_run_is_unfinished_where_a_round_is_missing():
    cut = records()[:-1]  # of the A/A copy
    assert not has(cut).finished
    assert [(cell.key, many) for cell, many in has(cut).short.items()] == [
        (key("numpy_manual", copy=True), INVOCATIONS - 1)
    ]


def test_a_cell_without_a_verdict_was_not_examined_and_one_without_a_sample_not_timed():
    kept = [r for r in records() if "keras_fit" not in r["cell"]]
    kept = [r for r in kept if "jax_scan" not in r["cell"] or r["kind"] == "verdict"]
    left = has(kept)
    assert [cell.implementation for cell in left.unexamined] == ["keras_fit"]
    assert [cell.implementation for cell in left.untimed] == ["jax_scan"]
    assert (left.finished, left.timed) == (False, 2)


def test_a_cell_that_failed_leaves_nothing_to_be_done():
    kept = [r for r in records() if "keras_fit" not in r["cell"]]
    kept.append({"kind": "verdict", "cell": key("keras_fit"), "verdict": "crashed", "reason": "signal 11"})
    left = has(kept)
    assert {verdict: [c.implementation for c in cells] for verdict, cells in left.failed.items()} == {
        "crashed": ["keras_fit"]
    }
    assert (left.finished, left.timed) == (True, 3)


def test_an_invocation_that_was_cut_before_its_last_examination_is_not_whole():
    over = [{"kind": "finished", "arena": 0, "invocation": number} for number in range(INVOCATIONS)]
    assert has([*records(), *over]).finished
    assert set(has([*records(), *over[:-1]]).short.values()) == {INVOCATIONS - 1}


@pytest.mark.parametrize(("reason", "budget"), [("budget", 60.0), ("width", None)])
def test_only_a_budget_ends_a_run_early(reason, budget):
    kept = [*records(invocations=1), {"kind": "stopped", "reason": reason, "invocations": 1}]
    assert has(kept, budget=60.0).budget == budget
