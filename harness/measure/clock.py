"""The only reader of a clock. Between its two readings stand the calls and the wait, and nothing else."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from itertools import repeat
from typing import Any


def now() -> float:
    """Seconds on a clock that never goes back; only differences mean anything."""
    return time.perf_counter()


def wall_time() -> float:
    """Seconds since 1970, for records."""
    return time.time()


def timed(call: Callable[[], Any], wait: Callable[[Any], None], loops: int = 1) -> tuple[float, Any]:
    """Seconds that ``loops`` calls take until everything the last one returned is there, and that.

    The garbage collector is off meanwhile: it would add its pauses to whoever is running.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        start = time.perf_counter()
        for _ in repeat(None, loops):
            returned = call()
        wait(returned)
        return time.perf_counter() - start, returned
    finally:
        if collecting:
            gc.enable()
