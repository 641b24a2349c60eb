"""Memory that runs of a large model leave with the C library goes back to the system.

The library keeps freed blocks of up to 32 MiB, and the weights of a large model are of that size: without
this a process grows to twice what it holds.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

#: Smaller runs leave little behind.
LARGE_BYTES = 2**26
#: What a run frees on its way before it is given back: more often would cost time.
FREED_BYTES = 2**26


class Freed:
    """Counts what a run frees, and gives it back in large pieces."""

    def __init__(self) -> None:
        self._bytes = 0

    def add(self, array: np.ndarray) -> None:
        """Note that the memory of an array will be free by the time of the next one."""
        if self._bytes > FREED_BYTES:
            release()
            self._bytes = 0
        self._bytes += array.nbytes


def release_after(tensors: Mapping[Any, np.ndarray]) -> None:
    """Give back what a run has freed, if the tensors that it returned are many bytes."""
    if sum(array.nbytes for array in tensors.values()) > LARGE_BYTES:
        release()


def release() -> None:
    """Give back what is free."""
    _trim()(0)


@cache
def _trim() -> Callable[[int], object]:
    """The C library's function for it; where it has none (outside of Linux with glibc), nothing is done."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return getattr(library, "malloc_trim", lambda pad: None)
