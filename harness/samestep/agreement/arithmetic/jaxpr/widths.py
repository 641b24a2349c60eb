"""How each primitive's result rounds: from its operands and exact result to the half widths of its errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from samestep.agreement.arithmetic.elementwise_units import ELEMENTWISE_UNITS
from samestep.agreement.arithmetic.jaxpr.binding import is_complex, is_float
from samestep.agreement.arithmetic.jaxpr.complex_numbers import complex_rounding
from samestep.agreement.arithmetic.jaxpr.operation import Operation
from samestep.agreement.arithmetic.jaxpr.primitives import ELEMENTWISE
from samestep.agreement.arithmetic.jaxpr.rounding import SIMULATED, Rounding, groups_of, held, roundoff
from samestep.agreement.arithmetic.jaxpr.sums import SUMS, SumErrors
from samestep.agreement.limits import LIBRARY_FUNCTION_UNITS

Array = np.ndarray

#: Each result is made of the one before, whose error it inherits.
RUNNING = ("cumsum", "cumprod", "cumlogsumexp")


def has_rule(name: str) -> bool:
    """Return whether `rounding_of` knows a primitive."""
    others = ("integer_pow", "convert_element_type", "reduce_precision")
    return name in (*ELEMENTWISE, *SUMS, *RUNNING, *others)


def rounding_of(operation: Operation, operands: Sequence[Array], out: Array) -> Rounding | None:
    """Return how ``out`` rounds, None where it does not."""
    if is_complex(operation.dtype) or is_complex(operation.source):
        return complex_rounding(operation, operands, out)
    units = _units(operation)
    if units is not None:
        return _elementwise(operation, units, operands, out)
    if operation.name in ("convert_element_type", "reduce_precision"):
        return _conversion(operation, out)
    if operation.name in RUNNING:
        return _running(operation, out)
    return _sum(operation, SUMS[operation.name](operation, operands, out), out)


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


def _running(operation: Operation, out: Array) -> Rounding:
    """The error of each step stays: in a product relatively, in a sum as it is."""
    size = {
        "cumsum": np.abs(out),
        "cumprod": np.ones(out.shape),
        "cumlogsumexp": LIBRARY_FUNCTION_UNITS * np.maximum(np.abs(out), 1.0),
    }[operation.name]
    size = np.where(np.isfinite(size), size, 0.0)
    own, double = size * operation.u, size * SIMULATED
    axis = operation.params["axis"]
    return Rounding(
        own,
        own if operation.u == SIMULATED else double,
        axis=axis,
        backwards=operation.params["reverse"],
        factors=operation.name == "cumprod",
        terms=out.shape[axis],
    )


def _sum(operation: Operation, errors: SumErrors, out: Array) -> Rounding:
    """Half widths of a result that is summed in float32 at least, and rounded once to a narrower dtype."""
    variance = np.where(np.isfinite(errors.variance), errors.variance, 0.0)
    double = np.sqrt(variance).astype(np.float32) * np.float32(SIMULATED)
    own = double
    if operation.u > SIMULATED:
        rounded = np.where(np.isfinite(out), out, 0.0) * operation.u
        own = np.hypot(double, rounded).astype(np.float32)
    if errors.loss is not None:
        own = np.hypot(own, 3**0.5 * errors.loss.reshape(out.shape)).astype(np.float32)
    return Rounding(own, double, groups_of(out), terms=errors.terms)
