"""The table of rules: how often each elementwise operation rounds, and how it propagates error bounds.

Every array type and engine reads this one table, so that a new operation is added once. Rounding follows the
standard model, fl(a op b) = (a op b)(1 + d) with |d| <= u, where u is the unit roundoff of the dtype. exp,
log and division are bounded over the whole interval of their operand, not to first order; a function that
goes one way only is bounded by its values at both ends of the interval. Operations have NumPy's names, or
those of ``scipy.special``.

N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, chapters 2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import Any, Protocol

import numpy as np

from samestep.agreement.arithmetic.elementwise_units import RECIPROCAL_ROOT_UNITS
from samestep.agreement.arithmetic.unknown_operation import UnknownOperation, is_numpys, is_scipys, name_of
from samestep.agreement.limits import LIBRARY_FUNCTION_UNITS

Array = np.ndarray

COMPARISONS = (np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal)


class Enclosure(Protocol):
    """A value, and a bound on |computed - value| of the same shape and in the value's own units."""

    @property
    def value(self) -> Array: ...

    @property
    def bound(self) -> Array: ...


Propagate = Callable[[Array, Sequence[Enclosure]], Array]


@dataclass(frozen=True)
class Rule:
    """What is known of one elementwise operation.

    ``units`` is how much it rounds, in u: 1 for arithmetic, 0 for what is exact, `LIBRARY_FUNCTION_UNITS` for
    a library's functions. ``propagate(value, operands)`` returns the bound on the result that follows from
    the bounds of the operands, in the result's units and shape; the operation's own rounding is added to it.
    None stands for a function that is monotone in each operand, all up or one down. ``floor`` is the least
    size that the rounding is of: 1 where the zeros of the result are no zeros of an operand.
    """

    units: float
    propagate: Propagate | None
    floor: float = 0.0


def rule_of(ufunc: np.ufunc) -> Rule:
    """Return the rule of an operation. Raises `UnknownOperation` for what is not in the table."""
    rule = RULES.get(ufunc.__name__)
    if rule is None or not (is_numpys(ufunc) or is_scipys(ufunc)):
        raise UnknownOperation(name_of(ufunc))
    return rule


def roundings(ufunc: np.ufunc, values: Sequence[Array]) -> float | Array:
    """Return how much one call of ``ufunc`` on operands with these values rounds, in u.

    Raises `UnknownOperation` for what is not in the table, and of floats where it is for integers only.
    """
    rule = rule_of(ufunc)
    if ufunc.__name__ in INTEGERS and any(value.dtype.kind not in "iub" for value in values):
        raise UnknownOperation(name_of(ufunc))
    return _power_units(values[1]) if ufunc is np.power else rule.units


def passed_on(ufunc: np.ufunc, value: Array, operands: Sequence[Enclosure]) -> Array:
    """Return the bound on ``value``, made of these operands, that follows from theirs."""
    propagate = rule_of(ufunc).propagate
    bound = _by_ends(ufunc, value, operands) if propagate is None else propagate(value, operands)
    return _settled(ufunc, value, np.asarray(bound), operands)


def _settled(ufunc: np.ufunc, value: Array, bound: Array, operands: Sequence[Enclosure]) -> Array:
    """A bound without NaN: what follows from a sure infinity is as sure, if its sign is."""
    if np.isfinite(bound).all() and np.isfinite(value).all():
        return bound
    infinite = [~np.isfinite(x.value) & (x.bound == 0) for x in operands]
    known = [np.isfinite(x.bound) for x in operands]
    if ufunc in (np.multiply, np.divide):  # where a factor may have either sign, so has the result
        known = [~(x.bound > 0) | (np.abs(x.value) > x.bound) for x in operands]
    sure = ~np.isfinite(value) & reduce(np.logical_or, infinite) & reduce(np.logical_and, known)
    return np.where(sure, 0.0, np.where(np.isnan(bound), np.inf, bound))


def _by_ends(ufunc: np.ufunc, value: Array, operands: Sequence[Enclosure]) -> Array:
    moved = [
        np.abs(ufunc(*(x.value.astype(np.float64) + sign * x.bound for x in operands)) - value)
        for sign in (-1, 1)
    ]
    exact = reduce(np.logical_and, [x.bound == 0 for x in operands])
    return np.where(exact, 0.0, np.maximum(*moved))


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


def _reciprocal(value: Array, operands: Sequence[Enclosure]) -> Array:
    (a,) = operands
    room = np.abs(a.value) - a.bound
    return np.where(room > 0, np.abs(value) * a.bound / room, np.inf)


def _square(value: Array, operands: Sequence[Enclosure]) -> Array:
    (a,) = operands
    return np.asarray(a.bound * (2 * np.abs(a.value) + a.bound))


def _power_units(exponent: Array) -> float | Array:
    """As many products at worst as a whole exponent has, and a quotient.

    From 3 on a library's pow rounds less. Exponents in an array are the library's.
    """
    size = np.abs(exponent.astype(np.float64))
    products = np.maximum(size - 1, 1) + np.where(exponent < 0, RECIPROCAL_ROOT_UNITS, 0.0)
    rooted = np.where(size == 1 / 2, RECIPROCAL_ROOT_UNITS, LIBRARY_FUNCTION_UNITS)
    units = np.where(size == np.floor(size), products, rooted)
    return np.asarray(np.maximum(units, LIBRARY_FUNCTION_UNITS) if exponent.ndim else units)


