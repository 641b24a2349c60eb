"""Where each element of a tensor comes from, where it is a part or a union of others.

Many floats occur only once in a model, and say at once where they come from. The others (a generator of
24 bits repeats itself in a few thousand draws) follow from their neighbours.
"""

from __future__ import annotations

import numpy as np

from samestep.models.pairing.value_table import ValueTable


def find_elements(value: np.ndarray, table: ValueTable) -> np.ndarray | None:
    """Return the place of each element in the table, -1 for added zeros; None where one has no place."""
    if not value.size or not table.flat.size:
        return None
    index, count = table.look_up(value)
    if (count[value != 0] == 0).any():
        return None
    known = count == 1
    if not known.any():
        return None
    index = np.where(known, index, -1)
    _follow_neighbours(index, known, value, table.flat)
    known |= value == 0  # zeros that nothing leads to were added, as where a vocabulary is padded
    return index if known.all() else None


def _follow_neighbours(index: np.ndarray, known: np.ndarray, value: np.ndarray, flat: np.ndarray) -> None:
    """Fill in ``index`` where a known neighbour, one usual stride away, leads to the same value."""
    changed = True
    while changed and not known.all():
        changed = False
        for axis in range(index.ndim):
            places, there, wanted = (np.moveaxis(a, axis, 0) for a in (index, known, value))
            stride = _usual_stride(places, there)
            if stride is None:
                continue
            for here, beside, step in (
                (slice(1, None), slice(-1), stride),
                (slice(-1), slice(1, None), -stride),
            ):
                guess = places[beside] + step
                inside = there[beside] & ~there[here] & (guess >= 0) & (guess < flat.size)
                right = inside & (flat[np.where(inside, guess, 0)] == wanted[here])
                places[here][right] = guess[right]
                there[here][right] = True
                changed |= bool(right.any())


def _usual_stride(places: np.ndarray, there: np.ndarray) -> int | None:
    """Return the commonest distance from one known element to the next along the first axis."""
    both = there[1:] & there[:-1]
    distances, counts = np.unique((places[1:] - places[:-1])[both], return_counts=True)
    return int(distances[counts.argmax()]) if distances.size else None
