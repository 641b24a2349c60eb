"""The tasks of every rung under pytest-benchmark, for those who live in pytest.

    pytest tests/bench/bench_rungs.py --benchmark-only -k 'two_layer and train_step'

One process and one rung after another: quick to run, and its comparisons are worth what that is worth.
`samestep bench` isolates and interleaves.
"""

from __future__ import annotations

import os
from functools import cache

import numpy as np
import pytest

from samestep.agreement.examination.candidate import Candidate
from samestep.catalog.catalog import Catalog
from samestep.catalog.selection import Options, select
from samestep.data import load
from samestep.frameworks import Settings
from samestep.measure.timed_tasks import Subject

CATALOG = Catalog()
SETTINGS = Settings(threads=len(os.sched_getaffinity(0)))
RUNGS = [
    (cell.workload, cell.case, rung, task)
    for cell in select(CATALOG, ["two_layer", "manual_backprop"], Options())
    for rung in [CATALOG.implementation(cell.workload, cell.implementation)]
    for task in CATALOG.tasks(rung)
]


@cache
def configured(framework):
    """A framework is configured once in a process."""
    return CATALOG.load_adapter(framework).Adapter(SETTINGS)


@pytest.mark.parametrize(("workload", "case", "rung", "task"), RUNGS, ids=str)
def test_task(benchmark, need, workload, case, rung, task):
    need(rung.framework)
    adapter = configured(rung.framework)
    spec = CATALOG.spec(workload)
    about = spec.cases[case]
    inputs = spec.make_inputs(about, np.random.default_rng(0), about.dataset and load(about.dataset))
    subject = Subject(Candidate(CATALOG.load(rung), adapter, SETTINGS, spec, about, inputs))
    benchmark.group = f"{workload}:{case} {task}"
    benchmark.name = rung.name

    def fresh():
        return (subject.call(task),), {}  # a state of its own, outside the clock

    benchmark.pedantic(lambda call: adapter.wait(call()), setup=fresh, rounds=10, warmup_rounds=1)
