"""The three statistics of one tensor: its elements, its norm and its scale, relative to the spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isnan

import numpy as np

from samestep.agreement.blocks import Block, blocks, index_in
from samestep.agreement.findings import TensorStatistics
from samestep.agreement.reference.spread import Spread


def tensor_statistics(
    got: np.ndarray, value: np.ndarray, spread: Spread, before: np.ndarray | None
) -> TensorStatistics:
    """Return the statistics of the error ``got - value`` of one tensor, with their limits.

    ``got`` is in the candidate's dtype and ``value`` the exact one in float64, of one shape and in the same
    units; elements that are not finite in ``value`` are left out. ``before`` is the param that a step moved,
    of the same shape; None for any other tensor.
    """
    sums = _Sums(spread.limit)
    with np.errstate(all="ignore"):
        for block in blocks(value.shape):
            moved = None if before is None else before[block]
            sums.add(block, got[block], value[block], spread.sigma[block], moved, spread.precision)
    whole = sums.sigma**0.5
    return TensorStatistics(
        terms=spread.terms,
        size=int(value.size),
        sigma=whole / max(value.size, 1) ** 0.5,
        elements=sums.worst if value.size else 0.0,
        elements_limit=spread.limit,
        norm=sums.error**0.5 / whole if whole else 0.0,
        norm_limit=spread.norm_limit,
        scale=sums.share_of_direction(sums.along),
        scale_limit=spread.scale_limit + abs(sums.share_of_direction(sums.common)),
        index=sums.index,
        first=sums.first,
    )


@dataclass
class _Sums:
    """What the blocks of one tensor come to: the largest ratio, the first over ``limit``, sums of squares.

    ``along`` and ``common`` are the products of the error, and of what storing a param alone makes of it,
    with the ``direction``, of which the sum of squares is kept too.
    """

    limit: float
    worst: float = -1.0
    index: tuple[int, ...] = ()
    first: tuple[int, ...] | None = None
    error: float = 0.0
    sigma: float = 0.0
    along: float = 0.0
    common: float = 0.0
    direction: float = 0.0

    def add(
        self, block: Block, got: np.ndarray, value: np.ndarray, sigma: np.ndarray, before: np.ndarray | None,
        precision: str,
    ) -> None:  # fmt: skip
        """Add one block."""
        known = np.isfinite(value) & np.isfinite(sigma)
        error = np.where(known, got.astype(np.float64) - value, 0.0)
        sigma = np.where(known, sigma.astype(np.float64), 0.0)
        direction = np.where(known, value if before is None else value - before, 0.0)
        self._compare(block, np.divide(np.abs(error), sigma, out=np.zeros(error.shape), where=sigma > 0))
        self.error += float(np.square(error).sum())
        self.sigma += float(np.square(sigma).sum())
        self.direction += float(np.square(direction).sum())
        self.along += float((error * direction).sum())
        if before is not None:
            common = np.where(known, _storage_error(value, precision), 0.0)
            self.common += float((common * direction).sum())

    def _compare(self, block: Block, ratio: np.ndarray) -> None:
        at = index_of_largest(ratio)
        if not isnan(self.worst) and not ratio[at] <= self.worst:
            self.worst, self.index = float(ratio[at]), index_in(block, at)
        over = ratio > self.limit
        if self.first is None and over.any():
            self.first = index_in(block, index_of_largest(over))

    def share_of_direction(self, product: float) -> float:
        """Return a product with the direction as a share of its square; 0 where that is 0 or infinite."""
        return product / self.direction if 0 < self.direction < inf else 0.0


def _storage_error(value: np.ndarray, precision: str) -> np.ndarray:
    """The error of the exact params as the dtype holds them.

    Params lie on a grid: where all move by the same small step, as in Adam's first one, all round alike, and
    no correct code can avoid it.
    """
    return np.asarray(value.astype(precision).astype(np.float64) - value)


def pooled_scale(steps: Sequence[TensorStatistics]) -> tuple[float, float]:
    """Return the scale of one tensor over several steps, and its limit; both are ratios.

    The mean weighted by 1 / limit^2 (the weights of least variance), whose standard deviation, and so whose
    limit, is 1 / sqrt(sum of 1 / limit^2).
    """
    weights = [1 / step.scale_limit**2 for step in steps]
    total = sum(weights)
    return sum(w * step.scale for w, step in zip(weights, steps, strict=True)) / total, total**-0.5


def index_of_largest(array: np.ndarray) -> tuple[int, ...]:
    """Return the index of the first largest element; of a mask, of the first place where it holds.

    Raises ValueError for an array without elements.
    """
    return tuple(int(i) for i in np.unravel_index(int(array.argmax()), array.shape))
