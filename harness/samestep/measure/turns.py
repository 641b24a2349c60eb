"""A worker's turn in two halves: what a sample needs is made ready, and then nothing but the sample is taken.

So the parent's own clocks, read around the second half, can be held against what the worker says of it
(`samestep.measure.account`). The inputs are drawn anew for each sample, as long as that takes no longer than
the sample itself: what an implementation remembers of an earlier one is of no use to it. What the last call
of a sample returned is kept until the next turn, to be judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from samestep.agreement.examination.fresh_inputs import fresh_arrays
from samestep.agreement.examination.stored_parts import items_of
from samestep.frameworks import is_native
from samestep.measure.clock import SAMPLE_SECONDS, Call, nothing, now, processor_time, timed
from samestep.measure.interference import Reading
from samestep.measure.timed_tasks import TimedTasks, Timing

#: The inputs that show whether an implementation remembers its results. Of fewer calls the quickest may be
#: one in which threads spun for each other, as on a busy machine, where that takes several times as long as
#: to compute.
REMEMBERED = 8


@dataclass(frozen=True)
class Batch:
    """A sample that can be taken: ``loops`` calls on the inputs of a ``draw``; None for the case's own.

    ``look`` is what it costs to look at a state that was only adopted, of one that is judged.
    """

    task: str
    loops: int
    draw: int | None
    call: Call
    arguments: list[Any]
    before: Reading
    look: float


@dataclass(frozen=True)
class Taken:
    """A sample that was taken, and what its last call returned."""

    batch: Batch
    timing: Timing
    outputs: Sequence[str]
    returned: Any


class Turns:
    """The turns of one candidate's tasks."""

    def __init__(self, tasks: TimedTasks) -> None:
        self.tasks = tasks
        self.candidate = tasks.candidate
        self.ready: Batch | None = None
        self.taken: Taken | None = None
        self._cost: dict[str, float] = {}  # of drawing a task's inputs, in seconds
        self._lasted: dict[str, float] = {}  # a call of a task's last sample

    def make_ready(self, task: str, loops: int, draw: int, judged: bool) -> None:
        """Draw the inputs of a sample and adopt its state; of one that will be ``judged`` in any case."""
        self.taken = None
        cost = self._cost.get(task, 0.0)
        fresh = judged or cost <= loops * self._lasted.get(task, cost)
        began = now()
        arguments = self._arguments(task, draw) if fresh else self.tasks.arguments[task]
        if fresh:
            self._cost[task] = now() - began
        look = self._cost_of_adopted(task) if judged else 0.0
        call = self.tasks.call(task, arguments)
        before = self.tasks.interference.read()
        self.ready = Batch(task, loops, draw if fresh else None, call, arguments, before, look)

    def rest(self) -> None:
        """Do all that is done around a sample, and take none."""
        before = self.tasks.interference.read()
        seconds, _ = timed(lambda: None, nothing)
        self.tasks.interference.read().disturbed(before, seconds)

    def take(self) -> Timing:
        """Take the sample that was made ready."""
        batch, self.ready = self.ready, None
        if batch is None:
            raise RuntimeError("no sample was made ready")
        seconds, returned = timed(batch.call, self.tasks.wait, batch.loops)
        disturbed = self.tasks.interference.read().disturbed(batch.before, seconds)
        timing = Timing(seconds, batch.loops, disturbed)
        outputs = self.candidate.spec.tasks[batch.task].outputs
        self.taken = Taken(batch, timing, outputs, returned)
        self._lasted[batch.task] = seconds / batch.loops
        return timing

    def late(self) -> float:
        """Return how much more it takes to look at the results of the last sample than at what was there
        before, in seconds of the processor, or of the clock where a GPU computes: than to look once more, and
        at a new state than at one that was only adopted.

        Raises TypeError where they are no arrays of the framework's own.
        """
        assert self.taken is not None
        parts = self.tasks.named(self.taken.batch.task, self.taken.returned)
        first, again = (self._cost_of(partial(self._looked_at, parts)) for _ in range(2))
        states = [(name, part) for name, part in parts if name == "state"]
        new = self._cost_of(partial(self._looked_at, states))
        return first - again + max(0.0, new - self.taken.batch.look if states else 0.0)

    def _cost_of_adopted(self, task: str) -> float:
        """Return what it costs to look at a state that was only adopted; 0 for a task that returns none."""
        if "state" not in self.candidate.spec.tasks[task].outputs:
            return 0.0
        state = self.candidate.adopt(self.candidate.params)
        return self._cost_of(partial(self._looked_at, [("state", state)]))

    def doubt_of_repeated(self) -> str | None:
        """Make the calls of the last sample once more; return what of its result has other bits, in words.

        Of calls that do not repeat themselves nothing follows from other bits.
        """
        assert self.taken is not None
        batch, shown = self.taken.batch, self.tasks.fetched(self.taken.batch.task, self.taken.returned)
        if _same(shown, again := self._made_again(batch)) or not _same(again, self._made_again(batch)):
            return None
        return f"{batch.task}: the last of {batch.loops} timed calls has other bits than the same calls again"

    def _made_again(self, batch: Batch) -> list[np.ndarray]:
        call = self.tasks.call(batch.task, batch.arguments)
        _, returned = timed(call, self.tasks.wait, batch.loops)
        return self.tasks.fetched(batch.task, returned)

    def _looked_at(self, parts: Sequence[tuple[str, Any]]) -> None:
        """Have the framework wait for every array that was returned, those of the state as well."""
        for name, part in parts:
            found = self.candidate.module.export(part) if name == "state" else part
            items = items_of(found)
            self.tasks.wait([self._native(one) for one in ([found] if items is None else items.values())])

    def _native(self, value: Any) -> Any:
        """Return the value. Raises TypeError where it is no array of the framework's own."""
        if not is_native(self.candidate.adapter, value):
            raise TypeError(f"{type(value).__name__} is no array of the framework's own")
        return value

    def remembers(self, task: str, draw: int, loops: int) -> tuple[float, float]:
        """Return what a call costs on inputs that nobody has met, and on the same ones once more: seconds of
        the processor, or of the clock where a GPU computes, the least of several.

        A sample makes ``loops`` calls on the same inputs: which of them is looked at is drawn, and those
        before it are made as well. Before them all, calls on other inputs go on for as long as a sample: the
        first milliseconds after a rest cost several times as much, as threads wake up and memory is taken.
        """
        other, *own = (self.tasks.call(task, self._arguments(task, draw + n)) for n in range(1 + REMEMBERED))
        between = np.random.default_rng(draw).integers(max(1, loops - 1), size=REMEMBERED)
        began = now()
        while now() - began < SAMPLE_SECONDS:
            self._waited(other)
        costs = [self._first_and_again(*one) for one in zip(own, between, strict=True)]
        return min(first for first, _ in costs), min(again for _, again in costs)

    def _first_and_again(self, call: Call, between: int) -> tuple[float, float]:
        """Return what a call costs, and what it costs once more after ``between`` others."""
        first = self._cost_of(partial(self._waited, call))
        for _ in range(between):
            self._waited(call)
        return first, self._cost_of(partial(self._waited, call))

    def _waited(self, call: Call) -> None:
        self.tasks.wait(call())

    def _cost_of(self, work: Call) -> float:
        """Return what work costs; the processor's time is the same on a busy machine."""
        clock = now if self.candidate.settings.device == "gpu" else processor_time
        began = clock()
        timed(work, nothing)
        return clock() - began

    def _arguments(self, task: str, draw: int) -> list[Any]:
        """Return native inputs of a task, drawn anew."""
        one = self.candidate
        names = [name for name in one.spec.tasks[task].inputs if name in one.arrays]
        arrays = fresh_arrays(one.spec, one.case, {name: one.arrays[name] for name in names}, draw)
        return [
            one.asarray(np.ascontiguousarray(arrays[name])) if name in arrays else one.numbers[name]
            for name in one.spec.tasks[task].inputs
        ]


def _same(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> bool:
    return [array.tobytes() for array in one] == [array.tobytes() for array in other]
