"""Raw calls served: an implementation whose states and native arrays are kept here, by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from samestep.agreement.examination.native_calls import NativeCalls
from samestep.agreement.examination.raw_calls import Returned, Shown
from samestep.measure.turns import Taken
from samestep.workers.raw_requests import (
    Adopt,
    Call,
    Export,
    Kept,
    Load,
    Loaded,
    Made,
    Make,
    ShowTimed,
    TimedCall,
)


class KeptObjects:
    """The objects of one implementation that somebody in another process has a handle of."""

    def __init__(self, calls: NativeCalls) -> None:
        self.calls = calls
        self._objects: dict[int, object] = {}
        self._numbers = count()

    def load(self, request: Load) -> Loaded:
        """Return what the implementation has."""
        functions = [name for name in request.functions if self.calls.offers(name)]
        return Loaded(functions, self.calls.departures())

    def make(self, request: Make) -> Made:
        """Keep native copies of arrays."""
        self._drop(request.dropped)
        made = self.calls.make(request.arrays)
        return Made({name: self._keep(one) for name, one in made.items()})

    def adopt(self, request: Adopt) -> Kept:
        """Keep a state."""
        self._drop(request.dropped)
        return Kept(self._keep(self.calls.adopt(request.params)))

    def export(self, request: Export) -> Shown:
        """Return the params of a state."""
        self._drop(request.dropped)
        return self.calls.export(self._objects[request.state])

    def call(self, request: Call) -> Returned:
        """Call a function, and keep the new state."""
        self._drop(request.dropped)
        arguments = [self._objects[one.number] if isinstance(one, Kept) else one for one in request.arguments]
        state = self._objects[request.state]
        returned = self.calls.call(request.function, state, arguments, request.outputs, request.times)
        return self._kept(returned, request.outputs)

    def timed(self, request: ShowTimed, taken: Taken) -> TimedCall:
        """Return what the last call of a sample returned, and keep its state."""
        self._drop(request.dropped)
        batch, outputs = taken.batch, taken.outputs
        returned = self.calls.described(taken.returned, outputs, ())
        assert batch.draw is not None, "what is judged has inputs of its own"
        return TimedCall(batch.task, batch.loops, batch.draw, self._kept(returned, outputs))

    def _kept(self, returned: Returned, outputs: Sequence[str]) -> Returned:
        return replace(returned, state=self._keep(returned.state) if "state" in outputs else None)

    def _keep(self, value: object) -> int:
        number = next(self._numbers)
        self._objects[number] = value
        return number

    def _drop(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            del self._objects[number]
