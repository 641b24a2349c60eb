"""The raw calls of an implementation as requests: what the judge asks of the worker that has loaded it.

The worker keeps states and native arrays, and gives each a number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from samestep.agreement.examination.raw_calls import Departures, Returned, Shown
from samestep.workers.request import A, Request


@dataclass(frozen=True)
class Subject:
    """Which implementation is meant, on which case; ``file`` is one outside of the catalog, or None, and
    ``weights`` are those that a port file's candidate is made with."""

    workload: str
    implementation: str
    case: str
    seed: int = 0
    file: Path | None = None
    weights: Path | None = None


@dataclass(frozen=True)
class Kept:
    """The number of an object that the worker keeps."""

    number: int


@dataclass(frozen=True)
class Loaded:
    """Which of the functions that were asked for the implementation has, and what it declares."""

    functions: Sequence[str]
    departures: Departures


@dataclass(frozen=True)
class Made:
    """The numbers of native arrays, by name."""

    numbers: Mapping[str, int]


@dataclass(frozen=True)
class Exported:
    """The params of a state; None where it is the state that was exported last, and nothing has changed."""

    shown: Shown | None


@dataclass(frozen=True)
class RawRequest(Request[A]):
    """A raw call; before it, the objects ``dropped`` are given up."""

    dropped: Sequence[int] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class Load(RawRequest[Loaded]):
    """Import an implementation and give up all objects; ``prepared`` means the one that was timed."""

    OP = "load"
    ANSWER = Loaded

    subject: Subject
    functions: Sequence[str]
    prepared: bool = False


@dataclass(frozen=True)
class Make(RawRequest[Made]):
    """Make native copies of arrays."""

    OP = "make"
    ANSWER = Made

    arrays: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Adopt(RawRequest[Kept]):
    """Make a state of params; None are those that were adopted last."""

    OP = "adopt"
    ANSWER = Kept

    params: Mapping[str, np.ndarray] | None


@dataclass(frozen=True)
class Export(RawRequest[Exported]):
    """Return the params of a state."""

    OP = "export"
    ANSWER = Exported

    state: int


@dataclass(frozen=True)
class Call(RawRequest[Returned]):
    """Call a function with a state and with kept arrays and plain numbers; the new state is kept. Of several
    ``times`` each starts from the state of the one before."""

    OP = "call"
    ANSWER = Returned

    function: str
    state: int
    arguments: Sequence[Kept | int | float]
    outputs: Sequence[str]
    times: int = 1


@dataclass(frozen=True)
class TimedCall:
    """What the last of N ``loops`` timed calls of a task returned, on the inputs of a ``draw``."""

    task: str
    loops: int
    draw: int
    returned: Returned


@dataclass(frozen=True)
class ShowTimed(RawRequest[TimedCall]):
    """Return what the last sample returned; its state is kept."""

    OP = "timed"
    ANSWER = TimedCall
