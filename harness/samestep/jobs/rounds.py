"""One arena in one invocation: workers alive side by side, one turn at a time, in shuffled rounds.

A round goes through the tasks, and within each task every worker of the arena takes one turn, in an order
drawn anew each time (its seed is the run's), so that the samples that are compared were taken within a second
of each other.
"""

from __future__ import annotations

import random
from typing import Any, Protocol

from samestep.agreement.verdict import AGREE, INVALID, TIMEOUT, WRONG, Verdict
from samestep.catalog.selection import Cell
from samestep.jobs.eta import Forecast, Unit
from samestep.measure import clock
from samestep.records.store import Run
from samestep.workers.launcher import Answer, Workshop
from samestep.workers.pool import Lanes
from samestep.workers.process import WorkerLost, WorkerProcess, processors

#: Frameworks whose own matrix product may be the machine's best; others compute with one of these.
PEAK_FRAMEWORKS = ("numpy", "torch", "tensorflow", "jax")

#: In how many rounds it is asked for: it takes ten times as long as a sample.
PEAK_ROUNDS = 1

#: How often a disturbed sample is taken again, and of how many turns at most.
RETAKES, RETAKEN_SHARE = 1, 1 / 8

#: Processors that may be seen busy beyond those that were asked for, as a part of them.
BESIDE = 1 / 4


def unit(kind: str, cell: Cell, task: str = "") -> Unit:
    """A unit of work, for the forecast."""
    return kind, cell.framework, cell.key, task


class Desk(Protocol):
    """The run that the turns belong to: what it has already, and where it keeps what comes.

    ``taken`` holds (kind, arena, cell, invocation, round, task) of what an earlier try recorded; ``agreed``
    the cells that gave no wrong answer so far, ``loops`` how many calls a sample of a cell's tasks is,
    ``imports`` how long the import of a framework took on a device, by itself.
    """

    workshop: Workshop
    run: Run
    rounds: int
    forecast: Forecast
    taken: set[tuple[Any, ...]]
    agreed: set[str]
    loops: dict[str, dict[str, int]]
    imports: dict[tuple[str, str], float]

    def keep(self, kind: str, **record: Any) -> None: ...

    def watch(self) -> None: ...

    def drop(self, number: int, cell: Cell, invocation: int) -> None: ...


