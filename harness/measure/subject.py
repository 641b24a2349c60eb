"""A cell under measurement: the tasks of the very module that was examined, as calls to be timed."""

from __future__ import annotations

import resource
from collections.abc import Callable
from typing import Any

import numpy as np

from harness.agreement.candidate import Candidate
from harness.measure.clock import timed

#: A sample lasts about this long: a hundred times the round trip to the worker, and short enough that
#: the turns of a round meet the same weather.
SAMPLE_SECONDS = 0.015


class Subject:
    """The tasks of one candidate. Every sample starts from a freshly adopted state, outside the clock."""

    def __init__(self, candidate: Candidate) -> None:
        self.candidate = candidate
        self.tasks = [name for name in candidate.spec.tasks if candidate.offers(name)]
        self.arguments = {task: candidate.arguments(task) for task in self.tasks}

    def call(self, task: str) -> Callable[[], Any]:
        """One call after another from a fresh state; a training task goes on from what it returned."""
        function = getattr(self.candidate.module, task)
        arguments = self.arguments[task]
        state = self.candidate.adopt(self.candidate.params)
        if not self.candidate.spec.tasks[task].trains:
            return lambda: function(state, *arguments)

        def step() -> Any:
            nonlocal state
            returned = function(state, *arguments)
            state = returned[0]
            return returned

        return step

    def sample(self, task: str, loops: int) -> dict[str, Any]:
        """Time ``loops`` calls. ``switches`` counts how often the kernel took the processor away."""
        call = self.call(task)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
        seconds, _ = timed(call, self.candidate.adapter.wait, loops)
        switches = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw - before
        return {"seconds": seconds, "loops": loops, "switches": switches}

    def calibrate(self, task: str) -> int:
        """How many calls make a sample: doubled until one is long enough, which warms up as well."""
        loops = 1
        while True:
            seconds = self.sample(task, loops)["seconds"]
            if seconds >= SAMPLE_SECONDS:
                return loops
            loops = max(2 * loops, min(10 * loops, int(loops * SAMPLE_SECONDS / max(seconds, 1e-9))))


class Peak:
    """The machine's own speed: the product of two square matrices, nothing but multiply-adds."""

    SIZE = 2048

    def __init__(self, adapter: Any, dtype: str) -> None:
        rng = np.random.default_rng(0)
        square = rng.standard_normal((self.SIZE, self.SIZE)).astype(dtype)
        self.adapter = adapter
        self.a, self.b = adapter.asarray(square), adapter.asarray(square.T.copy())
        self.sample()  # the first one starts threads and touches pages

    def sample(self) -> dict[str, Any]:
        seconds, _ = timed(lambda: self.adapter.matmul(self.a, self.b), self.adapter.wait)
        return {"seconds": seconds, "loops": 1, "flops": 2.0 * self.SIZE**3}
