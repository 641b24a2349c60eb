"""How one tensor scatters over replicas around its exact values, added up block by block.

A block's arrays stay in the cache next to a core; whole arrays of a large model would go through memory once
for each operation.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from samestep.agreement.aside import let_go

#: Elements of a block. BLAS shares longer dot products between cores, in another order of additions.
BLOCK = 1 << 13
#: A block's sums of squares are kept in float32, in units of what its first errors came to. float32 goes as
#: far up as 2^127 of them: the unit of a block is raised where a replica's errors come to 2^64 of it.
OUTGROWN = 2.0**64


class Scatter:
    """The errors of one tensor: per element their squares, per replica their norm and their share of it.

    ``exact`` is the tensor, ``before`` what it was before the step that made it, or 0; both in its units.
    Elements beyond ``largest`` overflow in the precision: they have errors, but none in norms and scales.
    Next to theirs, others' squares would be lost in float32: such tensors are added up in float64.
    """

    def __init__(self, exact: np.ndarray, before: np.ndarray | float, largest: float) -> None:
        self._axes = tuple(np.argsort([-abs(stride) for stride in exact.strides], kind="stable"))
        with np.errstate(all="ignore"):
            held = np.abs(exact) <= largest
            whole, moved = bool(held.all()), bool(np.any(before))
            self.held = None if whole else held
            direction = exact if whole else np.where(held, exact, 0.0)
            direction = direction - before if moved else direction
        self.count = exact.size if whole else int(np.count_nonzero(held))
        self._exact, self._direction = self._row(exact), self._row(direction)
        self._held = None if whole else self._row(held)
        shape = [exact.shape[axis] for axis in self._axes]
        self._squares = np.zeros(shape, np.float32 if whole else np.float64)
        self._units = np.zeros(-(-exact.size // BLOCK))
        self._length = self._norm_squared(self._direction)
        let_go(exact)
        self.norms: list[float] = []
        self.scales: list[float] = []

    @property
    def squares(self) -> np.ndarray:
        """The sum of squared errors over the replicas so far, in the tensor's shape: a new float64 array."""
        squares = self._squares.astype(np.float64)
        row = squares.reshape(-1)
        for number, part in _blocks(row.size):
            row[part] *= self._units[number]
        return squares.transpose(np.argsort(self._axes))

    def add(self, replica: np.ndarray) -> None:
        """Add the tensor of one replica, float64. Where either side is not finite there is no error."""
        row, of_a_block = self._row(replica), np.empty((2, min(replica.size, BLOCK)))
        norm = along = 0.0
        for number, part in _blocks(row.size):
            error = self._errors(row, number, part, of_a_block)
            norm += float(np.dot(error, error))
            along += float(np.dot(error, self._direction[part]))
        self.norms.append(float(np.sqrt(norm)))
        self.scales.append(along / self._length if 0 < self._length < np.inf else 0.0)
        for shown in (self._exact, self._direction, replica):
            let_go(shown)

    def _errors(self, row: np.ndarray, number: int, part: slice, of_a_block: np.ndarray) -> np.ndarray:
        """Return the errors of a block of elements that are held, after their squares were added.

        The rows of ``of_a_block`` are room for the errors, which lie there, and for squares.
        """
        exact = self._exact[part]
        error: np.ndarray = of_a_block[0, : exact.size]
        np.subtract(row[part], exact, out=error)
        norm = float(np.dot(error, error))
        if not np.isfinite(norm):
            error[~np.isfinite(error)] = 0.0
            norm = min(float(np.dot(error, error)), float(np.finfo(np.float64).max))
        if norm > 0:
            self._add_squares(np.square(error, out=of_a_block[1, : exact.size]), norm, number, part)
        if self._held is not None:
            error[~self._held[part]] = 0.0
        return error

    def _add_squares(self, square: np.ndarray, norm: float, number: int, part: slice) -> None:
        squares: np.ndarray = self._squares.reshape(-1)[part]
        unit = self._units[number]
        if norm > unit * OUTGROWN:
            squares *= unit / norm
            unit = self._units[number] = norm
        squares += np.divide(square, unit, out=square)

    def _row(self, array: np.ndarray) -> np.ndarray:
        """Return the elements in the exact tensor's order of memory; a view where the array has it too."""
        return array.transpose(self._axes).reshape(-1)

    @staticmethod
    def _norm_squared(row: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            parts = (row[part] for _, part in _blocks(row.size))
            return float(sum(np.dot(part, part) for part in parts))


def _blocks(size: int) -> Iterator[tuple[int, slice]]:
    """Yield the number and the elements of each block of N elements, N = ``size``."""
    return ((at // BLOCK, slice(at, at + BLOCK)) for at in range(0, size, BLOCK))
