"""The certificate: how far a correct computation can be from the exact one, element by element.

A `Bound` carries a float64 value and a bound on |computed - value|. Each operation propagates the bounds of
its operands by its rule and adds its own rounding (see `samestep.agreement.arithmetic.rules`); a dot product
of n terms is within gamma_n |x|.|w| of the exact one in any order of summation, with or without fused
multiply-add. A comparison inside the bounds is undecided, and what it selects is then bounded by both
outcomes. Gradual underflow or a flush to zero adds at most the smallest normal number.

N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, chapters 2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from samestep.agreement.arithmetic.indices import scattered
from samestep.agreement.arithmetic.rounding_array import Array, Axis, Index, RoundingArray
from samestep.agreement.arithmetic.rules import COMPARISONS, passed_on, roundings, rule_of
from samestep.agreement.limits import TF32_ROUNDOFF, gamma, smallest_normal, unit_roundoff


class Bound(RoundingArray):
    """A value with a bound on the error of whatever correct code computes for it.

    ``parts`` are (value, bound): two arrays of one shape, float64 or exact integers, in the same units.
    ``precision`` is the dtype that the candidate computes in.
    """

    #: What an operand of a matrix product is rounded by before it is multiplied, relatively.
    operand_roundoff = 0.0

    def __init__(self, parts: Sequence[Array], precision: np.dtype) -> None:
        self.parts = tuple(parts)
        self.precision = precision
        self.u = unit_roundoff(precision)
        self.underflow = smallest_normal(precision)

    @classmethod
    def exact(cls, value: npt.ArrayLike, precision: np.dtype) -> Self:
        """Return a value of any shape that the candidate has bit for bit: its bound is 0."""
        value = np.asarray(value)
        if value.dtype.kind != "f":
            return cls((value, np.broadcast_to(0.0, value.shape)), precision)
        return cls((value.astype(np.float64), np.zeros(value.shape)), precision)

    @classmethod
    def rounded(cls, number: npt.ArrayLike, precision: np.dtype) -> Self:
        """Return a number that the candidate rounds to its dtype once: its bound is u |number|."""
        value = np.asarray(number, dtype=np.float64)
        return cls((value, np.abs(value) * unit_roundoff(precision)), precision)

    @property
    def value(self) -> Array:
        """The exact value, in float64 or in integers."""
        return self.parts[0]

    @property
    def bound(self) -> Array:
        """The most that |computed - value| can be, in the units of the value; 0 where nothing rounds."""
        return self.parts[1]

    @property
    def reach(self) -> Array:
        """The largest size that a correct computation may give it."""
        return np.asarray(np.abs(self.value) + self.bound)

    def like(self, parts: Sequence[Array]) -> Self:
        return type(self)(parts, self.precision)

    def lift(self, other: object) -> Self:
        if isinstance(other, type(self)):
            return other
        if isinstance(other, float):
            # A literal of the reference, such as 0.1: the candidate holds it in its own dtype.
            is_held = float(np.asarray(other, dtype=self.precision)) == other
            lifted = self.exact(other, self.precision) if is_held else self.rounded(other, self.precision)
            return self.like(lifted.parts)
        constant = self.exact(np.asarray(other), self.precision)
        if constant.dtype.kind != "f":
            return self.like(constant.parts)
        held = (constant.value.astype(self.precision) == constant.value) | ~np.isfinite(constant.value)
        return self.like((constant.value, np.where(held, 0.0, self.u * np.abs(constant.value))))

    def with_rounding(
        self, value: Array, bound: Array, units: float | Array = 1.0, floor: float = 0.0
    ) -> Self:
        """Return ``value``, known within ``bound``, after one more rounding of ``units`` u.

        They are units of ``floor`` where the value is smaller. Nothing rounds what is not finite.
        """
        size = np.maximum(np.abs(value) + bound, floor)
        own = units * self.u * size + self.underflow
        return self.like((value, bound + np.where(np.isfinite(value), own, 0.0)))

    # -- primitives ------------------------------------------------------------------------------------

    def elementwise(self, ufunc: np.ufunc, operands: list[Self]) -> Self:
        if ufunc in COMPARISONS:
            return self._compare(ufunc, *operands)
        units = roundings(ufunc, [operand.value for operand in operands])
        with np.errstate(all="ignore"):
            value = ufunc(*[operand.value for operand in operands])
            bound = passed_on(ufunc, value, operands)
            if not np.any(units) or value.dtype.kind in "iub":  # integers are not rounded
                return self.like((value, bound))
            return self.with_rounding(value, bound, units, rule_of(ufunc).floor)

    def product(self, a: Self, b: Self) -> Self:
        terms = a.shape[-1]
        if self.operand_roundoff:
            a, b = (
                x.like((x.value, x.bound + x.operand_roundoff * (np.abs(x.value) + x.bound))) for x in (a, b)
            )
        g, reach_b = gamma(terms, self.precision), np.abs(b.value) + b.bound
        # Propagated: |a| db + da (|b| + db). Its own: gamma (|a| + da) (|b| + db). Two products hold both.
        value, known = (
            np.asarray(a.value @ b.value),
            np.isfinite(a.bound).all() and np.isfinite(b.bound).all(),
        )
        bound = np.abs(a.value) @ (b.bound + g * reach_b) + a.bound @ ((1 + g) * reach_b)
        return self.like((value, _settled(value, bound + terms * self.underflow, known)))

    def total(self, axis: Axis, keepdims: bool) -> Self:
        value = self.value.sum(axis=axis, keepdims=keepdims)
        inherited = self.bound.sum(axis=axis, keepdims=keepdims)
        if value.dtype.kind in "iu":
            return self.like((value, inherited))
        terms = self.size // max(value.size, 1)
        reach = (np.abs(self.value) + self.bound).sum(axis=axis, keepdims=keepdims)
        bound = inherited + gamma(terms, self.precision) * reach
        return self.like((value, _settled(value, bound, np.isfinite(inherited))))

    def running_total(self, axis: int) -> Self:
        value, inherited = self.value.cumsum(axis), self.bound.cumsum(axis)
        if value.dtype.kind in "iu":
            return self.like((value, inherited))
        counts = np.arange(1, value.shape[axis] + 1).reshape(-1, *(1,) * (value.ndim - 1 - axis % value.ndim))
        bound = inherited + self._gammas(counts) * self.reach.cumsum(axis)
        return self.like((value, _settled(value, bound, np.isfinite(inherited))))

    def with_added(self, index: Index, values: Self) -> Self:
        value = scattered(self.value, index, values.value)
        inherited = scattered(self.bound, index, values.bound)
        if value.dtype.kind in "iu":
            return self.like((value, inherited))
        reach = scattered(self.reach, index, values.reach)
        terms = scattered((self.reach > 0).astype(np.float64), index, 1.0)
        bound = inherited + self._gammas(terms) * reach
        return self.like((value, _settled(value, bound, np.isfinite(inherited))))

    def _gammas(self, counts: Array) -> Array:
        """gamma of the additions that N terms need, for arrays of N."""
        nu = self.u * np.maximum(counts - 1, 0)
        return np.where(nu < 1, nu / (1 - nu), np.inf)

    def index_of_largest(self, axis: int) -> Self:
        value = self.value.argmax(axis=axis)
        best = np.expand_dims(value, axis)
        low = np.take_along_axis(self.value - self.bound, best, axis)
        rivals = (self.value + self.bound >= low).sum(axis=axis)
        reach = float(self.shape[axis])
        return self.like((value, np.where(rivals > 1, reach, 0.0)))

    def select(self, condition: Self, a: Self, b: Self) -> Self:
        value = np.where(condition.value, a.value, b.value)
        bound = np.where(condition.value, a.bound, b.bound)
        either = np.maximum(a.bound, b.bound) + np.abs(a.value - b.value)
        return self.like((value, np.where(condition.bound > 0, either, bound)))

    def monotone(self, function: Callable[[Array], Array]) -> Self:
        # Between the function's values at the two ends of the interval.
        value, reach = np.asarray(function(self.value)), self.bound.astype(np.float64)
        low, high = (function(self.value + end).astype(np.float64) for end in (-reach, reach))
        return self.like((value, np.maximum(high - value, value - low)))

    def _compare(self, ufunc: np.ufunc, a: Self, b: Self) -> Self:
        # The exact difference: rounding the subtraction is no part of a comparison.
        gap = np.abs(a.value.astype(np.float64) - b.value)
        doubt = a.bound + b.bound
        undecided = (gap <= doubt) & (doubt > 0)
        return self.like((ufunc(a.value, b.value), undecided.astype(np.float64)))


def _settled(value: Array, bound: Array, known: Array | bool) -> Array:
    """A bound without NaN: 0 where a sum is not finite for sure, since all that is added has a bound."""
    sure = ~np.isfinite(value) & known
    return np.where(sure, 0.0, np.where(np.isnan(bound), np.inf, bound))


class TF32Bound(Bound):
    """For a cell that declares its matrix products in TF32, whose operands may be rounded or truncated."""

    operand_roundoff = 2 * TF32_ROUNDOFF
