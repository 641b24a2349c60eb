"""How one tensor scatters over replicas around its exact values, added up block by block.

A block's arrays stay in the cache next to a core; whole arrays of a large model would go through memory once
for each operation.
"""

from __future__ import annotations

import numpy as np

#: Elements of a block. BLAS shares longer dot products between cores, in another order of additions.
BLOCK = 1 << 13


class Scatter:
    """The errors of one tensor: per element their squares, per replica their norm and their share of it.

    ``exact`` is the tensor, ``before`` what it was before the step that made it, or 0; both in its units.
    Elements beyond ``largest`` overflow in the precision: they have errors, but none in norms and scales.
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
        self._squares = np.zeros([exact.shape[axis] for axis in self._axes])
        self._length = self._norm_squared(self._direction)
        self._error, self._square = np.empty(BLOCK), np.empty(BLOCK)
        self.norms: list[float] = []
        self.scales: list[float] = []

    @property
    def squares(self) -> np.ndarray:
        """The sum of squared errors over the replicas so far, in the tensor's shape."""
        return np.asarray(self._squares.transpose(np.argsort(self._axes)))

    def add(self, replica: np.ndarray) -> None:
        """Add the tensor of one replica, float64. Where either side is not finite there is no error."""
        row, squares = self._row(replica), self._squares.reshape(-1)
        norm = along = 0.0
        for start in range(0, row.size, BLOCK):
            part = slice(start, start + BLOCK)
            error = self._errors(row, part, squares[part])
            norm += float(np.dot(error, error))
            along += float(np.dot(error, self._direction[part]))
        self.norms.append(float(np.sqrt(norm)))
        self.scales.append(along / self._length if 0 < self._length < np.inf else 0.0)

    def _errors(self, row: np.ndarray, part: slice, squares: np.ndarray) -> np.ndarray:
        """Return the errors of a block of elements that are held, after their squares were added."""
        size = squares.size
        error = self._error[:size]
        np.subtract(row[part], self._exact[part], out=error)
        if not np.isfinite(np.dot(error, error)):
            error[~np.isfinite(error)] = 0.0
        squares += np.square(error, out=self._square[:size])
        if self._held is not None:
            error[~self._held[part]] = 0.0
        return error

    def _row(self, array: np.ndarray) -> np.ndarray:
        """Return the elements in the exact tensor's order of memory; a view where the array has it too."""
        return array.transpose(self._axes).reshape(-1)

    @staticmethod
    def _norm_squared(row: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            parts = (row[start : start + BLOCK] for start in range(0, row.size, BLOCK))
            return float(sum(np.dot(part, part) for part in parts))
