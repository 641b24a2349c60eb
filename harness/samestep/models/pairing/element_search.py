"""Where each element of a tensor comes from, where it is a part or a union of others.

Many floats occur only once in a model, and say at once where they come from. The others (a generator of
24 bits repeats itself in a few thousand draws) follow from their neighbours. In a large model an unrelated
number is found somewhere too: what chance may have done is believed only if neighbours lie together.
"""

from __future__ import annotations

import numpy as np

from samestep.agreement.limits import FALSE_ALARMS
from samestep.models.pairing.value_table import HALF_VALUES, ValueTable

#: Neighbours that are looked at, about, to see how far they usually lie apart.
PAIRS = 2**14


def find_elements(value: np.ndarray, table: ValueTable) -> np.ndarray | None:
    """Return the place of each element in the table, -1 for added zeros; None where one has no place.

    If most elements have a place, those whose values are nowhere get the place that their neighbours lead to.
    """
    if not value.size or not table.flat.size:
        return None
    index, count = table.look_up(value)
    changed = (count == 0) & (value != 0)
    known = count == 1
    if not known.any() or 2 * np.count_nonzero(changed) > value.size:
        return None
    index = np.where(known, index, -1)
    by_chance = min(1.0, table.flat.size / table.distinct) ** np.count_nonzero(known)
    _follow_neighbours(index, known, value, table.flat, np.zeros_like(known))
    if (changed.any() or by_chance > FALSE_ALARMS) and not _orderly(index, known):
        return None
    if changed.any():
        _follow_neighbours(index, known, value, table.flat, changed)
        if np.unique(index[index >= 0]).size < np.count_nonzero(index >= 0):
            return None
    known |= value == 0  # zeros that nothing leads to were added, as where a vocabulary is padded
    certain = table.distinct > HALF_VALUES or _covers_its_sources(index, table)
    return index if known.all() and certain else None


def _covers_its_sources(index: np.ndarray, table: ValueTable) -> bool:
    """Return whether every tensor that has a part in it is all there, each element once.

    Numbers of 16 bits repeat so often that a neighbour's guess may be right by chance where two sources meet.
    """
    starts = table.places.starts
    used, counts = np.unique(np.searchsorted(starts, index[index >= 0], side="right") - 1, return_counts=True)
    whole = np.array_equal(counts, np.diff(starts)[used])
    return whole and np.unique(index).size == index.size


def _follow_neighbours(
    index: np.ndarray, known: np.ndarray, value: np.ndarray, flat: np.ndarray, changed: np.ndarray
) -> None:
    """Fill in ``index`` where a known neighbour, one usual stride away, leads to the same value.

    Where ``changed``, it need not be the same.
    """
    strides = [
        _usual_stride(np.moveaxis(index, axis, 0), np.moveaxis(known, axis, 0))[0]
        for axis in range(index.ndim)
    ]
    going_on = True
    while going_on and not known.all():
        going_on = False
        for axis in range(index.ndim):
            places, there, wanted, free = (np.moveaxis(a, axis, 0) for a in (index, known, value, changed))
            for here, beside, step in (
                (slice(1, None), slice(-1), strides[axis]),
                (slice(-1), slice(1, None), -strides[axis]),
            ):
                guess = places[beside] + step
                inside = there[beside] & ~there[here] & (guess >= 0) & (guess < flat.size)
                right = inside & (free[here] | (flat[np.where(inside, guess, 0)] == wanted[here]))
                places[here][right] = guess[right]
                there[here][right] = True
                going_on |= bool(right.any())


def _usual_stride(places: np.ndarray, there: np.ndarray) -> tuple[int, float]:
    """Return the commonest distance between known neighbours along the first axis, and its share."""
    lines = max(1, PAIRS // max(1, len(places)))
    places, there = places.reshape(len(places), -1)[:, :lines], there.reshape(len(there), -1)[:, :lines]
    both = there[1:] & there[:-1]
    distances, counts = np.unique((places[1:] - places[:-1])[both], return_counts=True)
    return (int(distances[counts.argmax()]), counts.max() / counts.sum()) if distances.size else (0, 0.0)


def _orderly(index: np.ndarray, known: np.ndarray) -> bool:
    """Return whether most neighbours along an axis are one usual stride apart."""
    shares = [
        _usual_stride(np.moveaxis(index, axis, 0), np.moveaxis(known, axis, 0))[1]
        for axis in range(index.ndim)
        if index.shape[axis] > 2
    ]
    return 2 * max(shares, default=0.0) > 1
