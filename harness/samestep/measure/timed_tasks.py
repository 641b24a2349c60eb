"""The tasks of the very module that was examined, as calls to be timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from statistics import median
from typing import Any

import numpy as np

from samestep.agreement.examination.native_calls import NativeCalls
from samestep.agreement.examination.native_candidate import NativeCandidate
from samestep.agreement.examination.stored_parts import items_of, parts_of
from samestep.frameworks import Stopwatch, stopwatch
from samestep.measure.clock import SAMPLE_SECONDS, Call, launched, nothing, now, one_by_one, timed
from samestep.measure.interference import Interference
from samestep.records.schema import Latency, Parts, Transfer

#: What the number of calls is made for, of that: so that a faster moment is long enough too.
AIM = 1.2

#: The first calls, each timed by itself to see when they become steady; of a task of many steps a few.
FIRST_CALLS, FIRST_SECONDS, FIRST_LONG_CALLS = 50, 0.1, 3

#: Calls whose latency is looked at one by one, and for how long at most.
LATENCY_CALLS, LATENCY_SECONDS = 200, 0.03

#: How often fetching results must take long after the wait before the wait is said to be missing.
WAIT_TRIES = 3

#: A transfer is timed so often, and the middle one counts: the first pins memory.
TRANSFERS = 5

#: A GPU is warm when N readings of its clock rate, each after N seconds of work, differ by no
#: more than a part; longer than some seconds it is not waited for.
FLAT, READINGS, READING_SECONDS, WARM_SECONDS = 1 / 50, 3, 0.1, 5.0

#: The device's clock may be started this share of a sample before ours.
SLACK = 1 / 20


class MissingWait(Exception):
    """The clock stopped before the results were there."""


class TimedCalls(NativeCalls):
    """Raw calls that all go under the clock."""

    def invoke(self, function: str, state: Any, arguments: Sequence[Any]) -> Any:
        call = getattr(self.module, function)
        return timed(lambda: call(state, *arguments), self.adapter.wait)[1]


class TimedCandidate(NativeCandidate):
    """A candidate whose every call goes under the clock: what is examined is what is timed."""

    CALLS = TimedCalls


@dataclass(frozen=True)
class Timing:
    """Seconds of N ``loops`` of a task; ``disturbed`` where others took the processor meanwhile."""

    seconds: float
    loops: int
    disturbed: bool


class TimedTasks:
    """The tasks of one candidate. Every sample of training starts from a freshly adopted state, outside the
    clock; what does not train leaves its state as it is, and shares one."""

    def __init__(self, candidate: NativeCandidate) -> None:
        self.candidate = candidate
        self.wait = candidate.adapter.wait
        self.names = [name for name in candidate.spec.tasks if candidate.offers(name)]
        self.arguments = {task: candidate.arguments(task) for task in self.names}
        self.state = candidate.adopt(candidate.params)
        self.interference = Interference()

    def call(self, task: str, inputs: list[Any] | None = None) -> Call:
        """One call after another, on native ``inputs`` (None: the case's own); a training task begins anew
        and goes on from what it returned."""
        function = getattr(self.candidate.module, task)
        arguments = self.arguments[task] if inputs is None else inputs
        if not self.candidate.spec.tasks[task].trains:
            return partial(function, self.state, *arguments)
        state = self.candidate.adopt(self.candidate.params)

        def step() -> Any:
            nonlocal state
            returned = function(state, *arguments)
            state = returned[0]
            return returned

        return step

    def sample(self, task: str, loops: int) -> Timing:
        """Time ``loops`` calls, waited for at the end: the throughput."""
        call = self.call(task)
        before = self.interference.read()
        seconds, _ = timed(call, self.wait, loops)
        disturbed = self.interference.read().disturbed(before, seconds)
        return Timing(seconds, loops, disturbed)

    def calibrate(self, task: str) -> int:
        """How many calls make a sample: more until one is long enough, which warms up as well."""
        loops = 1
        while True:
            seconds = self.warm(task, loops)
            if seconds >= SAMPLE_SECONDS:
                return loops
            wanted = AIM * loops * SAMPLE_SECONDS / max(seconds, 1e-9)
            loops = max(loops + 1, min(10 * loops, int(wanted)))

    def warm(self, task: str, loops: int) -> float:
        """A sample that is not kept; it shows which threads do the work."""
        seconds = self.sample(task, loops).seconds
        self.interference.settle(seconds)
        return seconds

    def first_calls(self, task: str, most: int = FIRST_CALLS) -> list[float]:
        """Seconds of the first call, and of up to ``most`` in all, as long as they do not last too long."""
        many = min(most, FIRST_LONG_CALLS if self.candidate.spec.tasks[task].steps else most)
        first = one_by_one(call := self.call(task), self.wait, 1)
        return first + one_by_one(call, self.wait, many - 1, FIRST_SECONDS)

    def starts(self, most: int = FIRST_CALLS) -> dict[str, list[float]]:
        """The first calls of all tasks. The one of most steps is called first: it finds nothing compiled; the
        others may find what it has compiled."""
        found = {task: self.first_calls(task, most) for task in self._longest_first()}
        return {task: found[task] for task in self.names}

    def warm_device(self, rate: Callable[[], float | None]) -> None:
        """Work until the clock rate of the device is flat, from low when idle; None where nobody knows it."""
        call, began, rates = self.call(self._longest_first()[0]), now(), list[float]()
        while (found := rate()) is not None and now() - began < WARM_SECONDS:
            rates = [*rates[1 - READINGS :], found]
            if len(rates) == READINGS and max(rates) <= (1 + FLAT) * min(rates):
                return
            one_by_one(call, self.wait, inf, READING_SECONDS)

    def _longest_first(self) -> list[str]:
        return sorted(self.names, key=lambda task: -(self.candidate.steps(task) or 0))

    def latency(self, task: str) -> list[float]:
        """Seconds of each of many calls, every one waited for by itself."""
        return one_by_one(self.call(task), self.wait, LATENCY_CALLS, LATENCY_SECONDS)

    def transfers(self, task: str) -> Transfer:
        """Return the seconds that a task's inputs take to the device, and its results back."""
        arrays = [self.candidate.arrays[n] for n in self.candidate.spec.tasks[task].inputs
                  if n in self.candidate.arrays]  # fmt: skip
        there, back = [], []
        for _ in range(TRANSFERS):
            there.append(timed(lambda: [self.candidate.asarray(array) for array in arrays], self.wait)[0])
            self.wait(returned := self.call(task)())
            back.append(timed(partial(self.fetched, task, returned), nothing)[0])
        return Transfer(median(there), median(back))

    def parts(self, task: str, loops: int) -> Parts:
        """Return the three times of a sample: until all calls were launched, on the device alone
        (None where the framework has no clock there), and until the results were there.

        Raises `MissingWait` where the clock stopped before that: after a true wait the results are fetched in
        next to no time; and the device's own clock, where there is one, has not run longer than ours.
        """
        found = []
        for _ in range(WAIT_TRIES):
            call, watch = self.call(task), stopwatch(self.candidate.adapter)
            if watch is not None:
                watch.start()
            launch, seconds, returned = launched(call, partial(self._stopped, watch), loops)
            first, again = (timed(partial(self.fetched, task, returned), nothing)[0] for _ in range(2))
            device = None if watch is None else watch.seconds()
            if first - again > seconds / 2:
                found.append(f"{1e3 * first:.3g} ms more to have the results")
            elif device is not None and device > seconds * (1 + SLACK):
                found.append(f"{1e3 * device:.3g} ms by the device's")
            else:
                return Parts(launch, device, seconds, loops)
        raise MissingWait(
            f"{task}: {1e3 * seconds:.3g} ms by the clock, and {found[-1]}: the wait is missing"
        )

    def _stopped(self, watch: Stopwatch | None, returned: Any) -> None:
        """Wait for the results; before that, queue the stop of the device's clock."""
        if watch is not None:
            watch.stop()
        self.wait(returned)

    def fetched(self, task: str, returned: Any) -> list[np.ndarray]:
        """Everything that one call returned, as NumPy arrays."""
        arrays: list[Any] = []
        for name, output in self.named(task, returned):
            found = self.candidate.module.export(output) if name == "state" else output
            items = items_of(found)
            arrays += [found] if items is None else items.values()
        return [self.candidate.adapter.to_numpy(array) for array in arrays]

    def named(self, task: str, returned: Any) -> list[tuple[str, Any]]:
        """Return what one call returned, by name. Raises TypeError where it is no tuple of as many."""
        outputs = self.candidate.spec.tasks[task].outputs
        parts = parts_of(returned, len(outputs))
        if parts is None:
            raise TypeError(f"{task} returned {type(returned).__name__}, expected ({', '.join(outputs)})")
        return list(zip(outputs, parts, strict=True))


def quantiles(seconds: list[float]) -> Latency:
    """Return the median, the 5th and the 95th percentile of calls timed one by one."""
    low, middle, high = np.quantile(seconds, [0.05, 0.5, 0.95]).tolist()
    return Latency(middle, high, low, len(seconds))
