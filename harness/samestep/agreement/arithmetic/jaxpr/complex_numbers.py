"""How complex results round: each part by itself, by what the moduli of the operands allow.

A product's part is the difference of two products: three roundings, none larger than u of the modulus, so
that twice the units of a real operation bound both parts. A sum rounds each part as a real one. Library
functions and quotients are made of products and of real functions. Fourier transforms have stages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jax import lax

from samestep.agreement.arithmetic.elementwise_units import ELEMENTWISE_UNITS
from samestep.agreement.arithmetic.fourier import transform_variance
from samestep.agreement.arithmetic.jaxpr.binding import is_complex
from samestep.agreement.arithmetic.jaxpr.kernels import matrices
from samestep.agreement.arithmetic.jaxpr.operation import Operation
from samestep.agreement.arithmetic.jaxpr.primitives import ELEMENTWISE
from samestep.agreement.arithmetic.jaxpr.rounding import SIMULATED, Rounding, parts
from samestep.agreement.arithmetic.summation import sum_variance
from samestep.agreement.limits import LIBRARY_FUNCTION_UNITS

Array = np.ndarray
#: The variance of each part in units of s^2, in a last axis; real results have one part.
Variance = Callable[[Operation, Sequence[Array], Array], Array]


def has_complex_rule(name: str) -> bool:
    """Return whether complex numbers have a rule in this primitive, of those that round."""
    return name in RULES or name in ELEMENTWISE


def complex_rounding(operation: Operation, operands: Sequence[Array], out: Array) -> Rounding:
    """Return how a result that is complex, or is made of complex numbers, rounds."""
    rule = RULES.get(operation.name, _elementwise)
    variance = rule(operation, operands, out)
    width = np.sqrt(np.where(np.isfinite(variance), variance, 0.0))
    own, double = width * operation.u, width * SIMULATED
    double = own if operation.u == SIMULATED else double
    if is_complex(operation.dtype):
        return Rounding(own, double, parts=True)
    return Rounding(own[..., 0], double[..., 0])


def _both(variance: Array) -> Array:
    return np.stack([variance, variance], -1)


def _elementwise(operation: Operation, operands: Sequence[Array], out: Array) -> Array:
    units = ELEMENTWISE_UNITS.get(ELEMENTWISE[operation.name], LIBRARY_FUNCTION_UNITS)
    return _both(np.square(2 * units * np.abs(out)))


def _sum_of_two(operation: Operation, operands: Sequence[Array], out: Array) -> Array:
    """An addend that is lost altogether, or is zero, rounds nothing."""
    absorbed = parts(out) == parts(np.broadcast_to(operands[0], out.shape))
    return np.where(absorbed, 0.0, np.square(parts(out)))


def _modulus(operation: Operation, operands: Sequence[Array], out: Array) -> Array:
    return _both(np.square(LIBRARY_FUNCTION_UNITS * np.abs(out)))


def _power(operation: Operation, operands: Sequence[Array], out: Array) -> Array:
    y = operation.params["y"]
    return _both(np.square(2 * float(max(abs(y) - 1, 1) + (y < 0)) * np.abs(out)))


def _product_of_all(operation: Operation, operands: Sequence[Array], out: Array) -> Array:
    return _both(4 * np.square(np.abs(out)) * operands[0].size / max(out.size, 1))


def _sum(operation: Operation, operands: Sequence[Array], out: Array) -> Array:
    """Each part is a real sum."""
    axes = tuple(operation.params["axes"])
    terms = parts(operands[0])
    n = np.count_nonzero(terms, axis=axes)
    return np.asarray(sum_variance(parts(out), np.square(terms).sum(axes), n))


def _matrix_product(operation: Operation, operands: Sequence[Array], out: Array) -> Array:
    """Four real products of k terms make two parts, each a sum of 2 k terms."""
    a, b, shape = matrices(operation.params["dimension_numbers"], *operands)
    (real_a, imag_a), (real_b, imag_b) = ((np.square(x.real), np.square(x.imag)) for x in (a, b))
    squares = np.stack([real_a @ real_b + imag_a @ imag_b, real_a @ imag_b + imag_a @ real_b], -1)
    additions = sum_variance(parts(out).reshape(squares.shape), squares, 2.0 * a.shape[-1])
    return np.asarray((squares + additions).reshape(*shape, 2))


def _transform(operation: Operation, operands: Sequence[Array], out: Array) -> Array:
    """Each axis in turn, of real numbers the last one first; later axes spread the errors of earlier ones."""
    lengths, kind = operation.params["fft_lengths"], operation.params["fft_type"]
    axes = [out.ndim - 1 - i for i in range(len(lengths))]
    whole = np.fft.fftn(operands[0], axes=axes) if kind == lax.FftType.RFFT else out
    order = axes[::-1] if kind == lax.FftType.RFFT else axes  # the one that is made last comes first
    variance, done = np.zeros(whole.shape), list[int]()
    for axis in order:
        made = transform_variance(np, np.moveaxis(np.square(np.abs(whole)), axis, -1))
        variance = variance + np.moveaxis(made, -1, axis).mean(tuple(done), keepdims=True)
        whole, done = np.fft.fft(whole, axis=axis, norm="ortho"), [*done, axis]
    variance = variance[..., : out.shape[-1]]
    points = int(np.prod(lengths))
    if kind in (lax.FftType.IFFT, lax.FftType.IRFFT) and points & (points - 1):
        variance = variance + 2 * np.square(np.abs(out))  # 1 / n, rounded, and the product
    return _both(variance / 2) if np.iscomplexobj(out) else variance[..., None]


RULES: dict[str, Variance] = {
    **dict.fromkeys(("add", "add_any", "sub"), _sum_of_two),
    "abs": _modulus,
    "sign": _modulus,
    "integer_pow": _power,
    "reduce_prod": _product_of_all,
    "reduce_sum": _sum,
    "dot_general": _matrix_product,
    "fft": _transform,
}
