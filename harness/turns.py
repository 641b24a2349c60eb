"""One arena in one invocation: workers alive side by side, one turn at a time, in shuffled rounds.

A round goes through the tasks, and within each task every worker of the arena takes one turn, in an order
drawn anew each time (its seed is the run's), so that the samples that are compared were taken within a second
of each other.
"""

from __future__ import annotations

import random
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from harness.agreement.verdict import AGREE, INVALID, Verdict
from harness.forecast import Forecast, Unit
from harness.measure import clock
from harness.process import WorkerLost, WorkerProcess
from harness.runner import Answer, Workshop, distances
from harness.selection import Cell
from harness.store import Run

#: Steps of a free run beside the reference.
FREE_STEPS = 100

#: Frameworks whose own matrix product may be the machine's best; others compute with one of these.
PEAK_FRAMEWORKS = ("numpy", "torch", "tensorflow", "jax")

#: In how many rounds it is asked for: it takes ten times as long as a sample.
PEAK_ROUNDS = 3

#: How often a disturbed sample is taken again, and of how many turns at most.
RETAKES, RETAKEN_SHARE = 1, 1 / 4

#: Processors that may be seen busy beyond those that were asked for, as a part of them.
BESIDE = 1 / 4


def unit(kind: str, cell: Cell, task: str = "") -> Unit:
    """A unit of work, for the forecast."""
    return kind, cell.framework, cell.key, task


class Desk(Protocol):
    """The run that the turns belong to: what it has already, and where it keeps what comes.

    ``taken`` holds (kind, arena, cell, invocation, round, task) of what an earlier try recorded; ``agreed``
    the cells that were examined in an earlier invocation.
    """

    workshop: Workshop
    run: Run
    rounds: int
    forecast: Forecast
    taken: set[tuple[Any, ...]]
    agreed: set[str]

    def keep(self, kind: str, **record: Any) -> None: ...

    def watch(self) -> None: ...


class Turns:
    """The workers' life from start to stop."""

    def __init__(self, desk: Desk, number: int, arena: list[Cell], invocation: int) -> None:
        self.desk = desk
        self.number = number
        self.arena = arena
        self.invocation = invocation
        self.workers: dict[Cell, WorkerProcess] = {}
        self.loops: dict[Cell, dict[str, int]] = {}
        self.turns = self.retaken = 0

    def take(self) -> None:
        with ExitStack() as stack:
            first = self.invocation == 0  # what does not change from one process to the next is taken once
            workshop = self.desk.workshop
            workshop.trajectory = FREE_STEPS if first else 0
            workshop.keep = Path(stack.enter_context(TemporaryDirectory())) if first else None
            for cell in self.arena:
                self._start(cell, stack)
            if first:
                for a, b, found in distances(workshop, self.arena):
                    self._keep("distance", a, other=b.key, **asdict(found))
            tasks = list(workshop.catalog.spec(self.arena[0].workload).tasks)
            for turn in range(self.desk.rounds):
                self._round(turn, tasks)
            for cell in list(self.workers):
                self._finish(cell)
        self.desk.keep("finished", arena=self.number, invocation=self.invocation)

    def _start(self, cell: Cell, stack: ExitStack) -> None:
        """Start, examine and calibrate one worker; alone, since its cold times are taken here."""
        desk = self.desk
        self._doing(f"{cell.workload}:{cell.case} {cell.implementation} starts")
        missing = desk.workshop.missing(cell)
        if missing:
            self._keep("verdict", cell, **missing.as_dict())
            return
        began = clock.now()
        self.workers[cell] = stack.enter_context(desk.workshop.start(cell))
        agreed = self.invocation > 0 and cell.key in desk.agreed
        request = {**desk.workshop.request("prepare", cell), "agreed": agreed}
        opened = self._ask(cell, self.workers[cell].opening)
        if opened is None or self._refused(cell, _other_settings(cell, opened)):
            return
        answer = self._ask(cell, request)
        desk.forecast.done(unit("restart" if self.invocation else "start", cell), clock.now() - began)
        if answer is None:
            return
        verdict = answer["verdict"]
        if verdict is not None:
            self._keep("verdict", cell, **verdict)
            if verdict["verdict"] != AGREE:  # a wrong answer has no speed
                self._dismiss(cell)
                return
            desk.agreed.add(cell.key)
        self.loops[cell] = answer["loops"]
        cold = {
            name: answer[name] for name in ("build_seconds", "first_calls", "loops", "steps", "transfers")
        }
        self._keep("start", cell, framework=_told(opened), **cold)
        if "trajectory" in answer:
            self._keep("trajectory", cell, **answer["trajectory"])

    def _round(self, turn: int, tasks: list[str]) -> None:
        order = random.Random(f"{self.desk.workshop.seed}/{self.number}/{self.invocation}/{turn}")
        self._peaks(turn, order)
        order.shuffle(tasks)
        for task in tasks:
            cells = [cell for cell in self.workers if task in self.loops[cell]]
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
            answer = self._ask(cell, {"op": "sample", "task": task, "loops": self.loops[cell][task]})
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
        """Is it still right; each call's latency, the device's share, the memory."""
        began = clock.now()
        self._doing(f"{cell.workload}:{cell.case} {cell.implementation} is looked at again")
        request = {**self.desk.workshop.request("finish", cell), "loops": self.loops[cell]}
        answer = self._ask(cell, request)
        self.desk.forecast.done(unit("finish", cell), clock.now() - began)
        if answer is None:
            return
        verdict = answer["verdict"]
        agrees = verdict["verdict"] == AGREE
        if not agrees:
            self.desk.agreed.discard(cell.key)
        self._keep("verdict", cell, **({"verdict": AGREE, "reason": None} if agrees else verdict))
        self._keep(
            "finish", cell, latency=answer["latency"], parts=answer["parts"],
            bytes=answer["peak_memory_bytes"], device_bytes=answer["device_memory_bytes"],
        )  # fmt: skip

    def _ask(self, cell: Cell, request: Answer) -> Answer | None:
        """The answer, or None where the worker failed: then that is kept, and the others go on."""
        try:
            answer = self.workers[cell].ask(request, self.desk.workshop.patience)
        except WorkerLost as lost:
            self._keep("verdict", cell, stderr=lost.stderr, **lost.verdict.as_dict())
        else:
            if answer["ok"]:
                return answer
            self._keep("verdict", cell, stderr=answer["traceback"], **answer["verdict"])
        self._dismiss(cell)
        return None

    def _refused(self, cell: Cell, reason: str | None) -> bool:
        """Whether there is a reason to take no times of this cell; it is its verdict."""
        if reason is None:
            return False
        self._keep("verdict", cell, **Verdict(INVALID, reason).as_dict())
        self._dismiss(cell)
        return True

    def _dismiss(self, cell: Cell) -> None:
        """Stop a worker; the turns that it will not take are no longer waited for."""
        self.workers.pop(cell).stop()
        self.desk.forecast.drop(cell.key)

    def _has(self, kind: str, cell: Cell, turn: int, task: str | None = None) -> bool:
        """Whether an earlier try, since interrupted, took this already."""
        return (kind, self.number, cell.key, self.invocation, turn, task) in self.desk.taken

    def _doing(self, words: str) -> None:
        self.desk.forecast.doing = words
        self.desk.watch()

    def _keep(self, kind: str, cell: Cell, **record: Any) -> None:
        self.desk.keep(kind, arena=self.number, cell=cell.key, invocation=self.invocation, **record)


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


def _told(opened: Answer) -> Answer:
    """What the framework said of itself when it was opened."""
    return {name: value for name, value in opened.items() if name != "ok"}
