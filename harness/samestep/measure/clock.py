"""The only reader of a clock. Between its two readings stand the calls and the wait, and nothing else."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from typing import Any

#: A loop, and what it took on an idle virtual AMD EPYC of 2026.
LOOP, USUAL_SECONDS = 100_000, 0.0019

Call = Callable[[], Any]
Wait = Callable[[Any], None]


def now() -> float:
    """Seconds on a clock that never goes back; only differences mean anything."""
    return time.perf_counter()


def wall_time() -> float:
    """Seconds since 1970, for records."""
    return time.time()


def nothing(_: Any) -> None:
    """A wait for what is there when the call returns."""


def processor_time() -> float:
    """Seconds that all threads of this process have spent on a processor."""
    return time.process_time()


def timed(call: Call, wait: Wait, loops: int = 1) -> tuple[float, Any]:
    """Seconds that ``loops`` calls take until everything the last one returned is there, and that."""
    with _undisturbed():
        start = time.perf_counter()
        for _ in repeat(None, loops):
            returned = call()
        wait(returned)
        return time.perf_counter() - start, returned


def launched(call: Call, wait: Wait, loops: int = 1) -> tuple[float, float, Any]:
    """As `timed`, and before it the seconds until the last call had returned: what it costs to ask for the
    work, where the device does it later."""
    with _undisturbed():
        start = time.perf_counter()
        for _ in repeat(None, loops):
            returned = call()
        asked = time.perf_counter()
        wait(returned)
        return asked - start, time.perf_counter() - start, returned


def one_by_one(call: Call, wait: Wait, most: float, seconds: float = float("inf")) -> list[float]:
    """Seconds of each call, waited for by itself, of up to ``most`` calls or until ``seconds`` are over."""
    found: list[float] = []
    with _undisturbed():
        begin = start = time.perf_counter()
        while len(found) < most and start - begin <= seconds:
            wait(call())
            end = time.perf_counter()
            found.append(end - start)
            start = end
    return found


def pace() -> float:
    """How many times as long as usual this processor takes for the same work, Python's; the best of a few."""
    return min(timed(lambda: sum(i for i in range(LOOP)), nothing)[0] for _ in range(5)) / USUAL_SECONDS


@contextmanager
def _undisturbed() -> Iterator[None]:
    """The garbage collector is off: it would add its pauses to whoever is running."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
