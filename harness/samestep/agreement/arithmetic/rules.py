"""The table of rules: how often each elementwise operation rounds, and how it propagates error bounds.

Every array type and engine reads this one table, so that a new operation is added once. Rounding follows the
standard model, fl(a op b) = (a op b)(1 + d) with |d| <= u, where u is the unit roundoff of the dtype. exp,
log and division are bounded over the whole interval of their operand, not to first order.

N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, chapters 2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from samestep.agreement.limits import LIBRARY_FUNCTION_UNITS

Array = np.ndarray

COMPARISONS = (np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal)


class UnknownOperation(TypeError):
    """Raised where a reference uses an operation that is not in the table."""


class Enclosure(Protocol):
    """A value, and a bound on |computed - value| of the same shape and in the value's own units."""

    @property
    def value(self) -> Array: ...

    @property
    def bound(self) -> Array: ...


@dataclass(frozen=True)
class Rule:
    """What is known of one elementwise operation.

    ``units`` is how much it rounds, in u: 1 for arithmetic, 0 for what is exact, `LIBRARY_FUNCTION_UNITS` for
    a library's functions. ``propagate(value, operands)`` returns the bound on the result that follows from
    the bounds of the operands, in the result's units and shape; the operation's own rounding is added to it.
    """

    units: float
    propagate: Callable[[Array, Sequence[Enclosure]], Array]


def roundings(ufunc: np.ufunc, values: Sequence[Array]) -> float:
    """Return how much one call of ``ufunc`` on operands with these values rounds, in u.

    Raises `UnknownOperation` for what is not in the table, and for a power whose exponent is not a single
    non-negative integer.
    """
    if ufunc not in RULES:
        raise UnknownOperation(f"np.{ufunc.__name__}")
    if ufunc is np.power:
        exponent = values[1]
        if exponent.dtype.kind not in "iu" or exponent.ndim or exponent < 0:
            raise UnknownOperation("np.power with an exponent that is not a single non-negative integer")
        return float(max(int(exponent) - 1, 1))  # as many products at worst; a library's pow rounds less
    return RULES[ufunc].units


def _sum(value: Array, operands: Sequence[Enclosure]) -> Array:
    return np.asarray(operands[0].bound + operands[1].bound)


def _multiply(value: Array, operands: Sequence[Enclosure]) -> Array:
    a, b = operands
    return np.asarray(np.abs(a.value) * b.bound + a.bound * (np.abs(b.value) + b.bound))


def _divide(value: Array, operands: Sequence[Enclosure]) -> Array:
    a, b = operands
    room = np.abs(b.value) - b.bound  # the smallest that the divisor may be
    bound = (a.bound + np.abs(value) * b.bound) / room
    return np.where(room > 0, bound, np.inf)


def _square(value: Array, operands: Sequence[Enclosure]) -> Array:
    (a,) = operands
    return np.asarray(a.bound * (2 * np.abs(a.value) + a.bound))


def _power(value: Array, operands: Sequence[Enclosure]) -> Array:
    base, exponent = operands
    n = int(exponent.value)
    return np.asarray((np.abs(base.value) + base.bound) ** n - np.abs(base.value) ** n)


def _sqrt(value: Array, operands: Sequence[Enclosure]) -> Array:
    (a,) = operands
    # |sqrt(a') - sqrt(a)| = |a' - a| / (sqrt(a') + sqrt(a)), and never more than the root of the bound.
    return np.asarray(np.minimum(np.sqrt(a.bound), np.where(value > 0, a.bound / value, np.inf)))


def _exp(value: Array, operands: Sequence[Enclosure]) -> Array:
    return np.asarray(value * np.expm1(operands[0].bound))


def _log(value: Array, operands: Sequence[Enclosure]) -> Array:
    (a,) = operands
    return np.where(a.bound < a.value, -np.log1p(-a.bound / a.value), np.inf)


def _log1p(value: Array, operands: Sequence[Enclosure]) -> Array:
    (a,) = operands
    room = 1 + a.value  # the operand of the logarithm, which is steepest on the lower side
    return np.where(a.bound < room, -np.log1p(-a.bound / room), np.inf)


def _within_one(value: Array, operands: Sequence[Enclosure]) -> Array:
    return np.asarray(np.minimum(operands[0].bound, 2.0))  # |f'| <= 1 and |f| <= 1, for tanh, sin and cos


def _same(value: Array, operands: Sequence[Enclosure]) -> Array:
    return operands[0].bound.copy()


def _extreme(value: Array, operands: Sequence[Enclosure]) -> Array:
    a, b = operands
    chosen = np.where(value == a.value, a.bound, b.bound)
    undecided = np.abs(a.value - b.value) <= a.bound + b.bound
    return np.where(undecided, np.maximum(a.bound, b.bound), chosen)


RULES: dict[np.ufunc, Rule] = {
    np.add: Rule(1.0, _sum),
    np.subtract: Rule(1.0, _sum),
    np.multiply: Rule(1.0, _multiply),
    np.divide: Rule(1.0, _divide),
    np.square: Rule(1.0, _square),
    np.power: Rule(1.0, _power),  # `roundings` counts its products
    np.sqrt: Rule(1.0, _sqrt),
    np.exp: Rule(LIBRARY_FUNCTION_UNITS, _exp),
    np.log: Rule(LIBRARY_FUNCTION_UNITS, _log),
    np.log1p: Rule(LIBRARY_FUNCTION_UNITS, _log1p),
    np.tanh: Rule(LIBRARY_FUNCTION_UNITS, _within_one),
    np.sin: Rule(LIBRARY_FUNCTION_UNITS, _within_one),
    np.cos: Rule(LIBRARY_FUNCTION_UNITS, _within_one),
    np.negative: Rule(0.0, _same),
    np.positive: Rule(0.0, _same),
    np.absolute: Rule(0.0, _same),
    np.maximum: Rule(0.0, _extreme),
    np.minimum: Rule(0.0, _extreme),
}
