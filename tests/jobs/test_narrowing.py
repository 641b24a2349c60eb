"""`--until` says what the run has so far, and how long it will take."""

from __future__ import annotations

import math
import re

import pytest

import samestep.jobs.bench
from samestep.jobs.bench import bench
from samestep.jobs.narrowing import Narrowing
from samestep.records.plan import Profile
from tests.made.instant import begin


@pytest.mark.parametrize(
    ("widest", "after", "more"),
    [(0.1, 2, 6), (0.05, 4, 0), (0.2, 5, 65), (math.inf, 1, math.inf)],
)
def test_an_interval_shrinks_with_the_root_of_the_invocations(widest, after, more):
    found = Narrowing(0.05, {("a", "train"): 0.01, ("b", "train"): widest})
    assert found.more(after) == more
    assert found.wide == ({"b"} if widest > 0.05 else set())


@pytest.mark.parametrize(
    ("widest", "text"),
    [
        (0.1, "the widest, b train, is 10 %: about 6 more, 60 s, will do"),
        (math.inf, "the widest, b train, is not known: the 28 that are left, 5 min, will hardly do"),
    ],
)
def test_the_sentence_says_what_there_is_and_what_is_left(widest, text):
    found = Narrowing(0.05, {("a", "train"): 0.01, ("b", "train"): widest})
    assert found.sentence(2, 30, 10.0) == f"after 2 invocations 1 of 2 intervals are within 5 %; {text}"


def test_a_run_tells_it_after_each_invocation_that_was_not_enough(tmp_path, unsteady, launcher):
    run, said, left = begin(tmp_path, launcher(0), profile=Profile(2, 1, width=0.1)), [], []
    bench(run, launcher(0), lambda eta: left.append(eta.left_seconds), said.append)
    told = [line for line in said if " intervals are within 10 %" in line]
    counts = [int(re.search(r"after (\d+) invocations", line)[1]) for line in told]
    assert counts == [*range(2, 2 + len(counts))]
    assert counts
    assert len(counts) < samestep.jobs.bench.MOST_INVOCATIONS
