"""What long sums and matrix products of NumPy arrays lose one way, beside their random errors.

`samestep.agreement.arithmetic.lost_terms` has the derivation. Of a product the terms of a sample of its sums
are made, those that grow most evenly first; another sum loses the share of its deviation that the sampled
ones as even as it lose.
"""

from __future__ import annotations

import numpy as np

from samestep.agreement.arithmetic.lost_terms import may_lose, one_way_loss
from samestep.agreement.limits import rounding_deviation

Array = np.ndarray

#: Sums of fewer terms are not asked: theirs would have to span seven decades (heavy tails lose
#: 4 deviations at 16,384 terms, and 0.7 at 4,096).
LONG = 4096
#: Sums of a long product whose terms are made.
SAMPLES = 64


def sum_loss(rows: Array, variance: Array, roundoff: float) -> Array | None:
    """Return what sums over the last axis of ``rows`` lose one way, in the terms' units; None for nothing.

    ``variance`` is that of the sums' random errors in units of s^2, of the results' shape; ``roundoff`` the
    unit roundoff of the running sums.
    """
    if rows.shape[-1] < LONG:
        return None
    terms = np.moveaxis(rows, -1, 0)
    if not may_lose(np, terms, _deviation(variance, roundoff), roundoff):
        return None
    return np.asarray(one_way_loss(np, terms, roundoff))


def product_loss(a: Array, b: Array, product: Array, variance: Array, roundoff: float) -> Array | None:
    """Return what ``a @ b`` loses one way, in its own units and shape; None for nothing.

    ``a`` and ``b`` are of shapes (..., m, n) and (..., n, p), with the same leading axes; ``product`` is
    theirs, and ``variance`` and ``roundoff`` are as in `sum_loss`.
    """
    if a.shape[-1] < LONG:
        return None
    size = np.abs(a) @ np.abs(b)
    evenness = np.divide(np.abs(product), size, out=np.zeros(size.shape), where=size > 0).ravel()
    most = np.argsort(-evenness)
    chosen = np.unique(np.concatenate([most[: SAMPLES // 2], most[:: max(1, most.size // SAMPLES)]]))
    chosen = chosen[np.argsort(evenness[chosen])]
    *batch, row, column = np.unravel_index(chosen, product.shape)
    terms = (a[(*batch, row)] * b.swapaxes(-1, -2)[(*batch, column)]).T
    deviation = _deviation(variance, roundoff)
    some = deviation.ravel()[chosen]
    if not may_lose(np, terms, some, roundoff):
        return None
    lost = np.divide(one_way_loss(np, terms, roundoff), some, out=np.zeros(some.shape), where=some > 0)
    at = np.searchsorted(evenness[chosen], evenness).clip(max=chosen.size - 1)
    return np.asarray(np.maximum.accumulate(lost)[at].reshape(product.shape) * deviation)


def _deviation(variance: Array, roundoff: float) -> Array:
    return np.asarray(np.sqrt(variance) * rounding_deviation(roundoff))
