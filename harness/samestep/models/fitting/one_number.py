"""Fits the one number of a model, and rounds it to the shortest decimal that still explains."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from samestep.agreement.limits import EXPLAINED
from samestep.models.fitting.difference import Model
from samestep.models.fitting.resolution import Resolution

#: Steps of Gauss and Newton, cuts of one to a quarter, and steps that hardly help before it is given up.
STEPS, CUTS, SLOW = 20, 5, 2

#: The relative step of a difference quotient (the root of float64's precision), and the relative change below
#: which a number is found.
QUOTIENT, FOUND = 2.0**-26, 2.0**-46

#: Digits of a number that has no shorter decimal: float64's.
UNROUNDED = 16


def best_value(resolution: Resolution, model: Model) -> float | None:
    """Return the number with the least weighted squares of what is left; None where none gives numbers."""
    weights = 1 / np.maximum(resolution.sigma(resolution.difference.expected), np.finfo(float).tiny)
    weights /= weights.max()

    def squares(value: float) -> float:
        guess = model.tensor(value)
        if guess.shape != resolution.error.shape:
            return np.inf
        total = float(np.square(weights * (resolution.difference.got - guess)).sum())
        return total if np.isfinite(total) else np.inf

    best = min(model.starts, key=squares, default=None)
    if best is None or not np.isfinite(squares(best)):
        return None
    return _descend(resolution, model, weights, squares, best) if model.free else best


def _descend(
    resolution: Resolution,
    model: Model,
    weights: np.ndarray,
    squares: Callable[[float], float],
    value: float,
) -> float:
    """Gauss and Newton's method from ``value``, each step cut until it helps."""
    whole = float(np.square(weights * resolution.error).sum())
    least, slow = squares(value), 0
    for _ in range(STEPS):
        here, h = model.tensor(value), QUOTIENT * (abs(value) or 1.0)
        slope = weights * (model.tensor(value + h) - here) / h
        length = float(np.square(slope).sum())
        if not 0 < length < np.inf:
            break
        step = float((slope * weights * (resolution.difference.got - here)).sum()) / length
        for _ in range(CUTS):
            new = value * float(np.exp(np.clip(step / value, -3, 3))) if model.logarithmic else value + step
            if (better := squares(new)) < least:
                break
            step /= 4
        else:
            break
        slow += better > max(EXPLAINED**2 * whole, (1 - EXPLAINED) * least)
        moved, value, least = abs(new - value), new, better
        if slow > SLOW or moved <= FOUND * abs(value):
            break
    return value


def shortest(value: float, own: float | None, explains: Callable[[float], bool]) -> tuple[float, int]:
    """Return the decimal of fewest digits that still explains, with its digits; else the value as it is.

    Digits count from the ``own`` value of the reference as well: 0.99633 is 1 less 3.67e-3, three digits.
    """
    if own is not None and abs(value) <= QUOTIENT * abs(own) and explains(0.0):
        return 0.0, 1
    for digits in range(1, UNROUNDED):
        for base in (0.0,) if own is None else (0.0, own):
            rounded = base + float(f"{value - base:.{digits - 1}e}")
            if explains(rounded):
                return rounded, digits
    return value, UNROUNDED