class Turns:
    """The workers' life from start to stop."""

    def __init__(self, desk: Desk, number: int, arena: list[Cell], invocation: int) -> None:
        self.desk = desk
        self.number = number
        self.arena = [cell for cell in arena if cell.key in desk.agreed]
        self.invocation = invocation
        self.cold = invocation == 0  # what does not change from one process to the next is taken once
        self.workers: dict[Cell, WorkerProcess] = {}
        self.turns = self.retaken = 0

    def take(self) -> None:
        if self.arena:
            with Lanes(self._places(), self.desk.workshop.stop) as lanes:
                try:
                    self._start(lanes)
                    tasks = list(self.desk.workshop.catalog.spec(self.arena[0].workload).tasks)
                    for turn in range(self.desk.rounds):
                        self._round(turn, tasks)
                    for cell in list(self.workers):
                        self._finish(cell)
                finally:
                    for worker in list(self.workers.values()):  # one may just be starting
                        worker.stop()
        self.desk.keep("finished", arena=self.number, invocation=self.invocation)

    def _places(self) -> list[list[int]]:
        """Where workers are opened, as many at once as there are processors for each."""
        threads = self.arena[0].threads
        return processors(threads)[:1] * threads

    def _start(self, lanes: Lanes) -> None:
        """Start all workers: they import side by side, and then compute one after another.

        The import of each framework is timed once in a run, alone. In later invocations the order is drawn
        anew, as the one that started first was seen to be 0.5 % slower ever after. They do not compute side
        by side: the threads of two pools would spin for the same processors, and that was seen to take
        OpenBLAS 40 times as long.
        """
        began, opened, cells = clock.now(), dict[Cell, Answer](), list(self.arena)
        self._doing(f"{self.arena[0].workload}:{self.arena[0].case} imports")
        if self.cold:
            for cell in {_imported(cell): cell for cell in reversed(cells)}.values():
                if _imported(cell) not in self.desk.imports:
                    opened[cell] = self._open(cell, self._places()[0])
                    if opened[cell]["ok"]:
                        self.desk.imports[_imported(cell)] = opened[cell]["import_seconds"]
        else:
            random.Random(f"{self.desk.workshop.seed}/{self.number}/{self.invocation}/start").shuffle(cells)
        lanes.each([cell for cell in cells if cell not in opened], self._open, opened.__setitem__)
        self.workers = {cell: self.workers[cell] for cell in self.arena}
        shared = (clock.now() - began) / len(cells)
        for cell in cells:
            began, answer = clock.now(), opened[cell]
            if answer["ok"]:
                alone = self.desk.imports.get(_imported(cell)) if self.cold else None
                told = {**answer, "import_seconds": alone} if alone else answer
                answer = self._prepare(cell, told)
            kind = "start" if self.cold else "restart"
            self.desk.forecast.done(unit(kind, cell), shared + clock.now() - began)
            self._started(cell, answer)

    def _open(self, cell: Cell, place: list[int]) -> Answer:
        """Start a worker and have it import its framework; what that says of itself, or what went wrong."""
        worker = self.workers[cell] = self.desk.workshop.start(cell, place)
        answer = self._asked(worker, worker.opening)
        other = _other_settings(cell, answer) if answer["ok"] else None
        return {"ok": False, "verdict": Verdict(INVALID, other).as_dict()} if other else answer

    def _prepare(self, cell: Cell, opened: Answer) -> Answer:
        """The first calls, and what they say; or what went wrong."""
        told = {name: value for name, value in opened.items() if name != "ok"}
        known = None if self.cold else self.desk.loops.get(cell.key)
        request = {**self.desk.workshop.request("prepare", cell), "loops": known}
        return {"framework": told, **self._asked(self.workers[cell], request)}

    def _started(self, cell: Cell, answer: Answer) -> None:
        self._doing(f"{cell.workload}:{cell.case} {cell.implementation} has started")
        if self._accepted(cell, answer):
            self.desk.loops[cell.key] = answer["loops"]
            self._keep("start", cell, **{name: value for name, value in answer.items() if name != "ok"})

    def _round(self, turn: int, tasks: list[str]) -> None:
        order = random.Random(f"{self.desk.workshop.seed}/{self.number}/{self.invocation}/{turn}")
        self._peaks(turn, order)
        order.shuffle(tasks)
        for task in tasks:
            cells = [cell for cell in self.workers if task in self.desk.loops[cell.key]]
            order.shuffle(cells)
            for cell in cells:
                if cell in self.workers and not self._has("sample", cell, turn, task):
                    self._sample(cell, turn, task)
        self.desk.run.sync()  # not in between: a sync lasts as long as a short sample

    def _sample(self, cell: Cell, turn: int, task: str) -> None:
        """One turn; a sample that was disturbed is kept, and taken again, within bounds."""
        desk, began = self.desk, clock.now()
        self.turns += 1
        for attempt in range(RETAKES + 1):
            answer = self._ask(cell, {"op": "sample", "task": task, "loops": self.desk.loops[cell.key][task]})
            if answer is None:
                return
            many = self.retaken >= max(1, RETAKEN_SHARE * self.turns)
            last = attempt == RETAKES or not answer["disturbed"] or many
            self.retaken += not last
            self._keep(
                "sample", cell, round=turn, task=task, loops=answer["loops"], seconds=answer["seconds"],
                disturbed=answer["disturbed"], **({} if last else {"repeated": True}),
                **({"gpu": answer["gpu"]} if "gpu" in answer else {}),
            )  # fmt: skip
            if last:
                break
        desk.forecast.done(unit("turn", cell, task), clock.now() - began)
        self._doing(f"{cell.workload}:{cell.case} {task}, round {turn + 1}")

    def _peaks(self, turn: int, order: random.Random) -> None:
        """The machine's own matrix product, by one worker of each framework that has one, on each device."""
        if turn >= PEAK_ROUNDS:
            return
        speakers = {
            (cell.framework, cell.device): cell
            for cell in self.workers
            if cell.framework in PEAK_FRAMEWORKS and not cell.twin
        }
        cells = list(speakers.values())
        order.shuffle(cells)
        for cell in cells:
            answer = None if self._has("peak", cell, turn) else self._ask(cell, {"op": "measure_peak"})
            if answer is None:
                continue
            reason = _too_many(cell, answer["processors"])
            if reason is None:
                self._keep(
                    "peak", cell, round=turn, seconds=answer["seconds"], flops=answer["flops"],
                    processors=answer["processors"],
                )  # fmt: skip
            for one in list(self.workers):  # it speaks for all of its framework there
                if (one.framework, one.device) == (cell.framework, cell.device):
                    self._refused(one, reason)

    def _finish(self, cell: Cell) -> None:
        """The last word of a worker: the memory that it took, and whether it is still right."""
        began = clock.now()
        self._doing(f"{cell.workload}:{cell.case} {cell.implementation} is looked at again")
        answer = self._ask(cell, self.desk.workshop.request("confirm", cell))
        self.desk.forecast.done(unit("finish", cell), clock.now() - began)
        if answer is None:
            return
        verdict = answer["verdict"]
        agrees = verdict["verdict"] == AGREE
        self._judged(cell, {"verdict": AGREE, "reason": None} if agrees else verdict)
        self._keep(
            "finish", cell, bytes=answer["peak_memory_bytes"], device_bytes=answer["device_memory_bytes"]
        )

    def _ask(self, cell: Cell, request: Answer) -> Answer | None:
        """The answer, or None where the worker failed: then that is kept, and the others go on."""
        answer = self._asked(self.workers[cell], request)
        return answer if self._accepted(cell, answer) else None

    def _asked(self, worker: WorkerProcess, request: Answer) -> Answer:
        try:
            return worker.ask(request, self.desk.workshop.patience)
        except WorkerLost as lost:
            return {"ok": False, "verdict": lost.verdict.as_dict(), "traceback": lost.stderr}

    def _accepted(self, cell: Cell, answer: Answer) -> bool:
        """Whether it is one; a failure is kept, and ends the worker."""
        if answer["ok"]:
            return True
        words = {"stderr": answer["traceback"]} if "traceback" in answer else {}
        self._judged(cell, {**words, **answer["verdict"]})
        self._dismiss(cell)
        return False

    def _judged(self, cell: Cell, verdict: Answer) -> None:
        """Keep a verdict; a wrong answer has no speed, in no other process either, and to wait once for what
        hangs is long enough."""
        self._keep("verdict", cell, **verdict)
        if verdict["verdict"] in (*WRONG, TIMEOUT):
            self.desk.agreed.discard(cell.key)

    def _refused(self, cell: Cell, reason: str | None) -> None:
        """Take no times of this cell where there is a reason; it is its verdict."""
        if reason is not None:
            self._judged(cell, Verdict(INVALID, reason).as_dict())
            self._dismiss(cell)

    def _dismiss(self, cell: Cell) -> None:
        """Stop a worker; the turns that it will not take are no longer waited for."""
        self.workers.pop(cell).stop()
        self.desk.drop(self.number, cell, self.invocation)

    def _has(self, kind: str, cell: Cell, turn: int, task: str | None = None) -> bool:
        """Whether an earlier try, since interrupted, took this already."""
        return (kind, self.number, cell.key, self.invocation, turn, task) in self.desk.taken

    def _doing(self, words: str) -> None:
        self.desk.forecast.doing = words
        self.desk.watch()

    def _keep(self, kind: str, cell: Cell, **record: Any) -> None:
        self.desk.keep(kind, arena=self.number, cell=cell.key, invocation=self.invocation, **record)


def _imported(cell: Cell) -> tuple[str, str]:
    """What is imported, and for what: a GPU is looked for as well where there may be one."""
    return cell.framework, cell.device


def _other_settings(cell: Cell, opened: Answer) -> str | None:
    """What the framework says of itself that is not what was asked for; what it does not tell is None."""
    for name, asked in (("threads", cell.threads), ("matmul", cell.matmul)):
        told = opened.get(name)
        if told is not None and told != asked:
            return f"{cell.framework} computes with {name} = {told}, asked for {asked}"
    return None


def _too_many(cell: Cell, processors: float) -> str | None:
    if processors <= cell.threads * (1 + BESIDE):
        return None
    return f"{cell.framework} keeps {processors:.1f} processors busy, asked for {cell.threads}"
