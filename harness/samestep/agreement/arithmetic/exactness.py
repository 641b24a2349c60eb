"""What rounds nowhere: the elements that all correct code computes bit for bit, in whatever order it sums.

A certificate for float32 (`samestep.agreement.arithmetic.bound`) that knows when numbers fit: a result of
exact operands that float32 holds was not rounded, and neither was a sum whose terms are multiples of one
power of two and together come to less than 2^24 of it. Nothing underflows here. So the bound is 0 exactly
where nothing is rounded on the way, or where what was rounded is multiplied by 0 or not selected.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Self

import numpy as np

from samestep.agreement.arithmetic.bound import Bound
from samestep.agreement.arithmetic.program_tape import user_line
from samestep.agreement.arithmetic.rounding_array import Array, Axis, Index
from samestep.agreement.arithmetic.rules import COMPARISONS, roundings
from samestep.agreement.arithmetic.unknown_operation import name_of
from samestep.agreement.limits import LIBRARY_FUNCTION_UNITS, SIMULATED

FLOAT32 = np.dtype("float32")
#: The first integer that float32 does not go on from in steps of 1.
LARGEST_INTEGER = 1 / SIMULATED[FLOAT32]
#: Operations at whose ties, or at 0, a convention decides on the derivative.
CHOOSING = (
    np.greater, np.greater_equal, np.less, np.less_equal,
    np.maximum, np.minimum, np.fmax, np.fmin, np.absolute, np.fabs, np.sign,
)  # fmt: skip


@dataclass
class Seen:
    """What one run met: the first operation that ``rounded`` exact numbers, with its line.

    ``tied`` says whether it met equal numbers where a convention decides on the derivative.
    """

    rounded: str = ""
    tied: bool = False


class Exactness(Bound):
    """A value whose ``bound`` is 0 where nothing is rounded; ``seen`` is shared by all values of a run."""

    def __init__(self, parts: Sequence[Array], seen: Seen) -> None:
        super().__init__(parts, FLOAT32)
        self.underflow = 0.0
        self.seen = seen

    @property
    def is_exact(self) -> Array:
        """The mask of the elements that nothing on the way rounds."""
        return np.asarray(self.bound == 0)

    def like(self, parts: Sequence[Array]) -> Self:
        return type(self)(parts, self.seen)

    def lift(self, other: object) -> Self:
        if isinstance(other, type(self)):
            return other
        value = np.asarray(other)
        if value.dtype.kind != "f":
            return self.like((value, np.zeros(value.shape)))
        value = value.astype(np.float64)
        return self.like((value, np.where(_is_held(value), 0.0, self.u * np.abs(value))))

    def elementwise(self, ufunc: np.ufunc, operands: list[Self]) -> Self:
        if ufunc in CHOOSING:
            self._look_for_ties(operands)
        result = super().elementwise(ufunc, operands)
        if ufunc in COMPARISONS or result.dtype.kind != "f":
            return result
        given = reduce(np.logical_and, [operand.is_exact for operand in operands])
        units = roundings(ufunc, [operand.value for operand in operands])
        return self._spared(
            result, given, _is_held(result.value) & (units < LIBRARY_FUNCTION_UNITS), name_of(ufunc)
        )

    def product(self, a: Self, b: Self) -> Self:
        inherited = np.abs(a.value) @ b.bound + a.bound @ b.reach
        fits = np.abs(a.value) @ np.abs(b.value) < LARGEST_INTEGER * _step(a.value) * _step(b.value)
        return self._spared(super().product(a, b), inherited == 0, fits, "a matrix product")

    def total(self, axis: Axis, keepdims: bool) -> Self:
        exact = (self.bound.sum(axis=axis, keepdims=keepdims)) == 0
        fits = np.abs(self.value).sum(axis=axis, keepdims=keepdims) < LARGEST_INTEGER * _step(self.value)
        return self._spared(super().total(axis, keepdims), exact, fits, "a sum")

    def running_total(self, axis: int) -> Self:
        fits = np.abs(self.value).cumsum(axis) < LARGEST_INTEGER * _step(self.value)
        return self._spared(super().running_total(axis), self.bound.cumsum(axis) == 0, fits, "a running sum")

    def with_added(self, index: Index, values: Self) -> Self:
        step = min(_step(self.value), _step(values.value))
        fits = np.abs(self.value).max(initial=0) + np.abs(values.value).sum() < LARGEST_INTEGER * step
        given = bool(self.is_exact.all() and values.is_exact.all())
        return self._spared(
            super().with_added(index, values), np.asarray(given), np.asarray(fits), "np.add.at"
        )

    def _spared(self, result: Self, given: Array, fits: Array, what: str) -> Self:
        """Take the rounding off where exact operands have an exact result; note the first that has none."""
        spared = result.like((result.value, np.where(given & fits, 0.0, result.bound)))
        if not self.seen.rounded and (given & ~spared.is_exact).any():
            self.seen.rounded = f"{what}, {user_line(traceback.extract_stack())}"
        return spared

    def _look_for_ties(self, operands: Sequence[Self]) -> None:
        values = [operand.value for operand in operands]
        others = values[1:] or [np.zeros(())]
        if any(value.dtype.kind == "f" for value in values):
            self.seen.tied = self.seen.tied or bool((values[0] == others[0]).any())


def _is_held(value: Array) -> Array:
    """Whether float32 holds each number."""
    with np.errstate(over="ignore"):
        return np.asarray((value.astype(np.float32) == value) | ~np.isfinite(value))


def _step(values: Array) -> float:
    """The largest power of two that all numbers are multiples of; 0 where one is not finite."""
    numbers = values[values != 0].astype(np.float64)
    if not numbers.size or not np.isfinite(numbers).all():
        return float(np.isfinite(numbers).all())
    mantissa, exponent = np.frexp(numbers)
    whole = np.ldexp(mantissa, 53).astype(np.int64)
    return float(np.ldexp((whole & -whole).astype(np.float64), exponent - 53).min())
