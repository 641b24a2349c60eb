"""The statistical limit: how far an honest computation is from the exact one, as a rule.

A `Noise` carries a float64 value. After every primitive it adds a random error of that primitive's own
standard deviation, so that running the reference many times shows how rounding errors travel through it:
correlations, cancellations and flipped gates come along, and no formula is needed for any network.

Rounding errors are taken for independent, with mean 0 and variance s^2 = u^2 / 3. A dot product whose n
terms p_k are summed one after another in random order then has exactly the variance

    s^2 [ Q + S^2 (n + 1)(2 n + 1) / (6 n) + (Q - S^2 / n)(n + 1) / 6 ],   S = sum p_k,  Q = sum p_k^2,

where the first Q is the rounding of the products. Libraries sum in blocks, and err by half of it.

N. J. Higham and T. Mary, A new approach to probabilistic rounding error analysis, SIAM J. Sci. Comput. 41
(2019), give the model; the formula for a random order is samestep's own, and tested against sums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from samestep.agreement.arithmetic.rounding_array import COMPARISONS, Duck, roundings
from samestep.agreement.limits import SIMULATED, TF32_ROUNDOFF, rounding_deviation

Array = np.ndarray


def sum_variance(total: Array, squares: Array, n: int) -> Array:
    """Variance, in units of s^2, of the additions of n terms in random order: S, Q -> variance."""
    variance = total**2 * ((n + 1) * (2 * n + 1) / (6 * n)) + (squares - total**2 / n) * ((n + 1) / 6)
    return np.maximum(variance, 0.0)  # Q >= S^2 / n, but for rounding


class Ledger:
    """The width of the errors of every primitive of one computation, in order.

    The first run writes them and stays exact; each replica reads them and draws its errors. The order is
    always the same, since a reference makes no decision on a computed value.
    """

    def __init__(self, precision: Any) -> None:
        self.precision = np.dtype(precision)
        self.deviation = rounding_deviation(SIMULATED[self.precision])
        self.widths: list[Array] = []
        self.rng: np.random.Generator | None = None
        self.next = 0

    def replay(self, seed: int) -> None:
        """From here on, draw: one seed, one replica."""
        self.rng, self.next = np.random.Generator(np.random.SFC64(seed)), 0

    @property
    def records(self) -> bool:
        return self.rng is None

    def write(self, deviation: Array) -> None:
        width = np.asarray(deviation * 12**0.5, np.float32)
        self.widths.append(np.where(np.isfinite(width), width, 0))  # what overflows does so in every replica

    def noisy(self, value: Array) -> Array:
        """``value`` with the error of the primitive whose turn it is; exact in the first run."""
        if self.rng is None:
            return value
        width = self.widths[self.next]
        self.next += 1
        # Uniform, as one rounding error is; its standard deviation is 1 / sqrt(12) of its width.
        error = np.asarray(self.rng.random(width.shape, np.float32))
        error -= np.float32(0.5)
        error *= width
        return np.asarray(value + error)


class Noise(Duck):
    """``parts`` is (value,). ``terms`` is the length of the longest sum on the way to it."""

    tf32 = False

    def __init__(self, parts: Sequence[Array], ledger: Ledger, terms: int = 1) -> None:
        self.parts = tuple(parts)
        self.ledger = ledger
        self.terms = terms

    @classmethod
    def exact(cls, value: Any, ledger: Ledger) -> Self:
        """A value that the candidate has bit for bit."""
        value = np.asarray(value)
        return cls((value.astype(np.float64) if value.dtype.kind == "f" else value,), ledger)

    @classmethod
    def rounded(cls, number: float, ledger: Ledger) -> Self:
        """A number that the candidate rounds to its dtype once, unless the dtype holds it."""
        if float(np.asarray(number, ledger.precision)) == number:
            return cls.exact(number, ledger)
        return cls.exact(0.0, ledger).noisy(np.asarray(number), 1.0)

    @property
    def value(self) -> Array:
        return self.parts[0]

    def like(self, parts: Sequence[Array]) -> Self:
        return type(self)(parts, self.ledger, self.terms)

    def lift(self, other: Any) -> Self:
        if isinstance(other, type(self)):
            return other
        return (
            self.rounded(other, self.ledger) if isinstance(other, float) else self.exact(other, self.ledger)
        )

    def noisy(self, value: Array, units: float) -> Self:
        """``value`` after a rounding of so many u."""
        if self.ledger.records:
            self.ledger.write(units * self.ledger.deviation * np.abs(value))
        return self.like((self.ledger.noisy(value),))

    def through(self, operands: Sequence[Self], terms: int = 1) -> Self:
        """The same value, with the longest sum that any of its operands went through."""
        self.terms = max(terms, *(operand.terms for operand in operands))
        return self

    # -- primitives ------------------------------------------------------------------------------------

    def elementwise(self, ufunc: np.ufunc, operands: list[Self]) -> Self:
        units = 0.0 if ufunc in COMPARISONS else roundings(ufunc, operands)
        value = np.asarray(ufunc(*[operand.value for operand in operands]))
        exact = not units or value.dtype.kind in "iub"  # integers are not rounded
        return (self.like((value,)) if exact else self.noisy(value, units)).through(operands)

    def product(self, a: Self, b: Self) -> Self:
        if self.tf32:
            a, b = a.cut(), b.cut()
        value, n = np.asarray(a.value @ b.value), a.shape[-1]
        if self.ledger.records:
            squares = np.square(a.value) @ np.square(b.value)
            variance = squares + sum_variance(value, squares, n)
            self.ledger.write(self.ledger.deviation * np.sqrt(variance))
        return self.like((self.ledger.noisy(value),)).through([a, b], n)

    def cut(self) -> Self:
        """An operand of a TF32 product."""
        return self.noisy(self.value, TF32_ROUNDOFF / SIMULATED[self.ledger.precision])

    def total(self, axis: Any, keepdims: bool) -> Self:
        value = np.asarray(self.value.sum(axis=axis, keepdims=keepdims))
        if value.dtype.kind in "iu":
            return self.like((value,))
        n = self.size // max(value.size, 1)
        if self.ledger.records:
            squares = np.square(self.value).sum(axis=axis, keepdims=keepdims)
            self.ledger.write(self.ledger.deviation * np.sqrt(sum_variance(value, squares, n)))
        return self.like((self.ledger.noisy(value),)).through([self], n)

    def place(self, axis: int) -> Self:
        return self.each(lambda part: part.argmax(axis=axis))

    def monotone(self, function: Callable[[Array], Array]) -> Self:
        return self.each(lambda part: np.asarray(function(part)))

    def choose(self, condition: Self, a: Self, b: Self) -> Self:
        return self.like((np.where(condition.value, a.value, b.value),)).through([condition, a, b])


class TF32Noise(Noise):
    """For a cell that declares its matrix products in TF32."""

    tf32 = True
