"""What the examination asks of an implementation's process: a few raw calls, whose answers are data.

Whoever judges never looks into the implementation's objects. A state and a native array are handles, and what
comes back is described as its adapter sees it. `samestep.agreement.examination.native_calls` serves the calls
in the process that holds the implementation, `samestep.workers.remote_calls` asks for them from another one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

Values = dict[str, np.ndarray]


@dataclass(frozen=True)
class Given:
    """One value that an implementation returned, as an array.

    ``array`` is a copy, and None where its ``dtype`` is not one of NumPy's own numbers, or where it is no
    native array: then ``refused`` says what it is. ``from_numpy`` says whether it was NumPy's own.
    """

    dtype: str = ""
    array: np.ndarray | None = None
    device: str = ""
    from_numpy: bool = False
    refused: str = ""


@dataclass(frozen=True)
class Shown:
    """One result: its ``type``, and the array that it is or, of a mapping that was asked for, the ``items``.

    Both are None where a mapping was asked for and something else came.
    """

    type: str
    array: Given | None = None
    items: Mapping[str, Given] | None = None


@dataclass(frozen=True)
class Modified:
    """An argument that a call has changed, by its position, and what it is now."""

    position: int
    now: np.ndarray


@dataclass(frozen=True)
class Returned:
    """What a call returned: the outputs that are not the ``state`` by name, and a handle of that.

    ``type`` says what it was as a whole; ``results`` is None where that has not as many parts as outputs
    were asked for.
    """

    type: str
    results: Mapping[str, Shown] | None
    state: object = None
    modified: Sequence[Modified] = ()


@dataclass(frozen=True)
class Departures:
    """What an implementation's constants DEPARTS and MAY_DEPART declare: probes, each with a reason."""

    must: Mapping[str, str] = field(default_factory=dict)
    may: Mapping[str, str] = field(default_factory=dict)


class RawCalls(Protocol):
    """One implementation, wherever it is loaded. Whatever it raises, a call raises."""

    def offers(self, function: str) -> bool:
        """Return whether the implementation has a function of that name."""

    def departures(self) -> Departures:
        """Return the probes that the implementation says it fails."""

    def make(self, arrays: Mapping[str, np.ndarray]) -> dict[str, object]:
        """Return handles of native copies of arrays, by name."""

    def adopt(self, params: Mapping[str, np.ndarray]) -> object:
        """Return a handle of the state that the implementation makes from native copies of params."""

    def export(self, state: object) -> Shown:
        """Return the params of a state."""

    def call(
        self,
        function: str,
        state: object,
        arguments: Sequence[object],
        outputs: Sequence[str],
        times: int = 1,
    ) -> Returned:
        """Call a function with a state and with handles and plain numbers, and wait for what it returns.

        ``outputs`` names what it returns; "grads" and "trace" are mappings, and "state" stays where it is.
        Of several ``times`` each but the first starts from the state that the one before returned.
        """
