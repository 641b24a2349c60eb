"""What sums in a known order lose one way: running sums (cumsum), and the bins that np.add.at adds to.

As in `samestep.agreement.arithmetic.lost_terms`, adding p to a running sum s errs by g round(p / g) - p, with
g = ulp(s) the grid of s. Here every s is known, so no share of the steps in a binade has to be assumed: the
expected error of a sum is that of its steps, added up. What it would be by chance, the root of the sum of
g^2 / 12, is taken off. Terms below g / 2 are lost so, and equal terms, which all round alike, are counted.
Measured in sequential float32 loops, in standard deviations of the random errors: 300,000 squares of normal
numbers err by 7.95, and this is 7.94; 300,000 numbers 0.1 err by 243.7, and this is 243.6.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from samestep.agreement.arithmetic.summation import LONG

Array = np.ndarray


def running_loss(terms: Array, axis: int, roundoff: float) -> Array | None:
    """Return what each step of running sums along ``axis`` loses one way; None for nothing.

    The result has the shape and units of ``terms``, and adds up to what each running sum has lost by then,
    signed. ``roundoff`` is the unit roundoff u of the running sums.
    """
    if terms.shape[axis] < LONG:
        return None
    errors, chance = _steps(terms, terms.cumsum(axis), roundoff)
    return np.diff(_beyond_chance(errors.cumsum(axis), chance.cumsum(axis)), axis=axis, prepend=0.0)


def bin_loss(start: Array, index: Any, values: Array, roundoff: float) -> Array | None:
    """Return what ``np.add.at(start, index, values)`` loses one way, signed, in its own units and shape; None
    for nothing. ``roundoff`` is as in `running_loss`."""
    places, terms = np.broadcast_arrays(np.arange(start.size).reshape(start.shape)[index], values)
    places, terms = places.ravel(), terms.ravel()
    is_long = np.bincount(places, minlength=start.size)[places] >= LONG
    if not is_long.any():
        return None
    order = np.flatnonzero(is_long)[np.argsort(places[is_long], kind="stable")]
    places, terms = places[order], terms[order]
    terms = np.where(np.isfinite(terms), terms, 0.0)  # a bin that is not finite must not spoil the next one
    running, firsts = terms.cumsum(), np.flatnonzero(np.diff(places, prepend=-1))
    before = np.repeat(running[firsts] - terms[firsts], np.diff(firsts, append=places.size))
    errors, chance = _steps(terms, running - before + start.ravel()[places], roundoff)
    lost, by_chance = (np.bincount(places, steps, start.size) for steps in (errors, chance))
    return _beyond_chance(lost, by_chance).reshape(start.shape)


def _steps(terms: Array, running: Array, roundoff: float) -> tuple[Array, Array]:
    """The error of each addition that led to ``running``, and its variance if it were random."""
    size = np.where((running != 0) & np.isfinite(running), np.abs(running), 1.0)
    grid = 2 * roundoff * np.exp2(np.floor(np.log2(size)))
    return np.round(terms / grid) * grid - terms, np.square(grid) / 12


def _beyond_chance(lost: Array, by_chance: Array) -> Array:
    excess = np.square(lost) - by_chance
    return np.asarray(np.sign(lost) * np.sqrt(np.where(excess > 0, excess, 0.0)))
