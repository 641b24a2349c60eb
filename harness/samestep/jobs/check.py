"""Examines cells in workers of their frameworks: several side by side, as nothing is timed here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from samestep.agreement.distance import load_outputs, measure_distance
from samestep.agreement.findings import FreeRun
from samestep.agreement.verdict import AGREE, CRASHED, OUT_OF_MEMORY, UNAVAILABLE, WRONG, Verdict
from samestep.catalog.cell import Cell
from samestep.errors import SamestepError
from samestep.measure import clock
from samestep.records.check_results import CellPair, CheckResult, PortResult
from samestep.workers.environment import processor_sets
from samestep.workers.judge import Judge
from samestep.workers.launcher import Launcher
from samestep.workers.pool import WorkerPool
from samestep.workers.process import NoAnswer, RequestFailed, WorkerLost, WorkerProcess

#: Verdicts that the code of another may be the cause of, where it had the process before.
OWN_FAULTS = (*WRONG, CRASHED, OUT_OF_MEMORY)


@dataclass(frozen=True)
class Examination:
    """What came of examining a cell: its result, the end of standard error or a traceback where it failed,
    and the seconds that it took."""

    cell: Cell
    verdict: Verdict
    free_run: FreeRun | None = None
    stderr: str | None = None
    seconds: float = 0.0
    port: PortResult | None = None

    @property
    def result(self) -> CheckResult:
        return CheckResult(self.cell, self.verdict, self.free_run, self.port)


@dataclass(frozen=True)
class Wanted:
    """What is asked for besides verdicts: a file of each cell's first step in the folder ``keep``, and a free
    run of N steps; of the cells of ``verdict_only`` neither."""

    keep: Path | None = None
    free_run_steps: int = 0
    verdict_only: frozenset[Cell] = frozenset()

    def of(self, cell: Cell) -> tuple[Path | None, int]:
        """Return the file and the steps of a cell."""
        if cell in self.verdict_only:
            return None, 0
        return first_step(self.keep, cell) if self.keep else None, self.free_run_steps


def check(
    launcher: Launcher,
    cells: Sequence[Cell],
    on_result: Callable[[Examination], None],
    wanted: Wanted | None = None,
) -> None:
    """Examine every cell; ``on_result`` gets what came of each as it comes, from several threads.

    One worker holds all implementations of a framework at one dtype, device and precision, but each side of
    a port file has one of its own. As many workers
    go on side by side as there are processors for their threads, each before a judge of its own.
    """
    if not cells:
        return
    groups: dict[tuple[str, ...], list[Cell]] = {}
    for cell in cells:
        alone = (cell.key,) if launcher.catalog.is_port(cell.workload) else ()
        groups.setdefault((cell.runtime, cell.dtype, cell.device, cell.matmul, *alone), []).append(cell)
    gpu = threading.Lock()  # one worker at a time holds it
    # The longest first, so that the last one is not waited for alone.
    ordered = sorted(groups.values(), key=len, reverse=True)
    places = processor_sets(max(cell.threads for cell in cells))
    with WorkerPool(places) as pool, ExitStack() as stack:
        judges = {
            place[0]: stack.enter_context(launcher.judge(cells[0], place, pool.add)) for place in places
        }

        def examine(group: list[Cell], bound_to: list[int]) -> None:
            job = _Check(launcher, judges[bound_to[0]], on_result, wanted or Wanted(), frozenset(cells))
            with gpu if group[0].device == "gpu" else nullcontext():
                job.examine_group(pool, group, bound_to)

        pool.each(ordered, examine)


@dataclass(frozen=True)
class _Check:
    launcher: Launcher
    judge: Judge
    on_result: Callable[[Examination], None]
    wanted: Wanted
    cells: frozenset[Cell]

    def examine_group(self, pool: WorkerPool, cells: list[Cell], bound_to: Sequence[int]) -> None:
        """Use one worker for all cells, and a fresh one for those that it must not go on with."""
        missing = self.launcher.missing(cells[0])
        if missing:
            for cell in cells:
                self.on_result(Examination(cell, missing))
            return
        left = cells
        while left:
            left = self._examine_together(pool, left, bound_to)

    def _examine_together(self, pool: WorkerPool, cells: list[Cell], bound_to: Sequence[int]) -> list[Cell]:
        """Examine cells in one worker, and return those that are left to a fresh one.

        What changes the world of its process has it to itself from then on; and what fails in a process that
        others had before says something of itself only where it fails in a fresh one, too.
        """
        with pool.add(self.launcher.start(cells[0], bound_to)) as worker:
            try:
                failure = self._open(worker, cells[0])
            except WorkerLost as lost:
                _raise_if_stopped(pool)
                self.on_result(_failed(cells[0], lost))
                return cells[1:]
            for number, cell in enumerate(cells):
                found, changed = self._examine(pool, worker, cell, failure)
                if number and not failure and found.verdict.verdict in OWN_FAULTS:
                    return cells[number:]
                self.on_result(found)
                if changed:
                    return cells[number + 1 :]
        return []

    def _open(self, worker: WorkerProcess, cell: Cell) -> RequestFailed | None:
        """Return why the framework could not be opened, and None if it could. Raises `WorkerLost`."""
        try:
            self.launcher.open(worker, cell)
        except RequestFailed as failure:
            return failure
        return None

    def _examine(
        self, pool: WorkerPool, worker: WorkerProcess, cell: Cell, failure: RequestFailed | None
    ) -> tuple[Examination, bool]:
        """Return what came of a cell, and whether its worker is of no use for others any more."""
        if failure:
            return _failed(cell, failure), False
        began = clock.now()
        try:
            try:
                only = replace(cell, dtype="float64") not in self.cells
                answer = self.launcher.examine(self.judge, worker, cell, *self.wanted.of(cell), only)
                found = Examination(
                    cell, answer.verdict, answer.free_run, None, clock.now() - began, answer.port
                )
            except RequestFailed as failed:
                found = _failed(cell, failed, clock.now() - began)
            alone = self.launcher.catalog.is_port(cell.workload)
            changes = () if alone else self.launcher.changes(worker)
        except WorkerLost as lost:
            _raise_if_stopped(pool)
            return _failed(cell, lost, clock.now() - began), True
        if not changes:
            return found, False
        notes = (*found.verdict.notes, changed_for_others(changes))
        return replace(found, verdict=replace(found.verdict, notes=notes)), True


def changed_for_others(changes: Sequence[str]) -> str:
    """Return what the result of the implementation that changed these says."""
    several = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
    return (
        f"changed {', '.join(changes[:3])}{several} for all code of its process, in which nothing else was "
        "examined after it"
    )


def _raise_if_stopped(pool: WorkerPool) -> None:
    """A worker that we ended ourselves says nothing of its cell."""
    if pool.stopped:
        raise SamestepError("stopped")


def _failed(cell: Cell, failure: NoAnswer, seconds: float = 0.0) -> Examination:
    return Examination(cell, failure.verdict, stderr=failure.stderr, seconds=seconds)


def first_step(folder: Path, cell: Cell) -> Path:
    """Return the file of what a cell gave at its first step."""
    return folder / f"{cell.key.replace('/', '|')}.npz"


def distances(folder: Path, cells: Sequence[Cell]) -> Iterator[CellPair]:
    """Return how far every two cells of one workload, case, dtype and device are apart, of those that have a
    file in the folder."""
    groups: dict[tuple[str, ...], list[Cell]] = {}
    for cell in cells:
        if first_step(folder, cell).is_file():
            group = (cell.workload, cell.case, cell.dtype, cell.device, cell.matmul)
            groups.setdefault(group, []).append(cell)
    for peers in groups.values():
        values = {cell: load_outputs(first_step(folder, cell)) for cell in peers}
        for first, second in combinations(peers, 2):
            sigmas = {**values[second][1], **values[first][1]}
            found = measure_distance(values[first][0], values[second][0], sigmas)
            if found:
                yield CellPair(first, second, found)


def failed(cell: Cell, verdict: str, required: Sequence[str] = ()) -> bool:
    """Whether the exit code must say so: anything but agreement, and absence where it was asked for."""
    if verdict == UNAVAILABLE:
        return cell.named or cell.framework in required
    return verdict != AGREE
