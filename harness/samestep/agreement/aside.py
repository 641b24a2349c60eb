"""Large arrays that are done lie in a file without a name, and the system shows of them what is being read.

What is shown can be let go of: it is read again when it is asked for. The files are in samestep's cache
folder, which is no memory in disguise as some folders for temporary files are, and end with their arrays.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from typing import BinaryIO

import numpy as np

from samestep import paths
from samestep.errors import SamestepError

#: Arrays of fewer bytes stay where they are.
LARGE_BYTES = 2**18
#: The bytes of a file; it takes no more room than what was written to it.
FILE_BYTES = 2**30

PAGE = mmap.PAGESIZE


class _Map(mmap.mmap):
    """The memory that shows one of these files, and none of anybody else's."""


class Aside:
    """The files of one run's arrays."""

    def __init__(self) -> None:
        self._file: BinaryIO | None = None
        self._map: _Map | None = None
        self._at = self._size = 0

    def put(self, array: np.ndarray) -> np.ndarray:
        """Return the same values in the same order of memory, to be read only, from a file if they are many.

        They stay where they are if they lie in such a file already, or none can be written.
        """
        if array.nbytes < LARGE_BYTES or _map_of(array) is not None:
            return array
        axes = np.argsort([-abs(stride) for stride in array.strides], kind="stable")
        row = np.ascontiguousarray(array.transpose(axes))
        try:
            place = self._write(row)
        except (OSError, SamestepError):  # no folder, or no room in it
            return array
        return place.view(row.dtype).reshape(row.shape).transpose(np.argsort(axes))

    def _write(self, row: np.ndarray) -> np.ndarray:
        if self._map is None or self._at + row.nbytes > self._size:
            self._begin(max(FILE_BYTES, row.nbytes))
        assert self._map is not None
        assert self._file is not None
        start, left = self._at, row.reshape(-1).view(np.uint8).data
        while left:
            written = os.pwrite(self._file.fileno(), left, self._at)
            left, self._at = left[written:], self._at + written
        self._at += -self._at % PAGE
        return np.frombuffer(self._map, np.uint8, row.nbytes, start)

    def _begin(self, size: int) -> None:
        folder = paths.home()
        folder.mkdir(parents=True, exist_ok=True)
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # it ends with the last of its arrays
        file.truncate(size)
        self._file, self._map = file, _Map(file.fileno(), size, access=mmap.ACCESS_READ)
        self._at, self._size = 0, size


def let_go(array: np.ndarray) -> None:
    """Give the system back the memory in which it shows an array that was put aside; others stay."""
    shown = _map_of(array)
    if shown is None or not hasattr(mmap, "MADV_DONTNEED"):
        return
    low, high = np.lib.array_utils.byte_bounds(array)
    first = np.frombuffer(shown, np.uint8).__array_interface__["data"][0]
    start, end = (low - first) // PAGE * PAGE, high - first
    shown.madvise(mmap.MADV_DONTNEED, start, end - start)


def _map_of(array: np.ndarray) -> _Map | None:
    base: object = array
    while base is not None and not isinstance(base, _Map):  # `as_strided` puts an object of its own between
        base = base.obj if isinstance(base, memoryview) else getattr(base, "base", None)
    return base
