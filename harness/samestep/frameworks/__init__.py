"""What is truly per framework stands in one small adapter each: arrays in, arrays out, waiting, threads.

An adapter is a module ``<framework>.py`` with a class ``Adapter`` that satisfies the protocol below. Its
``DISTRIBUTIONS`` names the packages that pip knows it by, the preferred one first, and ``REQUIRES`` other
frameworks that it needs; both are read without importing the module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


class Unavailable(Exception):
    """The cell cannot run here; the message says why in one line."""


@dataclass(frozen=True)
class Settings:
    """How one worker computes. ``device`` is "cpu" or "gpu"; ``matmul`` is "float32" or "tf32"."""

    dtype: str = "float32"
    device: str = "cpu"
    threads: int = 1
    matmul: str = "float32"


class Adapter(Protocol):
    """One framework in one process, configured once, before anything is computed.

    It may have two methods more: ``stopwatch()`` and ``device_memory()``, see the functions of those names.
    ``Adapter(settings)`` raises `Unavailable` where the settings cannot be had.
    """

    def __init__(self, settings: Settings) -> None: ...

    def asarray(self, array: np.ndarray) -> Any:
        """A native copy of ``array``, same shape and floating dtype, on the device of the settings."""

    def to_numpy(self, array: Any) -> np.ndarray:
        """A NumPy copy of a native array. Raises TypeError for what is no native array."""

    def device_of(self, array: Any) -> str:
        """ "cpu" or "gpu": where a native array (or a session's ndarray) lies."""

    def wait(self, outputs: Any) -> None:
        """Return when everything that ``outputs`` (any nesting of tuples and dicts) needs is computed."""

    def matmul(self, a: Any, b: Any) -> Any:
        """The product of two native matrices, for the machine's peak."""

    def describe(self) -> Mapping[str, Any]:
        """Versions, and the threads and precision read back from the framework."""


class Stopwatch(Protocol):
    """The device's own clock: `start` and `stop` are queued like any other work."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def seconds(self) -> float:
        """What the device took between the two, once all of it is done."""


def stopwatch(adapter: Adapter) -> Stopwatch | None:
    """The clock of the adapter's device; None where it has no method ``stopwatch``, or none there."""
    make = getattr(adapter, "stopwatch", None)
    found: Stopwatch | None = make() if make else None
    return found


def device_memory(adapter: Adapter) -> int | None:
    """The most bytes that the framework has held on a GPU; None where it has no method ``device_memory``, or
    computes elsewhere."""
    ask = getattr(adapter, "device_memory", None)
    found: int | None = ask() if ask else None
    return found