def _power(value: Array, operands: Sequence[Enclosure]) -> Array:
    base, exponent = operands
    n, size = exponent.value.astype(np.float64), np.abs(base.value).astype(np.float64)
    ends = [size + base.bound, np.maximum(size - base.bound, 0.0)]
    powers = [end ** (n + sign * exponent.bound) for end in ends for sign in (-1, 1)]
    bound = reduce(np.maximum, [np.abs(power - size**n) for power in powers])
    whole = (n == np.floor(n)) & (exponent.bound == 0)
    defined = np.where(whole & (n >= 0), True, np.where(whole, size, base.value) > base.bound)
    defined |= (base.bound == 0) & (exponent.bound == 0)
    return np.where(defined, bound, np.inf)


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


def _cosh(value: Array, operands: Sequence[Enclosure]) -> Array:
    (a,) = operands
    return np.asarray(np.cosh(np.abs(a.value) + a.bound) - value)


def _hypot(value: Array, operands: Sequence[Enclosure]) -> Array:
    a, b = operands  # convex: it grows by more than it shrinks
    return np.asarray(np.hypot(np.abs(a.value) + a.bound, np.abs(b.value) + b.bound) - value)


def _within_one(value: Array, operands: Sequence[Enclosure]) -> Array:
    return np.asarray(np.minimum(operands[0].bound, 2.0))  # |f'| <= 1 and |f| <= 1, for tanh, sin and cos


def _same(value: Array, operands: Sequence[Enclosure]) -> Array:
    return operands[0].bound.copy()


def _extreme(value: Array, operands: Sequence[Enclosure]) -> Array:
    a, b = operands
    chosen = np.where(value == a.value, a.bound, b.bound)
    undecided = np.abs(a.value - b.value) <= a.bound + b.bound
    return np.where(undecided, np.maximum(a.bound, b.bound), chosen)


def _is_known(value: Array, operands: Sequence[Enclosure]) -> Array:
    return np.where(np.isfinite(operands[0].bound), 0.0, 1.0)


def _if_exact(value: Array, operands: Sequence[Enclosure]) -> Array:
    undecided = reduce(np.logical_or, [x.bound > 0 for x in operands])
    return np.where(undecided, np.inf, 0.0)


def _truth(logical: Callable[..., Any]) -> Propagate:
    """Undecided where the result is another for an undecided operand's other value."""

    def propagate(value: Array, operands: Sequence[Enclosure]) -> Array:
        if value.dtype != bool:
            return _if_exact(value, operands)
        other = np.zeros(value.shape, bool)
        for flips in product((False, True), repeat=len(operands)):
            values = [x.value ^ (flip & (x.bound > 0)) for x, flip in zip(operands, flips, strict=True)]
            other |= logical(*values) != value
        return other.astype(np.float64)

    return propagate


#: Of integers and bools alone: no float's remainder is bounded.
INTEGERS = (
    "remainder", "floor_divide", "left_shift", "right_shift", "bitwise_and", "bitwise_or", "bitwise_xor",
    "invert",
)  # fmt: skip

_ROUNDS_AS_A_LIBRARY = (
    "expm1", "exp2", "log2", "log10", "arctan", "sinh", "arcsin", "arccos", "arcsinh", "arccosh", "arctanh",
    "cbrt", "erf", "expit", "log_expit", "ndtr", "log_ndtr", "erfinv", "ndtri", "exp10",
)  # fmt: skip
_STEPS = ("sign", "floor", "ceil", "trunc", "rint")

RULES: dict[str, Rule] = {
    "add": Rule(1.0, _sum),
    "subtract": Rule(1.0, _sum),
    "multiply": Rule(1.0, _multiply),
    "divide": Rule(1.0, _divide),
    "reciprocal": Rule(1.0, _reciprocal),
    "square": Rule(1.0, _square),
    "power": Rule(1.0, _power),  # `roundings` counts its products
    "sqrt": Rule(1.0, _sqrt),
    "exp": Rule(LIBRARY_FUNCTION_UNITS, _exp),
    "log": Rule(LIBRARY_FUNCTION_UNITS, _log),
    "log1p": Rule(LIBRARY_FUNCTION_UNITS, _log1p),
    "cosh": Rule(LIBRARY_FUNCTION_UNITS, _cosh),
    **dict.fromkeys(("tanh", "sin", "cos"), Rule(LIBRARY_FUNCTION_UNITS, _within_one)),
    **dict.fromkeys(_ROUNDS_AS_A_LIBRARY, Rule(LIBRARY_FUNCTION_UNITS, None)),
    # 1 - erf(x), and the larger operand + log1p(...), round as numbers near 1 do
    **dict.fromkeys(("erfc", "logaddexp", "logaddexp2"), Rule(LIBRARY_FUNCTION_UNITS, None, 1.0)),
    "hypot": Rule(LIBRARY_FUNCTION_UNITS, _hypot),
    **dict.fromkeys(("negative", "positive", "absolute", "fabs"), Rule(0.0, _same)),
    **dict.fromkeys(("maximum", "minimum", "fmax", "fmin"), Rule(0.0, _extreme)),
    **dict.fromkeys(_STEPS, Rule(0.0, None)),
    **dict.fromkeys(("isnan", "isinf", "isfinite"), Rule(0.0, _is_known)),
    **dict.fromkeys(INTEGERS, Rule(0.0, _if_exact)),
    "bitwise_and": Rule(0.0, _truth(np.logical_and)),
    "bitwise_or": Rule(0.0, _truth(np.logical_or)),
    "bitwise_xor": Rule(0.0, _truth(np.logical_xor)),
    "invert": Rule(0.0, _truth(np.logical_not)),
    **{
        f"logical_{name}": Rule(0.0, _truth(getattr(np, f"logical_{name}")))
        for name in ("and", "or", "xor", "not")
    },
}
