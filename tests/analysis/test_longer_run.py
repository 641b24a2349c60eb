"""How long a run must be to detect 5 %: held against runs of that length, and against what they know."""

from __future__ import annotations

import math

import pytest

from samestep.analysis.longer_run import ASKED, MOST, invocations, longer_run, seconds_of_an_invocation
from samestep.analysis.statistics import Mean, contrasts_of_means
from samestep.records.schema import Finished, Start
from tests.made.records import key, records, records_of


def mean(processes: int, scatter: float) -> Mean:
    """A mean of logarithms over processes that scatter as much."""
    return Mean(0.0, scatter**2 / processes, processes - 1, 8 * processes, processes)


@pytest.mark.parametrize("scatter", [0.01, 0.03, 0.1])
def test_a_run_of_as_many_invocations_detects_it_and_one_fewer_does_not(scatter):
    needed = int(invocations(mean(4, scatter), 0.0, alpha=0.01))
    seen = [contrasts_of_means({"": mean(many, scatter)})[""].detectable for many in (needed, needed - 1)]
    assert seen[0] <= ASKED
    assert seen[1] > ASKED or needed == 4


def test_noise_asks_for_more_and_too_much_of_it_for_nothing():
    needed = [invocations(mean(4, scatter), 0.0, 0.01) for scatter in (1 / 1000, 0.02, 0.05, 9.0)]
    assert needed == sorted(needed)
    assert (needed[0], needed[-1]) == (4, math.inf)
    assert invocations(mean(4, 0.02), math.log(1.04), 0.01) > needed[1]


def test_a_run_that_detects_it_need_not_be_longer_and_one_process_knows_nothing():
    assert longer_run([(mean(4, 1 / 1000), 0.0)], [1.0]) is None
    assert longer_run([(mean(1, 0.0), 0.0)], [1.0]) is None
    assert longer_run([], [1.0]) is None
    found = longer_run([(mean(4, 0.03), 0.0), (mean(4, 9.0), 0.0), (mean(4, 1 / 1000), 0.0)], [2.0, 3.0])
    assert found is not None
    assert (found.now, found.all, found.seconds) == (4, None, 5.0)
    assert found.half is not None
    assert 4 < found.half < MOST


def test_an_invocation_takes_as_long_as_from_its_first_start_to_its_end():
    one = Start(key("a"), group=0, invocation=0, time=10.0, framework=records_of(records())[1].framework)
    ends = [Finished(0, 0, 12.0), Finished(0, 1, 16.0)]
    assert seconds_of_an_invocation([one, *ends]) == 3.0
    assert seconds_of_an_invocation([one]) is None
