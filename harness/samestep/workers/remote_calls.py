"""The raw calls of an implementation in another process: handles here, objects there, data between.

An answer that does not fit what was asked raises `samestep.workers.frames.Malformed`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from samestep.agreement.examination.raw_calls import Departures, Returned, Shown
from samestep.workers.frames import Malformed
from samestep.workers.raw_requests import Adopt, Call, Export, Kept, Load, Loaded, Make, ShowTimed, TimedCall
from samestep.workers.request import A, Request


class Ask(Protocol):
    """Asks the process of the implementation, and returns its answer."""

    def __call__(self, request: Request[A]) -> A: ...


class Handle:
    """A state or a native array of the other process, which is told once nobody here has it any more."""

    def __init__(self, number: int, dropped: list[int]) -> None:
        self.number = number
        self._dropped = dropped

    def __del__(self) -> None:
        self._dropped.append(self.number)


class RemoteCalls:
    """The implementation that a `Load` has loaded in the process that ``ask`` asks."""

    def __init__(self, ask: Ask, load: Load) -> None:
        self._ask = ask
        self._loaded: Loaded = ask(load)
        self._dropped: list[int] = []
        self._adopted: dict[str, np.ndarray] = {}
        self._exported: tuple[int, Shown] | None = None  # a state's number, and what it was

    def offers(self, function: str) -> bool:
        """Return whether the implementation has a function, one of those that `Load` asked for."""
        return function in self._loaded.functions

    def departures(self) -> Departures:
        """Return the probes that the implementation says it fails."""
        return self._loaded.departures

    def make(self, arrays: Mapping[str, np.ndarray]) -> dict[str, object]:
        """Return handles of native copies of arrays, by name."""
        made = self._ask(Make(arrays, dropped=self._given_up()))
        if made.numbers.keys() != arrays.keys():
            raise Malformed("other arrays than were to be made")
        return {name: self._handle(made.numbers[name]) for name in arrays}

    def adopt(self, params: Mapping[str, np.ndarray]) -> object:
        """Return a handle of a state; arrays that nobody can have changed since are not sent again."""
        known = params.keys() == self._adopted.keys() and all(
            value is self._adopted[name] and not value.flags.writeable for name, value in params.items()
        )
        self._adopted = dict(params)
        return self._handle(self._ask(Adopt(None if known else params, dropped=self._given_up())).number)

    def export(self, state: object) -> Shown:
        """Return the params of a state."""
        number = _number(state)
        shown = self._ask(Export(number, dropped=self._given_up())).shown
        if shown is None:
            if self._exported is None or self._exported[0] != number:
                raise Malformed("a state that is as it never was")
            return self._exported[1]
        self._exported = number, shown
        return shown

    def timed(self) -> TimedCall:
        """Return what the last sample returned; its state is a handle."""
        found = self._ask(ShowTimed(dropped=self._given_up()))
        return replace(found, returned=self._with_handle(found.returned))

    def call(
        self,
        function: str,
        state: object,
        arguments: Sequence[object],
        outputs: Sequence[str],
        times: int = 1,
    ) -> Returned:
        """Call a function; the new state is a handle."""
        plain = [Kept(one.number) if isinstance(one, Handle) else _plain(one) for one in arguments]
        request = Call(function, _number(state), plain, outputs, times, dropped=self._given_up())
        found = self._ask(request)
        _check(found, len(arguments), outputs)
        return self._with_handle(found)

    def _with_handle(self, returned: Returned) -> Returned:
        new = returned.state
        return replace(returned, state=self._handle(new) if isinstance(new, int) else None)

    def _handle(self, number: int) -> Handle:
        return Handle(number, self._dropped)

    def _given_up(self) -> list[int]:
        numbers = self._dropped[:]
        del self._dropped[: len(numbers)]
        return numbers


def _check(returned: Returned, arguments: int, outputs: Sequence[str]) -> None:
    """Raise `Malformed` where an answer does not fit what was asked."""
    if any(not 0 <= one.position < arguments for one in returned.modified):
        raise Malformed("an argument that was not given")
    if returned.results is None:
        return
    if returned.results.keys() != {*outputs} - {"state"}:
        raise Malformed("other results than were asked for")
    if "state" in outputs and not isinstance(returned.state, int):
        raise Malformed("no state")


def _number(state: object) -> int:
    if not isinstance(state, Handle):
        raise TypeError(f"{type(state).__name__} is not a state of another process")
    return state.number


def _plain(value: object) -> int | float:
    if not isinstance(value, int | float):
        raise TypeError(f"{type(value).__name__} is neither a kept array nor a number")
    return value
