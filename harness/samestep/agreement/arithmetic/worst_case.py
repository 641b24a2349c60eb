"""The furthest that correct float32 code can be from the exact value: formulas that all engines share.

`Enclosed` is a value with a bound on |computed - value|, element by element. A bound holds for sums in any
order, with or without fused multiply-add, and library functions within their units; what a compiler may do
instead of what the code says (a division as a product with the reciprocal, a bias added first, a scale that
is multiplied into both terms of a difference) is allowed for. Running error analysis: N. J. Higham, Accuracy
and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, chapters 3 and 4. Where an operation has no rule,
what follows from it is ``unknown``, by the operation's name, and never bounded by a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np

from samestep.agreement.arithmetic.elementwise_units import ELEMENTWISE_UNITS, RECIPROCAL_ROOT_UNITS
from samestep.agreement.arithmetic.program import Contract
from samestep.agreement.limits import TF32_ROUNDOFF, gamma, smallest_normal, unit_roundoff

Array = np.ndarray
#: An operation on float64 arrays.
Map = Callable[..., Array]
Key = TypeVar("Key", bound=Hashable)

FLOAT32 = "float32"
_U, _TINY = unit_roundoff(FLOAT32), smallest_normal(FLOAT32)


@dataclass(frozen=True, eq=False)
class Enclosed:
    """A ``value`` (float64, integers or bools) and the ``bound`` on what correct code makes of it.

    ``bound`` is float64 of the same shape, in the same units; of an integer or a bool it is not 0 where
    rounding may make another of it. ``terms`` is the number of terms of the sum that the value is (1 where
    it is none): what is added to it may be added first. ``unknown`` names the operation that has no rule.
    ``chosen_from`` are the two that it is the larger or the smaller of.
    """

    value: Array
    bound: Array
    terms: int = 1
    unknown: str = ""
    chosen_from: tuple[Enclosed, ...] = ()

    @classmethod
    def exact(cls, value: Array) -> Enclosed:
        """Return a value that every program has bit for bit."""
        return cls(value, np.broadcast_to(np.float64(0), np.shape(value)))

    @classmethod
    def rounded_once(cls, value: Array) -> Enclosed:
        """Return a value that a program may have rounded to float32 once."""
        return cls(value, np.where(np.isfinite(value), _U * np.abs(value), 0.0))

    @classmethod
    def converted(cls, x: Enclosed) -> Enclosed:
        """Return integers or bools as floats: what float32 does not hold is rounded once."""
        value = x.value.astype(np.float64)
        held = value.astype(np.float32).astype(np.float64) == value
        return cls(value, x.bound + np.where(held, 0.0, _U * np.abs(value)), unknown=x.unknown)

    @classmethod
    def without_rule(cls, value: Array, operation: str) -> Enclosed:
        """Return a value that nothing is known of, for the name of the ``operation``."""
        return cls(value, np.broadcast_to(np.inf, np.shape(value)), unknown=operation)

    @property
    def reach(self) -> Array:
        """The largest size that correct code may give it."""
        return np.asarray(np.abs(self.value) + self.bound)

    @property
    def decided(self) -> bool:
        """Whether every correct program has these very numbers."""
        return not self.unknown and not np.any(self.bound)


@runtime_checkable
class Enclosing(Protocol[Key]):
    """A program whose tensors can be bounded."""

    def enclosed(self, rounded: frozenset[str]) -> Mapping[Key, Enclosed]:
        """Return all tensors with their bounds. Raises `Refused`.

        Given arrays whose digests (`samestep.agreement.arithmetic.program.constant_digest`) are in
        ``rounded`` may be off by one rounding; all others are held exactly.
        """
        ...


def first_unknown(*operands: Enclosed) -> str:
    """Return the operation without a rule that any of these follows from; "" for none."""
    return next((x.unknown for x in operands if x.unknown), "")


def rounded(value: Array, bound: Array, units: float) -> Array:
    """Return the bound of ``value``, known within ``bound``, after ``units`` roundings more."""
    with np.errstate(all="ignore"):
        own = units * _U * (np.abs(value) + bound) + _TINY
        whole = bound + np.where((value != 0) | (bound > 0), own, 0.0)
    return settled(value, whole)


def settled(value: Array, bound: Array) -> Array:
    """Return a bound without NaN: 0 where the value is infinite or NaN for sure, infinite where unknown."""
    sure = ~np.isfinite(value) & (bound == 0)
    return np.asarray(np.where(sure, 0.0, np.where(np.isnan(bound), np.inf, bound)))


def added(value: Array, a: Enclosed, b: Enclosed) -> Enclosed:
    """Return a sum or a difference of two, each of which may be a sum itself: all terms in any order."""
    with np.errstate(all="ignore"):
        adds = (a.reach > 0) & (b.reach > 0)  # adding 0 rounds nothing
        own = np.where(adds, gamma(a.terms + b.terms, FLOAT32) * (a.reach + b.reach), 0.0)
        bound = a.bound + b.bound + own
        bound = np.where(np.isinf(value) & np.isfinite(a.bound) & np.isfinite(b.bound), 0.0, bound)
    return Enclosed(value, settled(value, bound), a.terms + b.terms)


def multiplied(value: Array, a: Enclosed, b: Enclosed) -> Enclosed:
    """Return a product, rounded once."""
    with np.errstate(all="ignore"):
        bound = np.abs(a.value) * b.bound + a.bound * b.reach
        bound = np.where(np.isinf(value) & (bound != 0), 0.0, bound)  # -inf * scale
    return Enclosed(value, rounded(value, settled(value, bound), ELEMENTWISE_UNITS["multiply"]))


def divided(value: Array, a: Enclosed, b: Enclosed) -> Enclosed:
    """Return a quotient, which may be a product with the reciprocal, or with a reciprocal root."""
    with np.errstate(all="ignore"):
        room = np.abs(b.value) - b.bound  # the smallest that the divisor may be
        bound = np.where((a.bound == 0) & (b.bound == 0), 0.0, (a.bound + np.abs(value) * b.bound) / room)
        bound = np.where((room > 0) | (b.bound == 0), bound, np.inf)
    return Enclosed(value, rounded(value, settled(value, bound), RECIPROCAL_ROOT_UNITS))


def monotone(apply: Map, *operands: Enclosed) -> Array:
    """Return what a function that is monotone in each operand (all up, or one down) passes on."""
    with np.errstate(all="ignore"):
        value = apply(*[x.value for x in operands])
        low = apply(*[x.value - x.bound for x in operands])
        high = apply(*[x.value + x.bound for x in operands])
        bound = np.maximum(np.abs(high - value), np.abs(value - low))
        bound = np.where((low == value) & (high == value), 0.0, bound)
    same = reduce(np.logical_and, [np.all(x.bound == 0) for x in operands])
    return np.zeros(np.shape(value)) if same else settled(value, bound)


def power(value: Array, x: Enclosed, exponent: float) -> Enclosed:
    """Return x to a fixed power: products and a quotient for a whole one, a root for a half."""
    size, units = np.abs(x.value), ELEMENTWISE_UNITS["power"]
    if exponent == int(exponent):
        units = min(units, max(abs(exponent) - 1, 1) + RECIPROCAL_ROOT_UNITS * (exponent < 0))
    elif abs(exponent) == 1 / 2:
        units = RECIPROCAL_ROOT_UNITS
    with np.errstate(all="ignore"):
        centre = size**exponent
        far, near = np.abs(x.reach**exponent - centre), np.abs((size - x.bound) ** exponent - centre)
        whole = exponent >= 0 and exponent == int(exponent)
        bound = far if whole else np.where(size > x.bound, np.maximum(far, near), np.inf)
        bound = np.where(x.bound == 0, 0.0, bound)
    return Enclosed(value, rounded(value, settled(value, bound), units))


def compared(value: Array, a: Enclosed, b: Enclosed) -> Enclosed:
    """Return a comparison: undecided where the bounds overlap.

    Whether one of two is the larger of both is decided where those two are.
    """
    if any(x is a for x in b.chosen_from):
        a, b = b.chosen_from
    with np.errstate(all="ignore"):
        doubt = a.bound + b.bound
        gap = np.abs(a.value.astype(np.float64) - b.value)
        undecided = (doubt > 0) & ~(gap > doubt)
    return Enclosed(value, undecided.astype(np.float64))


def either(value: Array, *operands: Enclosed) -> Enclosed:
    """Return what is made of bools or integers: anything where one of them is undecided."""
    doubt = reduce(np.logical_or, [x.bound > 0 for x in operands])
    most = 1.0 if value.dtype == bool else np.inf
    return Enclosed(value, np.where(np.broadcast_to(doubt, np.shape(value)), most, 0.0))


def selected(value: Array, condition: Enclosed, a: Enclosed, b: Enclosed) -> Enclosed:
    """Return ``a`` where the condition holds, ``b`` elsewhere; both where it is undecided."""
    with np.errstate(all="ignore"):
        chosen = np.where(condition.value, a.bound, b.bound)
        gap = np.where(a.value == b.value, 0.0, np.abs(a.value - b.value))  # of equal infinities too
        bound = np.where(condition.bound > 0, np.maximum(a.bound, b.bound) + gap, chosen)
    return Enclosed(value, settled(value, bound), max(a.terms, b.terms))


def summed(value: Array, apply: Map, x: Enclosed, terms: int, more: int = 0) -> Enclosed:
    """Return a sum of up to ``terms`` terms, as ``apply``, a linear map with no coefficient below 0.

    ``more`` counts the roundings besides: of the coefficients, of a division.
    """
    with np.errstate(all="ignore"):
        own = gamma(terms + more, FLOAT32) if terms + more > 1 else 0.0
        bound = apply(x.bound + own * x.reach)
        bound = np.where(np.isinf(value) & np.isnan(bound), 0.0, bound)
    return Enclosed(value, settled(value, bound), terms)


#: What operands of a product are rounded by first under a contract, truncated or not, and its result.
_OPERANDS = {Contract.TF32: 2 * TF32_ROUNDOFF, Contract.BFLOAT16: 2.0**-8, Contract.FLOAT16: 2.0**-11}
_RESULTS = {Contract.BFLOAT16: 2.0**-8, Contract.FLOAT16: 2.0**-11}


def product(
    value: Array, apply: Map, a: Enclosed, b: Enclosed, terms: int, contract: Contract = Contract.FLOAT32
) -> Enclosed:
    """Return a sum of products of ``a`` and ``b``, as ``apply``, a bilinear map of N ``terms``."""
    operand, result = _OPERANDS.get(contract, 0.0), _RESULTS.get(contract, 0.0)
    with np.errstate(all="ignore"):
        first, second = (x.bound + operand * x.reach for x in (a, b))
        own, reach = gamma(terms, FLOAT32), np.abs(b.value) + second
        bound = apply(np.abs(a.value), second + own * reach) + apply(first, (1 + own) * reach)
        bound = bound + np.where(bound > 0, terms * _TINY, 0.0)
        bound = bound + result * (np.abs(value) + bound)
    return Enclosed(value, settled(value, bound), terms)


def undecided_windows(
    x: Enclosed, places: Sequence[tuple[Any, ...]], edges: Sequence[tuple[int, int]]
) -> Array:
    """Return in which windows another element may be the largest.

    ``places`` are the elements of ``x``, padded by ``edges``, that stand at one place of each window.
    """
    high, low, moved = (
        np.pad(array, edges, constant_values=fill)
        for array, fill in ((x.value + x.bound, -np.inf), (x.value - x.bound, -np.inf), (x.bound, 0.0))
    )
    surely = np.max([low[place] for place in places], axis=0)
    rivals = np.sum([high[place] >= surely for place in places], axis=0)
    return np.asarray((rivals > 1) & (np.max([moved[place] for place in places], axis=0) > 0))
