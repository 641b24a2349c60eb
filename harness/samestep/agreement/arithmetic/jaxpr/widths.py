"""The rule of each primitive that rounds: from its operands and exact result to the half width of its error.

A relative half width is a number. The additions of a sum in random order have the variance of
`samestep.agreement.arithmetic.summation`; terms that are equal round alike, so that variance is multiplied by
the number of terms that are not zero over that of distinct ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from samestep.agreement.arithmetic.elementwise_units import ABSOLUTE, ELEMENTWISE_UNITS
from samestep.agreement.arithmetic.jaxpr.binding import is_float
from samestep.agreement.arithmetic.jaxpr.primitives import ELEMENTWISE
from samestep.agreement.arithmetic.jaxpr.rounding import SIMULATED, Rounding, groups_of, held, roundoff
from samestep.agreement.arithmetic.summation import sum_variance
from samestep.agreement.limits import LIBRARY_FUNCTION_UNITS

Array = np.ndarray
Kernel = Callable[..., Any]


class Operation:
    """One primitive as an equation has it: its ``kernel`` in float64, parameters and traced dtypes."""

    def __init__(self, equation: Any, kernel: Kernel) -> None:
        self.name: str = equation.primitive.name
        self.params: Mapping[str, Any] = equation.params
        self.kernel = kernel
        self.source = equation.invars[0].aval.dtype if equation.invars else None
        self.dtype = equation.outvars[0].aval.dtype
        self.u = roundoff(self.dtype) if is_float(self.dtype) else 0.0


def rounding_of(operation: Operation, operands: Sequence[Array], out: Array) -> Rounding | None:
    """Return how ``out`` rounds, None where it does not."""
    units = _units(operation)
    if units is not None:
        return _elementwise(operation, units, operands, out)
    if operation.name in ("convert_element_type", "reduce_precision"):
        return _conversion(operation, out)
    if operation.name == "cumsum":
        params = operation.params
        own, double = (np.abs(out) * u for u in (operation.u, SIMULATED))
        return Rounding(own, double, None, params["axis"], params["reverse"], out.shape[params["axis"]])
    variance, terms = SUMS[operation.name](operation, operands, out)
    return _sum(operation, variance, terms, out)


def has_rule(name: str) -> bool:
    """Return whether `rounding_of` knows a primitive."""
    return name in (*ELEMENTWISE, *SUMS, "integer_pow", "convert_element_type", "reduce_precision", "cumsum")


def _units(operation: Operation) -> float | None:
    if operation.name == "integer_pow":
        y = operation.params["y"]
        return float(max(abs(y) - 1, 1) + (y < 0))  # as many products at worst, and a division
    return ELEMENTWISE_UNITS.get(ELEMENTWISE.get(operation.name, ""))


def _elementwise(operation: Operation, units: float, operands: Sequence[Array], out: Array) -> Rounding:
    if operation.name in ("add", "add_any", "sub"):
        absorbed = out == operands[0]
        if operation.name != "sub":
            absorbed |= out == operands[1]
        if np.any(absorbed):  # an addend that is lost altogether, or is zero, rounds nothing
            return _absolute(operation, np.abs(out) * ~absorbed, out)
    return Rounding(units * operation.u, units * SIMULATED, groups_of(out))


def _absolute(operation: Operation, widths: Array, out: Array) -> Rounding:
    """Half widths in units of u."""
    widths = np.where(np.isfinite(widths), widths, 0.0)
    own = (widths * operation.u).astype(np.float32)
    double = own if operation.u == SIMULATED else (widths * SIMULATED).astype(np.float32)
    return Rounding(own, double, groups_of(out))


def _conversion(operation: Operation, out: Array) -> Rounding | None:
    if operation.name == "reduce_precision":
        return Rounding(2.0 ** -(operation.params["mantissa_bits"] + 1), None, groups_of(out))
    if is_float(operation.source):
        if operation.u <= roundoff(operation.source):
            return None
    elif held(out, operation.dtype):
        return None
    return Rounding(operation.u, None, groups_of(out))


def _sum(operation: Operation, variance: Array, terms: int, out: Array) -> Rounding:
    """Half widths of a result that is summed in float32 at least, and rounded once to a narrower dtype."""
    variance = np.where(np.isfinite(variance), variance, 0.0)
    inner = min(operation.u, SIMULATED)
    square = np.square(np.where(np.isfinite(out), out, 0.0)) if operation.u > inner else 0.0
    own = np.sqrt(variance * inner**2 + square * operation.u**2).astype(np.float32)
    double = own if operation.u == SIMULATED else np.sqrt(variance).astype(np.float32) * np.float32(SIMULATED)
    return Rounding(own, double, groups_of(out), terms=terms)


# -- sums: (operation, operands, result) -> (variance in units of s^2, longest sum) ---------------------


def _coherence(terms: Array, axis: int = -1) -> Array | float:
    """Terms along ``axis`` that are not zero, over distinct ones."""
    if groups_of(terms) is None:
        return 1.0
    ordered = np.sort(terms, axis=axis)
    nonzero = np.count_nonzero(ordered, axis=axis)
    new = np.diff(ordered, axis=axis) != 0
    first = np.take(ordered, 0, axis) != 0
    distinct = np.count_nonzero(new & (np.take(ordered, range(1, ordered.shape[axis]), axis) != 0), axis=axis)
    return np.asarray(np.maximum(nonzero / np.maximum(distinct + first, 1), 1.0))


def _reduce_sum(operation: Operation, operands: Sequence[Array], out: Array) -> tuple[Array, int]:
    (a,) = operands
    axes = tuple(operation.params["axes"])
    kept = [d for d in range(np.ndim(a)) if d not in axes]
    n = math.prod(a.shape[d] for d in axes)
    terms = np.asarray(a).transpose(*kept, *axes).reshape(*[a.shape[d] for d in kept], n)
    return sum_variance(out, np.square(a).sum(axis=axes), n) * (_coherence(terms) if n > 1 else 1.0), n


def _dot_general(operation: Operation, operands: Sequence[Array], out: Array) -> tuple[Array, int]:
    a, b = operands
    (left_sum, _), _ = operation.params["dimension_numbers"]
    n = math.prod(a.shape[d] for d in left_sum)
    squares = operation.kernel(np.square(a), np.square(b))
    return squares + sum_variance(out, squares, n), n


def _convolution(operation: Operation, operands: Sequence[Array], out: Array) -> tuple[Array, int]:
    a, b = operands
    squares = operation.kernel(np.square(a), np.square(b))
    n = operation.kernel(np.ones(a.shape), np.ones(b.shape)).round()  # padding and dilation are no terms
    return squares + sum_variance(out, squares, n), int(n.max(initial=1))


def _reduce_window_sum(operation: Operation, operands: Sequence[Array], out: Array) -> tuple[Array, int]:
    (a,) = operands
    n = operation.kernel(np.ones(a.shape))
    return sum_variance(out, operation.kernel(np.square(a)), n), int(n.max(initial=1))


def _scatter_add(operation: Operation, operands: Sequence[Array], out: Array) -> tuple[Array, int]:
    a, where, updates = operands
    added = operation.kernel(np.zeros(a.shape), where, np.ones(updates.shape))
    squares = operation.kernel(np.square(a), where, np.square(updates))
    n = added + (a != 0)
    return sum_variance(out, squares, n) * (added > 0), int(n.max(initial=1))


def _select_and_scatter_add(operation: Operation, operands: Sequence[Array], out: Array) -> tuple[Array, int]:
    source, operand = operands
    n = operation.kernel(np.ones(source.shape), operand)
    return sum_variance(out, operation.kernel(np.square(source), operand), n), int(n.max(initial=1))


def _products(operation: Operation, operands: Sequence[Array], out: Array) -> tuple[Array, int]:
    """As many roundings as factors at worst, of which each is independent."""
    n = max(
        int(np.size(operands[0]) // max(np.size(out), 1)), np.shape(operands[0])[-1] if np.ndim(out) else 1
    )
    return np.square(out) * max(n - 1, 1), n


def _library(operation: Operation, operands: Sequence[Array], out: Array) -> tuple[Array, int]:
    return np.square(LIBRARY_FUNCTION_UNITS * np.maximum(np.abs(out), 1.0)), 1


SUMS: dict[str, Callable[[Operation, Sequence[Array], Array], tuple[Array, int]]] = {
    "reduce_sum": _reduce_sum,
    "dot_general": _dot_general,
    "conv_general_dilated": _convolution,
    "reduce_window_sum": _reduce_window_sum,
    "scatter-add": _scatter_add,
    "scatter_add": _scatter_add,
    "select_and_scatter_add": _select_and_scatter_add,
    "reduce_prod": _products,
    "cumprod": _products,
    "scatter-mul": _products,
    "scatter_mul": _products,
    "cumlogsumexp": _library,
    **dict.fromkeys((name for name, table in ELEMENTWISE.items() if table in ABSOLUTE), _library),
}
