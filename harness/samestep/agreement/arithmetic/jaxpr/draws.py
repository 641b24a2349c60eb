"""The random errors of one replica, read in blocks from a fixed pool: a replica costs little but arithmetic.

Errors are uniform in [-1, 1] times a half width: u has the standard deviation u / sqrt 3. A block begins at a
random place of the pool, which the replica's seed decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

Array = np.ndarray

#: Errors in the pool, of which one block takes at most half.
POOL = 2**20
#: Places that are drawn at once.
_PLACES = 1024


@cache
def pool() -> Array:
    """Return the errors, uniform in [-1, 1)."""
    return np.asarray(np.random.default_rng(0x5A3E).random(POOL) * 2 - 1)


@cache
def factors(width: float) -> Array:
    """Return 1 + width * error for each error of the pool: relative errors need one multiplication."""
    return np.asarray(1 + pool() * width)


@dataclass(frozen=True)
class Groups:
    """Which elements of an array are equal, and so round alike: ``member[i]`` is the group of element i."""

    member: Array
    count: int


class Draws:
    """The errors of one replica; the same seed draws the same ones."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.Generator(np.random.SFC64(seed))
        self._places: list[int] = []

    def places(self, count: int) -> Array:
        """Return ``count`` random places, each with half the pool behind it."""
        return self._rng.integers(0, POOL // 2, count)

    def _place(self) -> int:
        if not self._places:
            self._places = self.places(_PLACES).tolist()
        return self._places.pop()

    def _read(self, values: Array, shape: tuple[int, ...], groups: Groups | None) -> Array:
        """Read an array of ``shape`` from ``values``, which is as long as the pool."""
        if groups is not None:
            return np.asarray(self._read(values, (groups.count,), None)[groups.member])
        size = int(np.prod(shape))
        if size <= POOL // 2:
            place = self._place()
            return values[place : place + size].reshape(shape)
        places = [(self._place(), min(POOL // 2, size - done)) for done in range(0, size, POOL // 2)]
        return np.concatenate([values[place : place + n] for place, n in places]).reshape(shape)

    def relative(self, out: Any, width: float, groups: Groups | None = None) -> Array:
        """Return ``out``, each element with a relative error within ``width``; infinities and NaN stay."""
        if np.ndim(out) == 0:
            return np.asarray(out * factors(width)[self._place()])
        return np.asarray(out * self._read(factors(width), out.shape, groups))

    def absolute(self, out: Any, widths: Array, groups: Groups | None = None) -> Array:
        """Return ``out``, each element with an error within ``widths`` (of its shape, finite)."""
        if np.ndim(out) == 0:
            return np.asarray(out + pool()[self._place()] * float(widths))
        return np.asarray(out + self._read(pool(), out.shape, groups) * widths)
