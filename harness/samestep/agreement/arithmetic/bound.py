"""The certificate: how far an honest computation can be from the exact one, element by element.

A `Bound` carries a float64 value and a bound on |computed - value|. Each primitive composes the bounds
of its operands and adds its own rounding by the standard model, fl(a op b) = (a op b)(1 + d), |d| <= u;
a dot product of n terms is within gamma_n |x|.|w| of the exact one in any order of summation, with or
without fused multiply-add. exp, log and division are bounded over the whole interval of their operand,
not to first order. A comparison inside the bounds is undecided, and what it chooses between is then
bounded by both outcomes. Gradual underflow or a flush to zero adds at most the smallest normal number.

N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, chapters 2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from samestep.agreement.arithmetic.rounding_array import COMPARISONS, Duck, roundings
from samestep.agreement.limits import TF32_ROUNDOFF, gamma, smallest_normal, unit_roundoff

Array = np.ndarray


class Bound(Duck):
    """``parts`` are (value, bound), for arithmetic of dtype ``precision``."""

    #: What an operand of a product is rounded by before it is multiplied.
    operand_roundoff = 0.0

    def __init__(self, parts: Sequence[Array], precision: np.dtype[Any]) -> None:
        self.parts = tuple(parts)
        self.precision = precision
        self.u = unit_roundoff(precision)

    @classmethod
    def exact(cls, value: Any, precision: np.dtype[Any]) -> Self:
        """A value that the candidate has bit for bit."""
        value = np.asarray(value)
        if value.dtype.kind != "f":
            return cls((value, np.broadcast_to(0.0, value.shape)), precision)
        return cls((value.astype(np.float64), np.zeros(value.shape)), precision)

    @classmethod
    def rounded(cls, number: Any, precision: np.dtype[Any]) -> Self:
        """A number that the candidate rounds to its dtype once."""
        value = np.asarray(number, dtype=np.float64)
        return cls((value, np.abs(value) * unit_roundoff(precision)), precision)

    @property
    def value(self) -> Array:
        return self.parts[0]

    @property
    def bound(self) -> Array:
        return self.parts[1]

    def like(self, parts: Sequence[Array]) -> Self:
        return type(self)(parts, self.precision)

    def lift(self, other: Any) -> Self:
        if isinstance(other, type(self)):
            return other
        if isinstance(other, float):
            # A literal of the reference, such as 0.1: the candidate holds it in its own dtype.
            fits = float(np.asarray(other, dtype=self.precision)) == other
            return self.like(self.exact(other, self.precision).parts if fits
                             else self.rounded(other, self.precision).parts)  # fmt: skip
        return self.like(self.exact(other, self.precision).parts)

    def rounding(self, value: Array, bound: Array, units: float = 1.0) -> Self:
        """``value`` within ``bound``, after one more rounding."""
        tiny = smallest_normal(self.precision)
        return self.like((value, bound + units * self.u * (np.abs(value) + bound) + tiny))

    # -- primitives ------------------------------------------------------------------------------------

    def elementwise(self, ufunc: np.ufunc, operands: list[Self]) -> Self:
        if ufunc in COMPARISONS:
            return self._compare(ufunc, *operands)
        units, rule = roundings(ufunc, operands), RULES[ufunc]
        with np.errstate(all="ignore"):
            value = ufunc(*[operand.value for operand in operands])
            bound = rule(value, operands)
            exact = not units or value.dtype.kind in "iub"  # integers are not rounded
            return self.like((value, bound)) if exact else self.rounding(value, bound, units)

    def product(self, a: Self, b: Self) -> Self:
        terms = a.shape[-1]
        if self.operand_roundoff:
            a, b = (
                x.like((x.value, x.bound + x.operand_roundoff * (np.abs(x.value) + x.bound))) for x in (a, b)
            )
        g, reach_b = gamma(terms, self.precision), np.abs(b.value) + b.bound
        # Handed on: |a| db + da (|b| + db). Its own: gamma (|a| + da) (|b| + db). Two products hold both.
        bound = np.abs(a.value) @ (b.bound + g * reach_b) + a.bound @ ((1 + g) * reach_b)
        return self.like((a.value @ b.value, bound + terms * smallest_normal(self.precision)))

    def total(self, axis: Any, keepdims: bool) -> Self:
        value = self.value.sum(axis=axis, keepdims=keepdims)
        inherited = self.bound.sum(axis=axis, keepdims=keepdims)
        if value.dtype.kind in "iu":
            return self.like((value, inherited))
        terms = self.size // max(value.size, 1)
        reach = (np.abs(self.value) + self.bound).sum(axis=axis, keepdims=keepdims)
        return self.like((value, inherited + gamma(terms, self.precision) * reach))

    def place(self, axis: int) -> Self:
        value = self.value.argmax(axis=axis)
        best = np.expand_dims(value, axis)
        low = np.take_along_axis(self.value - self.bound, best, axis)
        rivals = (self.value + self.bound >= low).sum(axis=axis)
        reach = float(self.shape[axis])
        return self.like((value, np.where(rivals > 1, reach, 0.0)))

    def choose(self, condition: Self, a: Self, b: Self) -> Self:
        value = np.where(condition.value, a.value, b.value)
        bound = np.where(condition.value, a.bound, b.bound)
        either = np.maximum(a.bound, b.bound) + np.abs(a.value - b.value)
        return self.like((value, np.where(condition.bound > 0, either, bound)))

    def monotone(self, function: Callable[[Array], Array]) -> Self:
        """Between what becomes of the two ends of the interval."""
        value, reach = np.asarray(function(self.value)), self.bound.astype(np.float64)
        low, high = (function(self.value + end).astype(np.float64) for end in (-reach, reach))
        return self.like((value, np.maximum(high - value, value - low)))

    def _compare(self, ufunc: np.ufunc, a: Self, b: Self) -> Self:
        # The exact difference: rounding the subtraction is no part of a comparison.
        gap = np.abs(a.value.astype(np.float64) - b.value)
        doubt = a.bound + b.bound
        undecided = (gap <= doubt) & (doubt > 0)
        return self.like((ufunc(a.value, b.value), undecided.astype(np.float64)))


class TF32Bound(Bound):
    """For a cell that declares its matrix products in TF32, whose operands may be rounded or cut off."""

    operand_roundoff = 2 * TF32_ROUNDOFF


# Each rule: the result's value and the operands -> the bound that they hand on. Own roundings come on top.


def _sum(value: Array, ops: list[Bound]) -> Any:
    return ops[0].bound + ops[1].bound


def _multiply(value: Array, ops: list[Bound]) -> Any:
    a, b = ops
    return np.abs(a.value) * b.bound + a.bound * (np.abs(b.value) + b.bound)


def _divide(value: Array, ops: list[Bound]) -> Any:
    a, b = ops
    room = np.abs(b.value) - b.bound  # what is left of the divisor at worst
    bound = (a.bound + np.abs(value) * b.bound) / room
    return np.where(room > 0, bound, np.inf)


def _square(value: Array, ops: list[Bound]) -> Any:
    (a,) = ops
    return a.bound * (2 * np.abs(a.value) + a.bound)


def _power(value: Array, ops: list[Bound]) -> Any:
    base, exponent = ops
    n = int(exponent.value)
    return (np.abs(base.value) + base.bound) ** n - np.abs(base.value) ** n


def _sqrt(value: Array, ops: list[Bound]) -> Any:
    (a,) = ops
    # |sqrt(a') - sqrt(a)| = |a' - a| / (sqrt(a') + sqrt(a)), and never more than the root of the bound.
    return np.minimum(np.sqrt(a.bound), np.where(value > 0, a.bound / value, np.inf))


def _exp(value: Array, ops: list[Bound]) -> Any:
    return value * np.expm1(ops[0].bound)


def _log(value: Array, ops: list[Bound]) -> Any:
    (a,) = ops
    return np.where(a.bound < a.value, -np.log1p(-a.bound / a.value), np.inf)


def _wave(value: Array, ops: list[Bound]) -> Any:
    return np.minimum(ops[0].bound, 2.0)  # |sin'| <= 1, |sin| <= 1, and the same of cos


def _log1p(value: Array, ops: list[Bound]) -> Any:
    (a,) = ops
    room = 1 + a.value  # the logarithm of this: its steepest side is the lower one
    return np.where(a.bound < room, -np.log1p(-a.bound / room), np.inf)


def _tanh(value: Array, ops: list[Bound]) -> Any:
    return np.minimum(ops[0].bound, 2.0)  # |tanh'| <= 1, |tanh| <= 1


def _same(value: Array, ops: list[Bound]) -> Any:
    return ops[0].bound.copy()


def _extreme(value: Array, ops: list[Bound]) -> Any:
    a, b = ops
    doubt = a.bound + b.bound
    chosen = np.where(value == a.value, a.bound, b.bound)
    near = np.abs(a.value - b.value) <= doubt
    return np.where(near, np.maximum(a.bound, b.bound), chosen)


RULES: dict[np.ufunc, Callable[[Array, list[Any]], Any]] = {
    np.add: _sum,
    np.subtract: _sum,
    np.multiply: _multiply,
    np.divide: _divide,
    np.square: _square,
    np.power: _power,
    np.sqrt: _sqrt,
    np.exp: _exp,
    np.log: _log,
    np.log1p: _log1p,
    np.tanh: _tanh,
    np.sin: _wave,
    np.cos: _wave,
    np.negative: _same,
    np.positive: _same,
    np.absolute: _same,
    np.maximum: _extreme,
    np.minimum: _extreme,
}
