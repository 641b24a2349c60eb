"""The array type for complex-step differentiation: code on real arrays runs unchanged on complex ones.

f'(x) is Im(f(x + i h)) / h. What is analytic is NumPy's own complex function; what is not (abs, sign,
comparisons, a norm) is what its real part decides, with the same slope. W. Squire and G. Trapp, Using complex
variables to estimate derivatives of real functions, SIAM Review 40 (1998).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from samestep.agreement.arithmetic.indices import scattered
from samestep.agreement.arithmetic.rounding_array import Array, Axis, Index, RoundingArray
from samestep.agreement.arithmetic.rules import COMPARISONS, roundings


def _sided(z: Array) -> Array:
    """-1 where a number is negative, or 0 on its way down; else 1."""
    return np.where((z.real < 0) | ((z.real == 0) & (z.imag < 0)), -1.0, 1.0)


def _of_real(function: Callable[..., Any]) -> Callable[..., Array]:
    return lambda *operands: np.asarray(function(*(z.real for z in operands)))


def _logaddexp(a: Array, b: Array) -> Array:
    high, low = np.maximum(a, b), np.minimum(a, b)
    return np.asarray(np.where(np.isinf(high.real), high, high + np.log1p(np.exp(low - high))))


def _through(function: np.ufunc, slope: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """A function that NumPy or SciPy has for real numbers alone, with its derivative."""
    return lambda z: np.asarray(function(z.real) + 1j * slope(z.real) * z.imag)


def _times(a: Array, b: Array) -> Array:
    """The product; what does not move stays so beside an infinity."""
    product = np.empty(np.broadcast_shapes(a.shape, b.shape), complex)
    product.real = a.real * b.real
    product.imag = np.where(b.imag == 0, 0.0, a.real * b.imag) + np.where(a.imag == 0, 0.0, a.imag * b.real)
    return product


def _expit(z: Array) -> Array:
    e = np.exp(-np.abs(z.real))
    return np.asarray(np.where(z.real < 0, e, 1.0) / (1 + e) + 1j * z.imag * e / np.square(1 + e))


#: What NumPy has no complex function for, or another one than real numbers need.
_OWN: dict[str, Callable[..., Array]] = {
    **dict.fromkeys(("absolute", "fabs"), lambda z: _sided(z) * z),
    **{
        name: _of_real(getattr(np, name))
        for name in ("sign", "floor", "ceil", "trunc", "rint", "isnan", "isinf", "isfinite")
    },
    "multiply": _times,
    "square": lambda z: _times(z, z),
    "divide": lambda a, b: np.where(np.isinf(a.real), _times(a, 1 / b), a / b),
    "hypot": lambda a, b: np.sqrt(a * a + b * b),
    "cbrt": _through(np.cbrt, lambda x: 1 / (3 * np.square(np.cbrt(x)))),
    "logaddexp": _logaddexp,
    "logaddexp2": lambda a, b: _logaddexp(a * np.log(2), b * np.log(2)) / np.log(2),
    "expit": _expit,
    "log_expit": lambda z: -_logaddexp(np.zeros_like(z), -z),
    "exp10": lambda z: np.exp(z * np.log(10)),
}


class ComplexStep(RoundingArray):
    """A complex value that stands for a real one; ``parts`` is (value,), complex or exact integers."""

    def __init__(self, value: Any) -> None:
        array = np.asarray(value)
        self.parts = (array.astype(complex) if array.dtype.kind in "fc" else array,)

    @property
    def value(self) -> Array:
        """The complex value, or integers."""
        return self.parts[0]

    @property
    def dtype(self) -> np.dtype:
        """float64 for complex values: the dtype that the code believes in."""
        return np.dtype(np.float64) if self.value.dtype.kind == "c" else self.value.dtype

    def like(self, parts: Sequence[Array]) -> Self:
        return type(self)(parts[0])

    def lift(self, other: object) -> Self:
        return other if isinstance(other, type(self)) else type(self)(other)

    def elementwise(self, ufunc: np.ufunc, operands: list[Self]) -> Self:
        values = [operand.value for operand in operands]
        if ufunc not in COMPARISONS:
            roundings(ufunc, [operand.value.real for operand in operands])  # raises for what no type knows
        function = _OWN.get(ufunc.__name__, ufunc) if any(v.dtype.kind == "c" for v in values) else ufunc
        return self.like((np.asarray(function(*values)),))

    def product(self, a: Self, b: Self) -> Self:
        return self.like((np.asarray(a.value @ b.value),))

    def total(self, axis: Axis, keepdims: bool) -> Self:
        return self.each(lambda part: np.asarray(part.sum(axis=axis, keepdims=keepdims)))

    def running_total(self, axis: int) -> Self:
        return self.each(lambda part: part.cumsum(axis))

    def with_added(self, index: Index, values: Self) -> Self:
        return self.like((scattered(self.value, index, values.value),))

    def index_of_largest(self, axis: int) -> Self:
        return self.each(lambda part: part.argmax(axis=axis))

    def select(self, condition: Self, a: Self, b: Self) -> Self:
        return self.like((np.where(condition.value, a.value, b.value),))

    def monotone(self, function: Callable[[Array], Array]) -> Self:
        cast = np.asarray(function(self.value.real))
        # A cast to fewer digits is taken for none: its slope is 1.
        return self.like((self.value.copy() if cast.dtype.kind == "f" else cast,))

    def astype(self, dtype: Any, copy: bool = True) -> Self:
        is_float = np.dtype(dtype) == np.float64 and self.value.dtype.kind == "c"
        return self.like((self.value.copy(),)) if is_float else super().astype(dtype)
