"""The tasks of the implementations under pytest-benchmark, for those who use it for everything else.

    pytest tests/bench/bench_rungs.py --benchmark-only -k 'two_layer and train_step'

One process, and one implementation after another: that is quick, but machine drift looks like a difference.
`samestep bench` isolates and interleaves.
"""

from __future__ import annotations

import os

import pytest

from samestep.api import open_cell
from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Options
from samestep.catalog.selection import select
from samestep.measure.timed_tasks import TimedCandidate, TimedTasks

CATALOG = Catalog()
THREADS = len(os.sched_getaffinity(0))
RUNGS = [
    (cell.workload, cell.case, rung, task)
    for cell in select(CATALOG, ["two_layer", "manual_backprop"], Options())
    for rung in [CATALOG.implementation(cell.workload, cell.implementation)]
    for task in CATALOG.tasks(rung)
]


@pytest.mark.parametrize(("workload", "case", "rung", "task"), RUNGS, ids=str)
def test_task(benchmark, need, workload, case, rung, task):
    need(rung.framework)
    candidate = open_cell(f"{workload}:{case}/{rung.name}", threads=THREADS, kind=TimedCandidate)
    tasks = TimedTasks(candidate)
    benchmark.group = f"{workload}:{case} {task}"
    benchmark.name = rung.name

    def fresh():
        return (tasks.call(task),), {}  # a state of its own, outside the clock

    benchmark.pedantic(lambda call: tasks.wait(call()), setup=fresh, rounds=10, warmup_rounds=1)
