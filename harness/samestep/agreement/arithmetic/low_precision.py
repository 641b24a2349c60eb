"""Other arithmetics: what the reference gives when something in it is done as a candidate might have done it.

Matrix products on operands, or with results, in a coarser format, to name the arithmetic that was really
used; and relu gates that let a gradient pass at 0, to name that convention. Everything else is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from samestep.agreement.arithmetic.rounding_array import COMPARISONS, Duck, roundings

Array = np.ndarray
Format = Callable[[Array], Array]


def bits(kept: int) -> Format:
    """Round to so many significant bits, ties to even; the exponent is unlimited."""

    def rounded(value: Array) -> Array:
        mantissa, exponent = np.frexp(value)
        return np.asarray(np.ldexp(np.rint(np.ldexp(mantissa, kept)), exponent - kept))

    return rounded


def cut(kept: int) -> Format:
    """Keep so many significant bits, and drop the rest."""

    def truncated(value: Array) -> Array:
        mantissa, exponent = np.frexp(value)
        return np.asarray(np.ldexp(np.trunc(np.ldexp(mantissa, kept)), exponent - kept))

    return truncated


def half(value: Array) -> Array:
    """IEEE binary16, with its range: 65504 and no more."""
    with np.errstate(all="ignore"):
        return value.astype(np.float16).astype(np.float64)


def exactly(value: Array) -> Array:
    return value


tf32, bfloat16, single = bits(11), bits(8), bits(24)


def product_of(operand: Format, result: Format = exactly) -> Callable[[Array, Array], Array]:
    return lambda a, b: result(np.asarray(operand(a) @ operand(b)))


def bfloat16_three_times(a: Array, b: Array) -> Array:
    """Each operand as the sum of two bfloat16 numbers; the product of the two small parts is left out."""
    high_a, high_b = bfloat16(a), bfloat16(b)
    low_a, low_b = bfloat16(a - high_a), bfloat16(b - high_b)
    return np.asarray(high_a @ high_b + high_a @ low_b + low_a @ high_b)


#: The arithmetics that a float32 label may hide, each as the product of two matrices. In "float64" the
#: product is exact and only its result is rounded.
PRODUCTS: dict[str, Callable[[Array, Array], Array]] = {
    "float64": product_of(exactly, single),
    "bfloat16 x 3": bfloat16_three_times,
    "TF32": product_of(tf32),
    "TF32, cut off": product_of(cut(11)),
    "float16 operands": product_of(half),
    "float16 results": product_of(exactly, half),
    "bfloat16 operands": product_of(bfloat16),
    "bfloat16 results": product_of(exactly, bfloat16),
}


@dataclass
class Manner:
    """What is done otherwise: ``product``, of all matrix products or ``only`` the one of that number, and
    ``is_open``, which stands for ``h > 0``. ``products`` counts them."""

    product: Callable[[Array, Array], Array] = np.matmul
    is_open: Callable[..., Array] = np.greater
    only: int | None = None
    products: int = 0

    def multiply(self, a: Array, b: Array) -> Array:
        number, self.products = self.products, self.products + 1
        return self.product(a, b) if self.only in (None, number) else np.matmul(a, b)


def manner(name: str, only: int | None = None) -> Manner:
    """What the reference can be asked to do otherwise, by name."""
    if name == "gates open":
        return Manner(is_open=_always)
    return Manner(PRODUCTS[name], only=only)


def _always(a: Array, b: Array) -> Array:
    return np.ones(np.broadcast_shapes(np.shape(a), np.shape(b)), bool)


class Lowered(Duck):
    """``parts`` is (value,)."""

    def __init__(self, parts: Sequence[Array], manner: Manner) -> None:
        self.parts = tuple(parts)
        self.manner = manner

    def like(self, parts: Sequence[Array]) -> Self:
        return type(self)(parts, self.manner)

    def lift(self, other: Any) -> Self:
        if isinstance(other, type(self)):
            return other
        value = np.asarray(other)
        return self.like((value.astype(np.float64) if value.dtype.kind == "f" else value,))

    def elementwise(self, ufunc: np.ufunc, operands: list[Self]) -> Self:
        if ufunc not in COMPARISONS:
            roundings(ufunc, operands)  # what the other array types do not know is not known here either
        function = self.manner.is_open if ufunc is np.greater else ufunc
        return self.like((np.asarray(function(*[operand.parts[0] for operand in operands])),))

    def product(self, a: Self, b: Self) -> Self:
        return self.like((np.asarray(self.manner.multiply(a.parts[0], b.parts[0])),))

    def total(self, axis: Any, keepdims: bool) -> Self:
        return self.each(lambda part: np.asarray(part.sum(axis=axis, keepdims=keepdims)))

    def place(self, axis: int) -> Self:
        return self.each(lambda part: part.argmax(axis=axis))

    def monotone(self, function: Callable[[Array], Array]) -> Self:
        return self.each(lambda part: np.asarray(function(part)))

    def choose(self, condition: Self, a: Self, b: Self) -> Self:
        return self.like((np.where(condition.parts[0], a.parts[0], b.parts[0]),))
