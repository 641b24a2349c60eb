"""Bounds of elementwise operations, by the names in `samestep.agreement.arithmetic.elementwise_units`.

A monotone function is bounded by its values at both ends of the interval that its operand is in, so the
engine's own function is all that a rule needs. An operation that stands in none of the tables has no bound.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from samestep.agreement.arithmetic.elementwise_units import ELEMENTWISE_UNITS, RECIPROCAL_ROOT_UNITS
from samestep.agreement.arithmetic.worst_case import (
    Array,
    Enclosed,
    Map,
    added,
    divided,
    monotone,
    multiplied,
    rounded,
    settled,
)

#: Up or down all along each operand's axis, with one operand or with several.
_MONOTONE = """
    exp exp2 expm1 log log2 log10 log1p sqrt rsqrt cbrt tanh sigmoid erf erfc erfinv ndtr ndtri log_ndtr
    arcsin arccos arctan sinh arcsinh arccosh arctanh logaddexp logaddexp2
"""
_ROUNDED = frozenset(_MONOTONE.split())
#: The same of operations that choose or cut off, and round nothing.
_CHOOSING = "maximum minimum clamp relu sign floor ceil round trunc negative positive"
_EXACT = frozenset(_CHOOSING.split())
#: Roots may be made of reciprocal roots, in one instruction.
_UNITS = {"sqrt": RECIPROCAL_ROOT_UNITS, "rsqrt": RECIPROCAL_ROOT_UNITS}


def _of_two(rule: Callable[[Array, Enclosed, Enclosed], Enclosed]) -> Callable[..., Enclosed]:
    return lambda value, _, a, b: rule(value, a, b)


def _square(value: Array, _: Map, x: Enclosed) -> Enclosed:
    return multiplied(value, x, x)


def _absolute(value: Array, _: Map, x: Enclosed) -> Enclosed:
    return Enclosed(value, x.bound, x.terms)


def _reciprocal(value: Array, _: Map, x: Enclosed) -> Enclosed:
    return divided(value, Enclosed.exact(np.ones(())), x)


def _wave(value: Array, _: Map, x: Enclosed) -> Enclosed:
    """A sine or a cosine: no slope is over 1, and no value."""
    return Enclosed(value, rounded(value, np.minimum(x.bound, 2.0), ELEMENTWISE_UNITS["sin"]))


def _erfc(value: Array, apply: Map, x: Enclosed) -> Enclosed:
    """It may be 1 - erf, which rounds as numbers near 1 do."""
    own = rounded(np.maximum(value, 1.0), np.zeros(value.shape), ELEMENTWISE_UNITS["erfc"])
    return Enclosed(value, settled(value, monotone(apply, x) + 2 * own))


def _xlogy(value: Array, _: Map, x: Enclosed, y: Enclosed) -> Enclosed:
    """x log y, which is 0 where x is, whatever the logarithm."""
    with np.errstate(all="ignore"):
        log = bounded("log", np.log(y.value), np.log, y)
    found = multiplied(value, x, log)
    return Enclosed(value, np.where((x.value == 0) & (x.bound == 0), 0.0, found.bound))


_OWN: dict[str, Callable[..., Enclosed]] = {
    "add": _of_two(added), "subtract": _of_two(added), "multiply": _of_two(multiplied),
    "divide": _of_two(divided), "square": _square, "absolute": _absolute, "reciprocal": _reciprocal,
    "sin": _wave, "cos": _wave, "erfc": _erfc, "xlogy": _xlogy,
}  # fmt: skip


def has_bound(name: str) -> bool:
    """Return whether `bounded` knows an elementwise operation."""
    return name in _OWN or name in _ROUNDED or name in _EXACT


def bounded(name: str, value: Array, apply: Map, *operands: Enclosed) -> Enclosed:
    """Return ``value``, which ``apply`` has made of the operands' values, with its bound.

    ``name`` is one that `has_bound` knows.
    """
    if name in _OWN:
        return _OWN[name](value, apply, *operands)
    passed = monotone(apply, *operands)
    if name in _EXACT:
        both = operands if name in ("maximum", "minimum") else ()
        return Enclosed(value, passed, operands[0].terms if name == "negative" else 1, chosen_from=both)
    units = _UNITS.get(name, ELEMENTWISE_UNITS.get(name, ELEMENTWISE_UNITS["exp"]))
    if name.startswith("logaddexp"):  # its own error is of the size of its operands, and of log 2
        size = np.maximum(np.maximum(np.abs(operands[0].value), np.abs(operands[1].value)), 1.0)
        size = np.where(np.isfinite(size), size, np.abs(value))
        return Enclosed(value, settled(value, passed + rounded(size, np.zeros(size.shape), units)))
    return Enclosed(value, rounded(value, passed, units))
