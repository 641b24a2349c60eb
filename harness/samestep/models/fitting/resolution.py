"""How finely a difference can be explained: what rounding leaves, and what chance would."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samestep.agreement.limits import (
    FEWER_REPLICAS,
    FLOOR,
    IDENTIFYING_TERMS,
    LIBRARY_FUNCTION_UNITS,
    NORM,
    elementwise_limit,
    reference_share,
    unit_roundoff,
)
from samestep.models.fitting.difference import Difference


@dataclass(frozen=True)
class Resolution:
    """The rounding that stands between a difference and its explanation.

    ``error`` is got - expected; ``roundoff`` the unit roundoff of the numbers that the candidate gave;
    ``share`` sigma as a share of the expected values.
    """

    difference: Difference
    error: np.ndarray
    roundoff: float
    share: float
    least: float

    @classmethod
    def of(cls, difference: Difference) -> Resolution:
        """Return the resolution of a difference of finite numbers."""
        got, expected, sigma = difference.got, difference.expected, difference.sigma
        with np.errstate(over="ignore"):
            is_single = bool(np.array_equal(got, got.astype(np.float32)))
        own = rms(sigma)
        share = own / rms(expected) if rms(expected) else 0.0
        roundoff = unit_roundoff("float32" if is_single else "float64")
        return cls(difference, got - expected, roundoff, share, FLOOR * own)

    def sigma(self, guess: np.ndarray) -> np.ndarray:
        """Return the standard deviation of the errors of code that correctly computes ``guess``.

        An element errs as the reference's own does there, and at least as its numbers of that size do: a
        mistake moves values, and their errors with them.
        """
        relative = max(self.share, self.roundoff)
        least = max(self.least, FLOOR * relative * rms(guess))
        sigma: np.ndarray = np.maximum(np.maximum(self.difference.sigma, relative * np.abs(guess)), least)
        return sigma

    def is_rounding(self, guess: np.ndarray, literal: np.ndarray | float = 0.0) -> bool:
        """Whether what ``guess`` leaves is within the limits of rounding.

        ``literal`` is how far the guess moves if its number is rounded as the candidate's numbers are.
        What the guess itself rounds, in float64, counts too, with the accuracy of library functions.
        """
        limit = reference_share("float64" if self.roundoff < unit_roundoff("float32") else "float32")
        own = LIBRARY_FUNCTION_UNITS * unit_roundoff("float64") * rms(guess)
        ratio = self.left_over(guess) - np.abs(literal) - own
        ratio = np.maximum(ratio, 0.0) / np.maximum(self.sigma(guess), np.finfo(float).tiny)
        if float(ratio.max(initial=0.0)) > limit * elementwise_limit(FEWER_REPLICAS):
            return False
        return ratio.size < IDENTIFYING_TERMS or rms(ratio) <= limit * NORM

    def left_over(self, guess: np.ndarray) -> np.ndarray:
        """Return how far the candidate is from ``guess``, by element."""
        return np.asarray(np.abs(self.difference.got - guess))

    def chance(self, guess: np.ndarray) -> float:
        """Return the decimal logarithm of the chance that a wrong guess comes as near as this one.

        An element's error is matched to within r of itself by a fraction r of all guesses; elements without
        an error say nothing.
        """
        near = np.maximum(self.left_over(guess), self.sigma(guess))
        size = np.abs(self.error)
        seen = size > near
        return float(np.log10(near[seen] / size[seen]).sum())


def rms(array: np.ndarray) -> float:
    """Return the root of the mean square; 0 of nothing."""
    return float(np.sqrt(np.square(array).mean())) if array.size else 0.0
