"""The only reader of a clock. Between its two readings stand the calls and the wait, and nothing else.

The clocks are taken when this is imported, before any implementation is: one that puts another function in
their place in `time` changes nothing here. What it does to this module, the parent's own clocks show
(`samestep.measure.account`).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from time import clock_gettime, perf_counter, process_time, sleep, time
from typing import Any

#: A loop, and what it took on an idle virtual AMD EPYC of 2026.
LOOP, USUAL_SECONDS = 100_000, 0.0019

#: A sample is made to last this long: two hundred times the round trip to the worker, and short enough that
#: the turns of a round meet the same drift of the machine.
SAMPLE_SECONDS = 0.02

#: Which clock of another process (clock_getcpuclockid(3)): what the scheduler has counted, in nanoseconds.
CLOCK_OF_PROCESS = 2

Call = Callable[[], Any]
Wait = Callable[[Any], None]


def now() -> float:
    """Seconds on a clock that never goes back; only differences mean anything."""
    return perf_counter()


def wall_time() -> float:
    """Seconds since 1970, for records."""
    return time()


def pause(seconds: float) -> None:
    """Do nothing for so long."""
    sleep(seconds)


def nothing(_: Any) -> None:
    """A wait for what is there when the call returns."""


def processor_time() -> float:
    """Seconds that all threads of this process have spent on a processor."""
    return process_time()


def processor_time_of(process: int) -> float:
    """Return the seconds that all threads of a process of this user's have spent on a processor.

    Raises OSError where there is no such process.
    """
    return clock_gettime((~process << 3) | CLOCK_OF_PROCESS)


def timed(call: Call, wait: Wait, loops: int = 1) -> tuple[float, Any]:
    """Seconds that ``loops`` calls take until everything the last one returned is there, and that."""
    with _undisturbed():
        start = perf_counter()
        for _ in repeat(None, loops):
            returned = call()
        wait(returned)
        return perf_counter() - start, returned


def launched(call: Call, wait: Wait, loops: int = 1) -> tuple[float, float, Any]:
    """As `timed`, and before it the seconds until the last call had returned: what it costs to ask for the
    work, where the device does it later."""
    with _undisturbed():
        start = perf_counter()
        for _ in repeat(None, loops):
            returned = call()
        asked = perf_counter()
        wait(returned)
        return asked - start, perf_counter() - start, returned


def one_by_one(call: Call, wait: Wait, most: float, seconds: float = float("inf")) -> list[float]:
    """Seconds of each call, waited for by itself, of up to ``most`` calls or until ``seconds`` are over."""
    found: list[float] = []
    with _undisturbed():
        begin = start = perf_counter()
        while len(found) < most and start - begin <= seconds:
            wait(call())
            end = perf_counter()
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
