"""The start of an invocation: workers import side by side, and then compute one after another.

The import of each framework is timed once in a run, by itself. In later invocations the order is drawn anew,
as the worker that started first was measured to be 0.5 % slower ever after. They do not compute side by side:
the threads of two pools would spin for the same processors, which was measured to take OpenBLAS 40 times as
long.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from samestep.agreement.verdict import INVALID, Verdict
from samestep.catalog.cell import Cell
from samestep.jobs.state import Import, Known, import_of
from samestep.measure import clock
from samestep.records.schema import FrameworkFacts, Start
from samestep.workers.environment import processor_sets
from samestep.workers.launcher import Launcher
from samestep.workers.pool import WorkerPool
from samestep.workers.process import NoAnswer, WorkerProcess
from samestep.workers.protocol import Prepare, Prepared

#: Processors that may be busy beyond those that were asked for, as a part of them.
MARGIN = 1 / 4


@dataclass(frozen=True)
class Started:
    """A worker that has started, or why it could not; ``seconds`` is what that took."""

    cell: Cell
    worker: WorkerProcess
    seconds: float
    facts: FrameworkFacts | None = None
    prepared: Prepared | None = None
    failure: NoAnswer | None = None

    @property
    def loops(self) -> Mapping[str, int]:
        """How many calls make a sample, by task."""
        return self.prepared.loops if self.prepared else {}

    def record(self, group: int, invocation: int) -> Start:
        """Return the record of a worker that could be prepared."""
        assert self.facts is not None
        assert self.prepared is not None
        one = self.prepared
        return Start(
            self.cell.key, group=group, invocation=invocation, time=clock.wall_time(), framework=self.facts,
            build_seconds=one.build_seconds, first_calls=one.first_calls, transfers=one.transfers,
            loops=one.loops, steps=one.steps, latency=one.latency, parts=one.parts,
        )  # fmt: skip


def start_workers(
    launcher: Launcher, pool: WorkerPool, cells: Sequence[Cell], seed: str, invocation: int, known: Known
) -> Iterator[Started]:
    """Start a worker for each cell and prepare it; each is returned once it is ready, or has failed."""
    began, cells = clock.now(), list(cells)
    opening = _Opening(launcher, pool, dict(known.imports))
    if invocation == 0:
        opening.alone(cells)
    else:
        random.Random(f"{seed}/start").shuffle(cells)
    pool.each([cell for cell in cells if cell not in opening.opened], opening.open)
    shared = (clock.now() - began) / len(cells)
    for cell in cells:
        began, opened = clock.now(), opening.opened[cell]
        if opened.facts and invocation == 0:
            seconds = opening.imports.get(import_of(cell), opened.facts.import_seconds)
            opened = replace(opened, facts=replace(opened.facts, import_seconds=seconds))
        if opened.facts:
            opened = _prepared(launcher, opened, known.loops.get(cell.key) if invocation else None)
        yield replace(opened, seconds=shared + clock.now() - began)


def with_equal_loops(loops: Mapping[Cell, Mapping[str, int]]) -> dict[Cell, Mapping[str, int]]:
    """Return the loops of each cell, those of releases of one implementation made equal.

    What a sample costs beside its calls, and how often it is interrupted, depends on how many they are. On a
    busy machine the count of one process is off at times, for all invocations, and equal code was measured to
    differ by a factor of 9. Too few calls are what goes wrong, so the largest number counts.
    """
    most: dict[tuple[str, str, str, str], int] = {}
    for cell, mine in loops.items():
        for task, many in mine.items():
            key = cell.of_case, cell.implementation, cell.device, task
            most[key] = max(many, most.get(key, many))
    return {
        cell: {task: most[cell.of_case, cell.implementation, cell.device, task] for task in mine}
        if cell.release
        else mine
        for cell, mine in loops.items()
    }


@dataclass
class _Opening:
    """Workers that import their frameworks; ``imports`` are the seconds of those that did so alone."""

    launcher: Launcher
    pool: WorkerPool
    imports: dict[Import, float]
    opened: dict[Cell, Started] = field(default_factory=dict)

    def alone(self, cells: Sequence[Cell]) -> None:
        """Have one cell of each framework and device import alone, where that was not timed yet."""
        for cell in {import_of(cell): cell for cell in reversed(cells)}.values():
            if import_of(cell) not in self.imports:
                self.open(cell, processor_sets(cell.threads)[0])
                facts = self.opened[cell].facts
                if facts and facts.import_seconds is not None:
                    self.imports[import_of(cell)] = facts.import_seconds

    def open(self, cell: Cell, place: Sequence[int]) -> None:
        """Start a worker and have it import its framework."""
        worker = self.pool.add(self.launcher.start(cell, place))
        try:
            facts = self.launcher.open(worker, cell).facts
        except NoAnswer as failure:
            self.opened[cell] = Started(cell, worker, 0.0, failure=failure)
            return
        other = _other_settings(cell, facts)
        if other:
            refused = NoAnswer(Verdict(INVALID, other), None)
            self.opened[cell] = Started(cell, worker, 0.0, failure=refused)
        else:
            self.opened[cell] = Started(cell, worker, 0.0, facts)


def _prepared(launcher: Launcher, opened: Started, loops: Mapping[str, int] | None) -> Started:
    try:
        request = Prepare(launcher.subject_to_time(opened.cell), loops)
        return replace(opened, prepared=opened.worker.ask(request, launcher.patience))
    except NoAnswer as failure:
        return replace(opened, failure=failure)


def _other_settings(cell: Cell, facts: FrameworkFacts) -> str | None:
    """Return what the framework reports of itself that is not what was asked for; what it does not report is
    None."""
    for name, asked, found in (
        ("threads", cell.threads, facts.threads), ("matmul", cell.matmul, facts.matmul),
    ):  # fmt: skip
        if found is not None and found != asked:
            return f"{cell.framework} computes with {name} = {found}, asked for {asked}"
    return None


def too_many_processors(cell: Cell, processors: float) -> str | None:
    """Return how many processors a framework keeps busy, where these are more than it was asked to use."""
    if processors <= cell.threads * (1 + MARGIN):
        return None
    return f"{cell.framework} keeps {processors:.1f} processors busy, asked for {cell.threads}"
