"""The statistical limit: how far a correct computation is from the exact one, as a rule.

A `Noise` carries a float64 value. After every primitive it adds a random error with that primitive's own
standard deviation, so that running the reference many times shows how rounding errors propagate through it:
correlations, cancellations and flipped gates are included, and no formula is needed for any network.

Rounding errors are taken to be independent, with mean 0 and variance s^2 = u^2 / 3. A dot product whose n
terms p_k are summed one after another in random order then has exactly the variance

    s^2 [ Q + S^2 (n + 1)(2 n + 1) / (6 n) + (Q - S^2 / n)(n + 1) / 6 ],   S = sum p_k,  Q = sum p_k^2,

where the first Q is the rounding of the products. Libraries sum in blocks, and err by half of it. What a long
sum also loses one way (`samestep.agreement.arithmetic.lost_terms`) has one sign in all elements of a result,
so a replica adds it with one random sign.

N. J. Higham and T. Mary, A new approach to probabilistic rounding error analysis, SIAM J. Sci. Comput. 41
(2019), give the model; the formula for a random order is samestep's own, and tested against sums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from samestep.agreement.arithmetic.indices import scattered
from samestep.agreement.arithmetic.long_sums import LONG, product_loss, sum_loss
from samestep.agreement.arithmetic.ordered_sums import bin_loss, running_loss
from samestep.agreement.arithmetic.repeated_terms import repetition
from samestep.agreement.arithmetic.rounding_array import Array, Axis, Index, RoundingArray
from samestep.agreement.arithmetic.rules import COMPARISONS, roundings, rule_of
from samestep.agreement.arithmetic.summation import random_order_variance, sum_variance, wandering
from samestep.agreement.limits import SIMULATED, TF32_ROUNDOFF, rounding_deviation, unit_roundoff


class NoiseTape:
    """The width of the error of every primitive of one computation, in order.

    The first run records the widths and stays exact; each replica reads them and draws its errors. The order
    is always the same, since a reference makes no decision on a computed value. Errors are multiplied by
    ``amplified``.
    """

    amplified = 1.0

    def __init__(self, precision: npt.DTypeLike) -> None:
        self.precision = np.dtype(precision)
        self.deviation = rounding_deviation(SIMULATED[self.precision])
        self.roundoff = unit_roundoff(self.precision)
        self.widths: list[Array] = []
        self.losses: dict[int, Array] = {}  # by the number of their primitive, where there are any
        self.rng: np.random.Generator | None = None
        self.next = 0

    def replay(self, seed: int) -> None:
        """Rewind the tape and draw errors from here on: one seed is one replica."""
        self.rng, self.next = np.random.Generator(np.random.SFC64(seed)), 0

    @property
    def is_recording(self) -> bool:
        """Whether this is the first run."""
        return self.rng is None

    def record(self, deviation: Array, loss: Array | None = None) -> None:
        """Append the standard deviation of a primitive's error, in the units and the shape of its result.

        ``loss`` is what it loses one way in the arithmetic of ``precision``, signed; None for nothing.
        """
        if loss is not None:
            self.losses[len(self.widths)] = loss * (SIMULATED[self.precision] / self.roundoff)
        width = np.asarray(deviation * 12**0.5, np.float32)
        self.widths.append(np.where(np.isfinite(width), width, 0))  # what overflows does so in every replica

    def add_noise(self, value: Array) -> Array:
        """Return ``value`` with the error of the next primitive on the tape; unchanged in the first run."""
        if self.rng is None:
            return value
        width, loss = self.widths[self.next], self.losses.get(self.next)
        self.next += 1
        # Uniform, as one rounding error is; its standard deviation is 1 / sqrt(12) of its width.
        error = np.asarray(self.rng.random(width.shape, np.float32))
        error -= np.float32(0.5)
        error *= width * np.float32(self.amplified)
        if loss is not None:
            value = value + self.rng.choice((-self.amplified, self.amplified)) * loss
        return np.asarray(value + error)


class Noise(RoundingArray):
    """A value in one replica: every primitive adds its random error.

    ``parts`` is (value,), in float64 or exact integers. ``terms`` is the length of the longest sum on the way
    to it.
    """

    tf32 = False

    def __init__(self, parts: Sequence[Array], tape: NoiseTape, terms: int = 1) -> None:
        self.parts = tuple(parts)
        self.tape = tape
        self.terms = terms

    @classmethod
    def exact(cls, value: npt.ArrayLike, tape: NoiseTape) -> Self:
        """Return a value of any shape that the candidate has bit for bit, without noise."""
        value = np.asarray(value)
        return cls((value.astype(np.float64) if value.dtype.kind == "f" else value,), tape)

    @classmethod
    def rounded(cls, number: float, tape: NoiseTape) -> Self:
        """Return a number that the candidate rounds to its dtype once, unless the dtype holds it."""
        if float(np.asarray(number, tape.precision)) == number:
            return cls.exact(number, tape)
        return cls.exact(0.0, tape).with_rounding(np.asarray(number), 1.0)

    @property
    def value(self) -> Array:
        """The noisy value."""
        return self.parts[0]

    def like(self, parts: Sequence[Array]) -> Self:
        return type(self)(parts, self.tape, self.terms)

    def lift(self, other: object) -> Self:
        if isinstance(other, type(self)):
            return other
        if isinstance(other, float):
            return self.rounded(other, self.tape)
        constant = self.exact(np.asarray(other), self.tape)
        held = constant.value.astype(self.tape.precision) == constant.value
        if constant.dtype.kind != "f" or (held | ~np.isfinite(constant.value)).all():
            return constant
        return constant.with_rounding(constant.value, np.where(held, 0.0, 1.0))

    def with_rounding(self, value: Array, units: float | Array, floor: float = 0.0) -> Self:
        """Return ``value`` after a rounding of ``units`` u, for all or for each element.

        They are units of ``floor`` where the value is smaller.
        """
        if self.tape.is_recording:
            self.tape.record(units * self.tape.deviation * np.maximum(np.abs(value), floor))
        return self.like((self.tape.add_noise(value),))

    def with_terms_of(self, operands: Sequence[Self], terms: int = 1) -> Self:
        """Return this array, with the longest sum that any of its operands went through written down."""
        self.terms = max(terms, *(operand.terms for operand in operands))
        return self

    # -- primitives ------------------------------------------------------------------------------------

    def elementwise(self, ufunc: np.ufunc, operands: list[Self]) -> Self:
        values = [operand.value for operand in operands]
        units = 0.0 if ufunc in COMPARISONS else roundings(ufunc, values)
        value = np.asarray(ufunc(*values))
        if not np.any(units) or value.dtype.kind in "iub":  # integers are not rounded
            return self.like((value,)).with_terms_of(operands)
        return self.with_rounding(value, units, rule_of(ufunc).floor).with_terms_of(operands)

    def product(self, a: Self, b: Self) -> Self:
        if self.tf32:
            a, b = a._as_tf32_operand(), b._as_tf32_operand()
        value, n = np.asarray(a.value @ b.value), a.shape[-1]
        if self.tape.is_recording:
            squares = np.square(a.value) @ np.square(b.value)
            variance = squares + random_order_variance(value, squares, n)
            loss = _loss_of_product(a.value, b.value, value, variance, self.tape.roundoff)
            self.tape.record(self.tape.deviation * np.sqrt(variance), loss)
        return self.like((self.tape.add_noise(value),)).with_terms_of([a, b], n)

    def _as_tf32_operand(self) -> Self:
        return self.with_rounding(self.value, TF32_ROUNDOFF / SIMULATED[self.tape.precision])

    def total(self, axis: Axis, keepdims: bool) -> Self:
        value = np.asarray(self.value.sum(axis=axis, keepdims=keepdims))
        if value.dtype.kind in "iu":
            return self.like((value,))
        n = self.size // max(value.size, 1)
        if self.tape.is_recording:
            squares = np.square(self.value).sum(axis=axis, keepdims=keepdims)
            rows, variance = _rows(self.value, axis), random_order_variance(value, squares, n)
            variance = variance * wandering(rows, variance) * repetition(rows).reshape(value.shape)
            loss = sum_loss(rows, variance.reshape(rows.shape[:-1]), self.tape.roundoff)
            signed = None if loss is None else np.sign(value) * loss.reshape(value.shape)
            self.tape.record(self.tape.deviation * np.sqrt(variance), signed)
        return self.like((self.tape.add_noise(value),)).with_terms_of([self], n)

    def running_total(self, axis: int) -> Self:
        value = np.asarray(self.value.cumsum(axis))
        if value.dtype.kind in "iu":
            return self.like((value,))
        if self.tape.is_recording:
            # A loop rounds each running sum S once, and hands its error on. What is summed in blocks rounds
            # the blocks' sums: in random order the square of one is S^2 + Q at most.
            squares = np.square(value) + np.square(self.value).cumsum(axis)
            first = (slice(None),) * (axis % value.ndim) + (slice(0, 1),)
            squares[first] = 0.0
            loss = running_loss(self.value, axis, self.tape.roundoff)
            self.tape.record(self.tape.deviation * np.sqrt(squares), loss)
        errors = self.tape.add_noise(np.zeros(value.shape)).cumsum(axis)
        return self.like((value + errors,)).with_terms_of([self], value.shape[axis])

    def with_added(self, index: Index, values: Self) -> Self:
        value = scattered(self.value, index, values.value)
        if value.dtype.kind in "iu":
            return self.like((value,))
        terms = scattered((self.value != 0).astype(np.float64), index, 1.0)
        if self.tape.is_recording:
            squares = scattered(np.square(self.value), index, np.square(values.value))
            loss = bin_loss(self.value, index, values.value, self.tape.roundoff)
            self.tape.record(self.tape.deviation * np.sqrt(sum_variance(value, squares, terms)), loss)
        most = int(terms.max(initial=1.0))
        return self.like((self.tape.add_noise(value),)).with_terms_of([self, values], most)

    def index_of_largest(self, axis: int) -> Self:
        return self.each(lambda part: part.argmax(axis=axis))

    def monotone(self, function: Callable[[Array], Array]) -> Self:
        return self.each(lambda part: np.asarray(function(part)))

    def select(self, condition: Self, a: Self, b: Self) -> Self:
        value = np.where(condition.value, a.value, b.value)
        return self.like((value,)).with_terms_of([condition, a, b])


def _rows(value: Array, axis: Axis) -> Array:
    """The terms of sums along ``axis``, in the order in which they lie: (sums, terms)."""
    axes = range(value.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    summed = [d % value.ndim for d in axes]
    kept = [d for d in range(value.ndim) if d not in summed]
    return value.transpose(*kept, *summed).reshape(*(value.shape[d] for d in kept), -1)


def _loss_of_product(a: Array, b: Array, product: Array, variance: Array, roundoff: float) -> Array | None:
    """What a @ b loses one way, signed, in the product's shape; vectors are matrices of one row or column."""
    if a.shape[-1] < LONG:
        return None
    a, b = a if a.ndim > 1 else a[None], b if b.ndim > 1 else b[:, None]
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = (np.broadcast_to(x, (*batch, *x.shape[-2:])) for x in (a, b))
    whole = (*batch, a.shape[-2], b.shape[-1])
    loss = product_loss(a, b, product.reshape(whole), np.reshape(variance, whole), roundoff)
    return None if loss is None else np.sign(product) * loss.reshape(product.shape)


class TF32Noise(Noise):
    """For a cell that declares its matrix products in TF32."""

    tf32 = True
