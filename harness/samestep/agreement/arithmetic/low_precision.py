"""Other arithmetics: what the reference gives when one thing in it is done as a candidate might have done it.

Matrix products on operands, or with results, in a coarser format, to identify the arithmetic that was really
used; relu gates that let a gradient pass at 0, to identify that convention; and comparisons of numbers that
may not be finite, which conventions decide either way. Everything else is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from samestep.agreement.arithmetic.indices import scattered
from samestep.agreement.arithmetic.rounding_array import Array, Axis, Index, RoundingArray
from samestep.agreement.arithmetic.rules import COMPARISONS, roundings

Format = Callable[[Array], Array]
Product = Callable[[Array, Array], Array]


def rounding_to(bits: int) -> Format:
    """Return a function that rounds arrays to ``bits`` significant bits, ties to even.

    It takes and returns float64 arrays of any shape; the exponent is unlimited.
    """

    def to_format(value: Array) -> Array:
        mantissa, exponent = np.frexp(value)
        return np.asarray(np.ldexp(np.rint(np.ldexp(mantissa, bits)), exponent - bits))

    return to_format


def truncating_to(bits: int) -> Format:
    """Return a function that keeps ``bits`` significant bits of arrays, and drops the rest.

    It takes and returns float64 arrays of any shape; the exponent is unlimited.
    """

    def to_format(value: Array) -> Array:
        mantissa, exponent = np.frexp(value)
        return np.asarray(np.ldexp(np.trunc(np.ldexp(mantissa, bits)), exponent - bits))

    return to_format


def to_float16(value: Array) -> Array:
    """Return the values as IEEE binary16 holds them, in float64; those over 65504 are infinite."""
    with np.errstate(all="ignore"):
        return value.astype(np.float16).astype(np.float64)


def unchanged(value: Array) -> Array:
    """Return the array itself."""
    return value


to_tf32, to_bfloat16, to_float32 = rounding_to(11), rounding_to(8), rounding_to(24)


def product_with(operand: Format, result: Format = unchanged) -> Product:
    """Return a matrix product whose operands, and whose result, are held in these formats.

    It takes float64 arrays of shapes (..., m, n) and (..., n, p).
    """
    return lambda a, b: result(np.asarray(operand(a) @ operand(b)))


def bfloat16_three_times(a: Array, b: Array) -> Array:
    """Return a @ b of float64 matrices, each the sum of two bfloat16 numbers.

    The product of the two small parts is left out.
    """
    high_a, high_b = to_bfloat16(a), to_bfloat16(b)
    low_a, low_b = to_bfloat16(a - high_a), to_bfloat16(b - high_b)
    return np.asarray(high_a @ high_b + high_a @ low_b + low_a @ high_b)


#: The arithmetics that a float32 label may hide, each as the product of two matrices. In "float64" the
#: product is exact and only its result is rounded.
PRODUCTS: dict[str, Product] = {
    "float64": product_with(unchanged, to_float32),
    "bfloat16 x 3": bfloat16_three_times,
    "TF32": product_with(to_tf32),
    "TF32, cut off": product_with(truncating_to(11)),
    "float16 operands": product_with(to_float16),
    "float16 results": product_with(unchanged, to_float16),
    "bfloat16 operands": product_with(to_bfloat16),
    "bfloat16 results": product_with(unchanged, to_bfloat16),
}


#: The factor that is left to overflow and underflow: what a sum may exceed its result by on the way.
ROOM = 2.0**20
#: What comparisons take for NaN, and for a number so large that float32 may have overflowed on the way to it:
#: larger than all others, or smaller. `h > 0` opens all such gates, or closes them; whatever a framework does
#: there (`max`, `where`, a mask, a clamp) opens or closes each of them.
COMPARED_AS = {"not finite is largest": np.inf, "not finite is smallest": -np.inf}


@dataclass
class Arithmetic:
    """What is done differently from the reference.

    ``product`` replaces all matrix products, or ``only`` the one of that number; ``is_open`` replaces ``h >
    0``; ``not_finite`` replaces the operands of comparisons that may not be finite. ``products`` counts the
    matrix products.
    """

    product: Product = np.matmul
    is_open: Callable[..., Array] = np.greater
    only: int | None = None
    products: int = 0
    not_finite: float | None = None

    def multiply(self, a: Array, b: Array) -> Array:
        """Return a @ b, of shapes (..., m, n) and (..., n, p), in this arithmetic, and count it."""
        number, self.products = self.products, self.products + 1
        return self.product(a, b) if self.only in (None, number) else np.matmul(a, b)

    def compared(self, value: Array) -> Array:
        """Return an operand of a comparison, in its shape, as this arithmetic compares it."""
        if self.not_finite is None or value.dtype.kind != "f":
            return value
        is_sure = np.abs(value) < np.finfo(np.float32).max / ROOM
        return np.where(is_sure, value, self.not_finite)


def arithmetic_named(name: str, only: int | None = None) -> Arithmetic:
    """Return one of `PRODUCTS` or `COMPARED_AS`, or "gates open", by its name.

    Raises KeyError for any other.
    """
    if name == "gates open":
        return Arithmetic(is_open=_always)
    if name in COMPARED_AS:
        return Arithmetic(not_finite=COMPARED_AS[name])
    return Arithmetic(PRODUCTS[name], only=only)


def _always(a: Array, b: Array) -> Array:
    return np.ones(np.broadcast_shapes(np.shape(a), np.shape(b)), bool)


class LowPrecisionArray(RoundingArray):
    """A float64 value that is computed in another arithmetic; ``parts`` is (value,)."""

    def __init__(self, parts: Sequence[Array], arithmetic: Arithmetic) -> None:
        self.parts = tuple(parts)
        self.arithmetic = arithmetic

    def like(self, parts: Sequence[Array]) -> Self:
        return type(self)(parts, self.arithmetic)

    def lift(self, other: object) -> Self:
        if isinstance(other, type(self)):
            return other
        value = np.asarray(other)
        return self.like((value.astype(np.float64) if value.dtype.kind == "f" else value,))

    def elementwise(self, ufunc: np.ufunc, operands: list[Self]) -> Self:
        values = [operand.parts[0] for operand in operands]
        if ufunc in COMPARISONS:
            values = [self.arithmetic.compared(value) for value in values]
        else:
            roundings(ufunc, values)  # what the other array types do not know is not known here either
        function = self.arithmetic.is_open if ufunc is np.greater else ufunc
        return self.like((np.asarray(function(*values)),))

    def product(self, a: Self, b: Self) -> Self:
        return self.like((np.asarray(self.arithmetic.multiply(a.parts[0], b.parts[0])),))

    def total(self, axis: Axis, keepdims: bool) -> Self:
        return self.each(lambda part: np.asarray(part.sum(axis=axis, keepdims=keepdims)))

    def running_total(self, axis: int) -> Self:
        return self.each(lambda part: part.cumsum(axis))

    def with_added(self, index: Index, values: Self) -> Self:
        return self.like((scattered(self.parts[0], index, values.parts[0]),))

    def index_of_largest(self, axis: int) -> Self:
        return self.each(lambda part: part.argmax(axis=axis))

    def monotone(self, function: Callable[[Array], Array]) -> Self:
        return self.each(lambda part: np.asarray(function(part)))

    def select(self, condition: Self, a: Self, b: Self) -> Self:
        return self.like((np.where(condition.parts[0], a.parts[0], b.parts[0]),))
