"""What a worker says of a sample is held against what the kernel has counted for its parent."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from samestep.measure import clock
from samestep.measure.account import SHARE, SPIN, Cost, Spent, descendants, doubt, doubt_between, spent_by
from tests.made.rungs import wait_until

COST = Cost(wall=0.001, processors=0.0005)

#: A sample that says that it lasted 20 ms, as the parent sees an honest one: with the cost of the request.
HONEST = Spent(wall=0.0211, processors=0.0205, main=0.0205, waited=0.0)


def seen(**other: float) -> Spent:
    return Spent(**{**vars(HONEST), **other})


@pytest.mark.parametrize(
    ("spent", "threads"),
    [
        (HONEST, 1),
        (seen(wall=5.0, waited=4.98), 1),  # a busy machine: it waited for a processor all the time
        (seen(processors=0.0001, main=0.0001), 1),  # a device computed, or it slept
        (seen(processors=0.0405, main=0.0005), 2),  # two threads of a pool, while the main one waits
        (seen(processors=0.0205 + SHARE * 0.02 / 2), 1),
        (seen(wall=0.0249, processors=0.024, main=0.024), 1),  # memory given back, threads woken late
    ],
)
def test_an_honest_sample_is_not_doubted_on_a_busy_machine_either(spent, threads):
    assert doubt(0.02, spent, COST, threads) is None


@pytest.mark.parametrize(
    ("spent", "threads", "words"),
    [
        (seen(wall=0.0199), 1, "its clock says 20 ms, and the parent waited 19.9 ms"),
        (seen(wall=0.062, processors=0.0605, main=0.0605), 1, "its main thread worked 60.5 ms in a sample"),
        (seen(wall=0.062, processors=0.0605, main=0.0605), 8, "its main thread worked 60.5 ms in a sample"),
        (seen(processors=0.06), 1, "it took 60 ms of processors for a sample"),  # more threads, or a child
        (seen(processors=0.09), 2, "which on 2 can be 40 ms"),
        (seen(wall=0.061, processors=0.0, main=0.0), 1, "the parent waited 60 ms for a sample"),
    ],
)
def test_a_clock_that_goes_otherwise_is_seen(spent, threads, words):
    assert words in str(doubt(0.02, spent, COST, threads))


def test_a_short_sample_is_not_doubted_for_what_would_not_be_noticed_in_a_usual_one():
    brief, spent = 0.002, Spent(wall=0.003, processors=0.0027, main=0.0027, waited=0.0)
    assert doubt(brief, spent, COST, 1) is None


@pytest.mark.parametrize(("worked", "seen"), [(0.0, False), (SPIN, False), (0.02, True)])
def test_a_worker_rests_between_its_turns(worked, seen):
    found = doubt_between(0.02, Spent(9.0, worked, 0.0, 0.0), threads=1)
    assert (found is not None) is seen
    assert found is None or "it took 20 ms of processors between its turns" in found


def test_a_request_costs_what_the_dearest_one_did_without_the_wait_for_a_processor():
    asked = [Spent(3.0, 1.0, 1.0, 2.0), Spent(2.0, 0.5, 0.5, 0.0)]
    assert Cost.of(asked) == Cost(wall=2.0, processors=1.0)


SPINNING = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
sys.stdin.read()
child.kill()
"""


def test_the_kernel_counts_a_process_and_its_children_for_the_parent():
    process = subprocess.Popen([sys.executable, "-c", SPINNING], stdin=subprocess.PIPE)
    try:
        assert wait_until(lambda: len(list(descendants(process.pid))) == 1)
        before = spent_by(process.pid)
        assert wait_until(lambda: (spent_by(process.pid) - before).processors > 0.05)
        assert (spent_by(process.pid) - before).main < 0.05  # the child worked
        assert (spent_by(process.pid) - before).wall > 0
    finally:
        process.communicate()
    gone = spent_by(process.pid)
    assert (gone.processors, gone.main) == (0.0, 0.0)


def test_what_is_counted_of_this_process_is_what_it_counts_itself():
    before, counted = (
        clock.processor_time(),
        spent_by(os.getpid()),
    )  # of this process, and of children that ended
    first = clock.processor_time()
    while (worked := clock.processor_time() - first) < 0.05:
        pass
    found = spent_by(os.getpid()) - counted
    assert worked <= found.processors <= clock.processor_time() - before
