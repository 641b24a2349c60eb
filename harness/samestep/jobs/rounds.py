"""One comparison group in one invocation: workers alive side by side, one turn at a time, in shuffled rounds.

A round goes through the tasks, and within each task every worker of the group takes one turn, in an order
drawn anew each time (its seed is the run's), so that the samples that are compared were taken within a second
of each other.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from samestep import paths
from samestep.agreement.verdict import AGREE, INVALID, Verdict
from samestep.catalog.cell import Cell
from samestep.jobs.eta import unit
from samestep.jobs.looks import Looks
from samestep.jobs.progress import Progress, Silent
from samestep.jobs.replaced_clocks import replaced_clocks
from samestep.jobs.retakes import Retakes
from samestep.jobs.sampling import Asked, Sampling, refused
from samestep.jobs.starting import start_workers, too_many_processors, with_equal_loops
from samestep.jobs.state import Known, Turn
from samestep.jobs.turn_records import TurnRecords
from samestep.measure import clock
from samestep.ports.catalogs import catalog_of
from samestep.records.plan import Plan, PlannedCell
from samestep.records.schema import Finished, Record, Start
from samestep.spec import Task
from samestep.workers.environment import processor_sets
from samestep.workers.judge import Judge
from samestep.workers.launcher import Launcher
from samestep.workers.pool import WorkerPool
from samestep.workers.process import NoAnswer, WorkerProcess
from samestep.workers.protocol import MeasurePeak, ReadChanges, ReadMemory, Sampled
from samestep.workers.request import A, Request

#: Frameworks whose own matrix product may be the machine's best; others compute with one of these.
PEAK_FRAMEWORKS = ("numpy", "torch", "tensorflow", "jax")

#: In how many rounds the peak is measured: it takes ten times as long as a sample.
PEAK_ROUNDS = 1


@dataclass(frozen=True)
class Group:
    """Cells that are measured side by side in one invocation, the baseline first."""

    number: int
    cells: Sequence[PlannedCell]


def run_invocation(
    plan: Plan,
    group: Group,
    number: int,
    known: Known | None = None,
    launcher: Launcher | None = None,
    progress: Progress | None = None,
) -> Generator[Record, None, None]:
    """Measure a group in fresh processes, and return the records as they come.

    ``number`` counts the invocations of the group from 0: the first one is cold, and takes what does not
    change from one process to the next. ``known`` is what earlier ones found (None: every cell agrees and
    nothing is known); ``launcher`` starts the workers (None: as the plan says, with the user's caches).
    """
    known = known or Known(agreed={cell.key for cell in group.cells})
    invocation = _Invocation(plan, group, number, known, launcher or launcher_of(plan), progress or Silent())
    yield from invocation.records()
    yield Finished(group.number, number, clock.wall_time())


def launcher_of(plan: Plan) -> Launcher:
    """Return what starts the workers of a plan, with the user's own caches of compilers."""
    options = plan.options
    roots = [Path(root) for root in options.roots]
    return Launcher(catalog_of(roots), roots, options.pythons, options.seed, paths.home() / "compilers")


class _Invocation:
    """The workers' life from start to stop."""

    def __init__(
        self, plan: Plan, group: Group, number: int, known: Known, launcher: Launcher, progress: Progress
    ) -> None:
        self.plan, self.rounds = plan, plan.profile.rounds
        self.group = group.number
        self.cells = [cell for cell in group.cells if cell.key in known.agreed]
        self.number = number
        self.known = known
        self.launcher = launcher
        self.progress = progress
        self.workers: dict[Cell, WorkerProcess] = {}
        self.loops: dict[Cell, Mapping[str, int]] = {}
        self.retakes = Retakes()
        self.sampling = Sampling(launcher)
        self.records_of = TurnRecords(group.number, number)
        self.looks: dict[Cell, Looks] = {}

    @property
    def seed(self) -> str:
        return f"{self.launcher.seed}/{self.group}/{self.number}"

    def records(self) -> Iterator[Record]:
        if not self.cells:
            return
        # Workers are opened as many at once as there are processors for each.
        threads = self.cells[0].threads
        with WorkerPool(processor_sets(threads)[:1] * threads) as pool:
            try:
                yield from self._start(pool)
                with self.launcher.judge(self.cells[0]) as judge:
                    tasks = self._tasks()
                    for turn in range(self.rounds):
                        yield from self._round(turn, tasks, judge)
                    for cell in list(self.workers):
                        yield from self._finish(cell, judge)
            finally:
                for worker in pool.workers:  # one may just be starting
                    worker.stop()

    def _start(self, pool: WorkerPool) -> Iterator[Record]:
        """Start all workers; those that could be prepared take the turns."""
        self.progress.doing(f"{self.cells[0].of_case} imports")
        kind, records = "restart" if self.number else "start", dict[Cell, Start]()
        for started in start_workers(self.launcher, pool, self.cells, self.seed, self.number, self.known):
            cell = started.cell
            self.progress.done(unit(kind, cell), started.seconds)
            self.progress.doing(f"{cell.of_case} {cell.implementation} has started")
            self.workers[cell] = started.worker
            if started.failure:
                yield from self._failed(cell, started.failure)
            else:
                self.loops[cell] = started.loops
                tasks = list(started.loops)
                short = [task for task in tasks if not self._task(cell, task).steps]
                self.looks[cell] = Looks.drawn(tasks, short, self.rounds, self.number)
                records[cell] = started.record(self.group, self.number)
        self.workers = {cell: self.workers[cell] for cell in self.cells if cell in self.workers}
        self.loops = with_equal_loops(self.loops)
        yield from (replace(record, loops=self.loops[cell]) for cell, record in records.items())

    def _tasks(self) -> list[str]:
        """Return the names of the tasks of the group's workload."""
        specs = (self.launcher.catalog_of(cell).spec(cell.workload) for cell in self.cells)
        return list(dict.fromkeys(task for spec in specs for task in spec.tasks))

    def _task(self, cell: Cell, name: str) -> Task:
        """Return a task as the spec of a cell has it."""
        return self.launcher.catalog_of(cell).spec(cell.workload).tasks[name]

    def _round(self, turn: int, tasks: list[str], judge: Judge) -> Iterator[Record]:
        order = random.Random(f"{self.seed}/{turn}")
        yield from self._peaks(turn, order)
        order.shuffle(tasks)
        for task in tasks:
            cells = [cell for cell in self.workers if task in self.loops[cell]]
            order.shuffle(cells)
            for cell in cells:
                if cell in self.workers and not self._taken("sample", cell, turn, task):
                    yield from self._sample(cell, turn, task, judge)

    def _sample(self, cell: Cell, turn: int, task: str, judge: Judge) -> Iterator[Record]:
        """One turn; a sample that was disturbed is kept, and re-measured, within bounds."""
        began = clock.now()
        self.retakes.turns += 1
        answer = yield from self._believed(cell, turn, task, judge)
        if answer is not None and answer.disturbed and self.retakes.worth_it:
            yield self.records_of.sample(cell, turn, task, answer, repeated=True)
            answer = yield from self._believed(cell, turn, task, judge)
            self.retakes.again(answer is None or answer.disturbed)
        if answer is None:
            return
        yield self.records_of.sample(cell, turn, task, answer, repeated=False)
        self.progress.done(unit("turn", cell, task), clock.now() - began)
        self.progress.doing(f"{cell.of_case} {task}, round {turn + 1}")

    def _believed(
        self, cell: Cell, turn: int, task: str, judge: Judge
    ) -> Generator[Record, None, Sampled | None]:
        """Return a sample that goes with all that is known, after a record of each that did not; None where
        there is none: then the worker's verdict is recorded."""
        looks = self.looks[cell]
        asked = Asked(
            self.workers[cell], cell, task, self.loops[cell][task], self.plan.tasks_of(cell)[task].flops,
            looks.now(task, turn),
        )  # fmt: skip
        try:
            *doubtful, last = self.sampling.take(asked)
            if asked.judged:
                self.sampling.see_that_it_is_right(asked, judge, by_reference=looks.judged == task)
            if asked.judged and asked.loops > 1 and not self._task(cell, task).trains:
                self.sampling.see_that_it_computes(asked)
        except NoAnswer as failed:
            yield from self._failed(cell, failed)
            return None
        finally:
            for answer in self.sampling.peaks.pop(cell, ()):
                yield self.records_of.peak(cell, turn, answer)
        for attempt in doubtful:
            yield self.records_of.sample(cell, turn, task, attempt.sampled, repeated=True)
        return last.sampled

    def _peaks(self, turn: int, order: random.Random) -> Iterator[Record]:
        """The machine's own matrix product, by one worker of each framework that has one, on each device."""
        if turn >= PEAK_ROUNDS:
            return
        speakers: dict[tuple[str, str], list[Cell]] = {}
        for cell in sorted(self.workers, key=lambda cell: cell.aa_copy):
            if cell.framework in PEAK_FRAMEWORKS:
                speakers.setdefault((cell.framework, cell.device), []).append(cell)
        groups = list(speakers.values())
        order.shuffle(groups)
        for cells in groups:
            yield from self._peak(turn, cells)

    def _peak(self, turn: int, cells: Sequence[Cell]) -> Iterator[Record]:
        """The peak of one framework on one device: the first worker whose account holds speaks for all of it.

        What one keeps busy, by its own clock, is held against it alone: its implementation may have replaced
        that clock.
        """
        for cell in cells:
            if self._taken("peak", cell, turn):
                return
            answer = yield from self._ask(cell, MeasurePeak())
            if answer is None:
                continue
            reason = too_many_processors(cell, answer.processors)
            if reason is None:
                self.sampling.measured(self.workers[cell], cell, answer)
                yield self.records_of.peak(cell, turn, answer)
                return
            yield from self._failed(cell, NoAnswer(Verdict(INVALID, reason), None))

    def _finish(self, cell: Cell, judge: Judge) -> Iterator[Record]:
        """The end of a worker: the memory that it took, and whether it is still right."""
        began = clock.now()
        self.progress.doing(f"{cell.of_case} {cell.implementation} is examined again")
        memory = yield from self._ask(cell, ReadMemory())
        if memory is None or not (yield from self._has_its_clocks(cell)):
            return
        try:
            answer = self.launcher.confirm(judge, self.workers[cell], cell)
        except NoAnswer as failed:
            yield from self._failed(cell, failed)
            return
        finally:
            self.progress.done(unit("finish", cell), clock.now() - began)
        verdict = Verdict(AGREE) if answer.verdict.verdict == AGREE else answer.verdict
        yield self.records_of.verdict(cell, verdict)
        yield self.records_of.finish(cell, memory)

    def _has_its_clocks(self, cell: Cell) -> Generator[Record, None, bool]:
        """Return whether nothing was replaced in a worker by which times are taken; else that is recorded."""
        answer = yield from self._ask(cell, ReadChanges())
        replaced = replaced_clocks(answer.changes) if answer else []
        if replaced:
            reason = f"replaced {', '.join(replaced[:3])} in its process, by which times are taken"
            yield from self._failed(cell, refused(reason))
        return answer is not None and not replaced

    def _ask(self, cell: Cell, request: Request[A]) -> Generator[Record, None, A | None]:
        """Return the answer, or None where there is none: then that is recorded, and the others go on."""
        try:
            return self.workers[cell].ask(request, self.launcher.patience)
        except NoAnswer as failed:
            yield from self._failed(cell, failed)
            return None

    def _failed(self, cell: Cell, failure: NoAnswer) -> Iterator[Record]:
        """Record the verdict of a failure, and end its worker."""
        yield self.records_of.verdict(cell, failure.verdict, failure.stderr)
        self.workers.pop(cell).stop()
        self.progress.dismissed(cell)

    def _taken(self, kind: str, cell: Cell, turn: int, task: str = "") -> bool:
        """Whether an earlier try, since interrupted, took this already."""
        wanted: Turn = (kind, (self.group, self.number), cell.key, turn, task)
        return wanted in self.known.taken
