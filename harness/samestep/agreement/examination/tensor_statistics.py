"""The three statistics of one tensor: its elements, its norm and its scale, relative to the spread."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from samestep.agreement.findings import TensorStatistics
from samestep.agreement.reference.spread import Spread, projection


def tensor_statistics(
    got: np.ndarray, value: np.ndarray, spread: Spread, before: np.ndarray | None
) -> TensorStatistics:
    """Return the statistics of the error ``got - value`` of one tensor, with their limits.

    ``got`` is in the candidate's dtype and ``value`` the exact one in float64, of one shape and in the same
    units; elements that are not finite in ``value`` are left out. ``before`` is the param that a step moved,
    of the same shape; None for any other tensor.
    """
    with np.errstate(all="ignore"):
        known = np.isfinite(value) & np.isfinite(spread.sigma)
        error = np.where(known, got.astype(np.float64) - value, 0.0)
        sigma = np.where(known, spread.sigma.astype(np.float64), 0.0)
        ratio = np.divide(np.abs(error), sigma, out=np.zeros(error.shape), where=sigma > 0)
        whole = float(np.sqrt(np.square(sigma).sum()))
        direction = np.where(known, value - (0.0 if before is None else before), 0.0)
        common = np.where(known & (before is not None), _storage_error(value, spread.precision), 0.0)
    index = index_of_largest(ratio) if ratio.size else ()
    over = ratio > spread.limit
    return TensorStatistics(
        terms=spread.terms,
        size=int(value.size),
        sigma=whole / max(value.size, 1) ** 0.5,
        elements=float(ratio[index]) if ratio.size else 0.0,
        elements_limit=spread.limit,
        norm=float(np.sqrt(np.square(error).sum())) / whole if whole else 0.0,
        norm_limit=spread.norm_limit,
        scale=projection(error, direction),
        scale_limit=spread.scale_limit + abs(projection(common, direction)),
        index=index,
        first=index_of_largest(over) if over.any() else None,
    )


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
