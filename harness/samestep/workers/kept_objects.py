"""Raw calls served: an implementation whose states and native arrays are kept here, by number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count

import numpy as np

from samestep.agreement.examination.native_calls import NativeCalls
from samestep.agreement.examination.raw_calls import Given, Returned, Shown
from samestep.measure.turns import Taken
from samestep.workers.raw_requests import (
    Adopt,
    Call,
    Export,
    Exported,
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
        self._adopted: Mapping[str, np.ndarray] = {}
        self._exported: tuple[int, object] | None = None  # a state's number, and what it was

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
        if request.params is not None:
            self._adopted = request.params
        return Kept(self._keep(self.calls.adopt(self._adopted)))

    def export(self, request: Export) -> Exported:
        """Return the params of a state, where they are not what was returned last."""
        self._drop(request.dropped)
        shown = self.calls.export(self._objects[request.state])
        before, self._exported = self._exported, (request.state, _contents(shown))
        return Exported(None if self._exported == before else shown)

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


def _contents(shown: Shown) -> object:
    """Return what two results have in common where they are the same."""

    def of(given: Given) -> object:
        array = given.array
        content = None if array is None else (array.dtype.str, array.shape, array.tobytes())
        return given.dtype, given.device, given.from_numpy, given.refused, content

    items = None if shown.items is None else {name: of(given) for name, given in shown.items.items()}
    return shown.type, items
