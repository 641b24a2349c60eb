"""Times what agrees: workers alive side by side, one turn at a time, in shuffled rounds.

A round goes through the tasks, and within each task every worker of the arena takes one turn, in an
order drawn anew each time (its seed is the run's), so that the samples that are compared were taken
within a second of each other. Several invocations of fresh processes make a run.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.agreement.verdict import AGREE
from harness.measure import clock
from harness.process import WorkerLost, WorkerProcess
from harness.runner import Answer, Workshop, batches, distances
from harness.selection import Cell
from harness.store import Record, Run

#: Workers alive at once: more would crowd the memory of a small machine.
ALIVE = 16

#: Steps of a free run beside the reference.
FREE_STEPS = 100

#: Frameworks whose own matrix product may be the machine's best; others compute with one of these.
PEAK_FRAMEWORKS = ("numpy", "torch", "tensorflow", "jax")


@dataclass(frozen=True)
class Profile:
    """How much is measured: ``invocations`` of fresh processes, each of so many ``rounds``."""

    invocations: int
    rounds: int


PROFILES = {"quick": Profile(invocations=2, rounds=6), "full": Profile(invocations=6, rounds=8)}


@dataclass
class Forecast:
    """What is left, in starts of workers and in turns, and how long each has taken so far."""

    starts_left: int
    turns_left: int
    start_seconds: float = 0.0
    turn_seconds: float = 0.0
    starts: int = 0
    turns: int = 0
    doing: str = ""

    def started(self, seconds: float) -> None:
        self.starts, self.starts_left = self.starts + 1, self.starts_left - 1
        self.start_seconds += seconds

    def turned(self, seconds: float) -> None:
        self.turns, self.turns_left = self.turns + 1, self.turns_left - 1
        self.turn_seconds += seconds

    @property
    def done_seconds(self) -> float:
        return self.start_seconds + self.turn_seconds

    @property
    def left_seconds(self) -> float:
        """Before anything is known a start is taken for 5 s (an import and a check), a turn for 50 ms."""
        start = self.start_seconds / self.starts if self.starts else 5.0
        turn = self.turn_seconds / self.turns if self.turns else 0.05
        return self.starts_left * start + self.turns_left * turn


Watcher = Callable[[Forecast], None]


class Bench:
    def __init__(self, workshop: Workshop, run: Run, profile: Profile, watcher: Watcher) -> None:
        self.workshop = workshop
        self.run = run
        self.profile = profile
        self.watcher = watcher
        records = list(run.records())
        self.taken = {
            (r["kind"], r["arena"], r["cell"], r["invocation"], r["round"], r.get("task"))
            for r in records
            if r["kind"] in ("sample", "peak")
        }
        self.finished = {(r["arena"], r["invocation"]) for r in records if r["kind"] == "finished"}
        self.forecast = Forecast(0, 0)

    def measure(self, cells: Sequence[Cell]) -> None:
        """Every arena, every invocation; what the records of an earlier try hold is not repeated."""
        arenas = []
        for number, arena in enumerate(batches(self.workshop.catalog, cells, ALIVE)):
            for invocation in range(self.profile.invocations):
                if (number, invocation) not in self.finished:
                    arenas.append((number, arena, invocation))
                    self._expect(number, arena, invocation)
        for number, arena, invocation in arenas:
            Turns(self, number, arena, invocation).take()

    def _expect(self, number: int, arena: list[Cell], invocation: int) -> None:
        present = [cell for cell in arena if not self.workshop.missing(cell)]
        self.forecast.starts_left += len(present)
        self.forecast.turns_left += sum(self.turns(number, cell, invocation) for cell in present)

    def turns(self, number: int, cell: Cell, invocation: int, first: int = 0) -> int:
        """The turns that a cell still has in an invocation, from round ``first`` on."""
        return sum(
            ("sample", number, cell.key, invocation, turn, task) not in self.taken
            for turn, task in product(range(first, self.profile.rounds), self._tasks(cell))
        )

    def _tasks(self, cell: Cell) -> tuple[str, ...]:
        catalog = self.workshop.catalog
        return catalog.tasks(catalog.implementation(cell.workload, cell.implementation))

    def keep(self, kind: str, **record: Any) -> None:
        self.run.append([self.stamped(kind, **record)])

    def stamped(self, kind: str, **record: Any) -> Record:
        return {"run": self.run.folder.name, "kind": kind, "time": clock.wall_time(), **record}


class Turns:
    """One arena in one invocation: the workers' life from start to stop."""

    def __init__(self, bench: Bench, number: int, arena: list[Cell], invocation: int) -> None:
        self.bench = bench
        self.number = number
        self.arena = arena
        self.invocation = invocation
        self.workers: dict[Cell, WorkerProcess] = {}
        self.loops: dict[Cell, dict[str, int]] = {}
        self.turn = 0

    def take(self) -> None:
        with ExitStack() as stack:
            first = self.invocation == 0  # what does not change from one process to the next is taken once
            workshop = self.bench.workshop
            workshop.trajectory = FREE_STEPS if first else 0
            workshop.keep = Path(stack.enter_context(TemporaryDirectory())) if first else None
            for cell in self.arena:
                self._start(cell, stack)
            if first:
                for a, b, found in distances(workshop, self.arena):
                    self._keep("distance", a, other=b.key, **asdict(found))
            tasks = list(self.bench.workshop.catalog.spec(self.arena[0].workload).tasks)
            while self.turn < self.bench.profile.rounds:
                self._round(self.turn, tasks)
                self.turn += 1
            for cell in list(self.workers):
                answer = self._ask(cell, {"op": "memory"})
                if answer:
                    self._keep("memory", cell, bytes=answer["peak_memory_bytes"])
        self.bench.keep("finished", arena=self.number, invocation=self.invocation)

    def _start(self, cell: Cell, stack: ExitStack) -> None:
        """Start, examine and calibrate one worker; alone, since its cold times are taken here."""
        bench = self.bench
        bench.forecast.doing = f"{cell.workload}:{cell.case} {cell.implementation} starts"
        bench.watcher(bench.forecast)
        missing = bench.workshop.missing(cell)
        if missing:
            self._keep("verdict", cell, **missing.as_dict())
            return
        began = clock.now()
        self.workers[cell] = stack.enter_context(bench.workshop.start(cell))
        opened = self._ask(cell, self.workers[cell].opening)
        answer = opened and self._ask(cell, bench.workshop.request("prepare", cell))
        bench.forecast.started(clock.now() - began)
        if opened is None or answer is None:
            return
        self._keep("verdict", cell, **answer["verdict"])
        if answer["verdict"]["verdict"] != AGREE:  # a wrong answer has no speed
            self._dismiss(cell)
            return
        self.loops[cell] = answer["loops"]
        cold = {name: answer[name] for name in ("build_seconds", "first_call_seconds", "loops", "steps")}
        self._keep("start", cell, framework=_told(opened), **cold)
        if "trajectory" in answer:
            self._keep("trajectory", cell, **answer["trajectory"])

    def _round(self, turn: int, tasks: list[str]) -> None:
        order = random.Random(f"{self.bench.workshop.seed}/{self.number}/{self.invocation}/{turn}")
        self._peaks(turn, order)
        order.shuffle(tasks)
        for task in tasks:
            cells = [cell for cell in self.workers if task in self.loops[cell]]
            order.shuffle(cells)
            for cell in cells:
                if not self._has("sample", cell, turn, task):
                    self._sample(cell, turn, task)

    def _sample(self, cell: Cell, turn: int, task: str) -> None:
        bench = self.bench
        bench.forecast.doing = f"{cell.workload}:{cell.case} {task}, round {turn + 1}"
        began = clock.now()
        answer = self._ask(cell, {"op": "sample", "task": task, "loops": self.loops[cell][task]})
        bench.forecast.turned(clock.now() - began)
        bench.watcher(bench.forecast)
        if answer:
            self._keep(
                "sample", cell, round=turn, task=task, loops=answer["loops"],
                seconds=answer["seconds"], disturbed=answer["switches"] > 0,
            )  # fmt: skip

    def _peaks(self, turn: int, order: random.Random) -> None:
        """The machine's own matrix product, by one worker of each framework that has one."""
        speakers = {cell.framework: cell for cell in self.workers if cell.framework in PEAK_FRAMEWORKS}
        cells = list(speakers.values())
        order.shuffle(cells)
        for cell in cells:
            answer = None if self._has("peak", cell, turn) else self._ask(cell, {"op": "measure_peak"})
            if answer:
                self._keep("peak", cell, round=turn, seconds=answer["seconds"], flops=answer["flops"])

    def _ask(self, cell: Cell, request: Answer) -> Answer | None:
        """The answer, or None where the worker failed: then that is kept, and the others go on."""
        try:
            answer = self.workers[cell].ask(request, self.bench.workshop.patience)
        except WorkerLost as lost:
            self._keep("verdict", cell, stderr=lost.stderr, **lost.verdict.as_dict())
        else:
            if answer["ok"]:
                return answer
            self._keep("verdict", cell, stderr=answer["traceback"], **answer["verdict"])
        self._dismiss(cell)
        return None

    def _dismiss(self, cell: Cell) -> None:
        """Stop a worker; the turns that it will not take are no longer waited for."""
        self.workers.pop(cell).stop()
        left = self.bench.turns(self.number, cell, self.invocation, self.turn)
        self.bench.forecast.turns_left = max(0, self.bench.forecast.turns_left - left)

    def _has(self, kind: str, cell: Cell, turn: int, task: str | None = None) -> bool:
        """Whether an earlier try, since interrupted, took this already."""
        return (kind, self.number, cell.key, self.invocation, turn, task) in self.bench.taken

    def _keep(self, kind: str, cell: Cell, **record: Any) -> None:
        self.bench.keep(kind, arena=self.number, cell=cell.key, invocation=self.invocation, **record)


def _told(opened: Answer) -> Answer:
    """What the framework said of itself when it was opened."""
    return {name: value for name, value in opened.items() if name != "ok"}
