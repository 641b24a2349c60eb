"""Numbers and arrays that the code brings along: literals by value, constants by digest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from samestep.agreement.arithmetic.jaxpr.binding import is_complex, is_float, lifted
from samestep.agreement.arithmetic.jaxpr.rounding import (
    Rounding,
    groups_of,
    joined,
    largest,
    parts,
    roundoff,
)
from samestep.agreement.arithmetic.jaxpr.state import Run, Taint
from samestep.agreement.arithmetic.program import Literal, Nudge, constant_digest, intended_number

Array = np.ndarray
Values = list[Any]

#: A number of at most SHORT binary digits is written as it is in every code, and held exactly, if its dtype
#: has `SPARE` more: that a rounded number ends in six zeros happens once in 64 times. In bfloat16 these are
#: 1, 1.5 and their multiples by powers of two; 1.125 may as well be 2 / sqrt(pi).
SHORT, SPARE = 12, 6


def digits(dtype: Any) -> int:
    """Return the binary digits of a floating dtype's mantissa: 24 of float32, 8 of bfloat16."""
    return -round(math.log2(roundoff(dtype)))


def short(values: Array, dtype: Any) -> Array:
    """Return where float64 values have so few digits that ``dtype`` rounded none; infinities and NaN have."""
    bits = min(SHORT, digits(dtype) - SPARE)
    mantissa = np.ldexp(np.frexp(np.where(np.isfinite(values), values, 0.0))[0], bits)
    return np.asarray(mantissa == np.floor(mantissa))


def number_step(value: Array, dtype: Any, divisor: bool = False) -> LiteralStep | None:
    """Return the step that reads a 0-d number, None where every code holds it exactly.

    A ``divisor`` is often multiplied by instead, as its reciprocal: that rounds unless it is a power of two.
    """
    if is_complex(dtype):
        return _complex_step(complex(value), np.dtype(np.float32 if dtype == np.complex64 else np.float64))
    if not is_float(dtype):
        return None
    x = float(value)
    if not math.isfinite(x) or abs(x) == largest(dtype):
        return None
    meant = x if bool(short(np.asarray(x), dtype)) else _intended(x, dtype)
    if meant == x and (not divisor or abs(math.frexp(x)[0]) in (0.0, 0.5)):
        return None
    return LiteralStep(x, meant, roundoff(dtype))


def _complex_step(x: complex, dtype: Any) -> LiteralStep | None:
    """A complex number's parts are read one by one; what stands for nothing else is as it is."""
    read = [part if short(np.asarray(part), dtype) else _intended(part, dtype) for part in (x.real, x.imag)]
    meant = complex(*(p if r is None else r for p, r in zip((x.real, x.imag), read, strict=True)))
    whole = meant == x and None not in read
    return None if whole else LiteralStep(x, meant, roundoff(dtype))


def _intended(x: float, dtype: Any) -> float | None:
    """The number that float32 or float64 rounded; in fewer digits many look alike, and none is meant."""
    return intended_number(x, str(dtype)) if digits(dtype) >= digits(np.float32) else None


class LiteralStep:
    """Reads a number that its dtype does not hold; each use of it rounds on its own."""

    def __init__(self, value: Any, meant: Any, u: float) -> None:
        self.value = value if meant is None else meant
        self.literal = Literal(value, u) if meant is None else None
        self.rounding = Rounding(u, u)

    def first(self, run: Run, operands: Values, taints: Sequence[Taint]) -> tuple[Values, list[Taint], Any]:
        """Return the number, and register it."""
        if self.literal is not None:
            run.literal(self.literal)
        return self.again(run, operands, None), [1], None

    def again(self, run: Run, operands: Values, record: Any) -> Values:
        """Return the number, rounded or nudged."""
        value = np.asarray(self.value)
        if run.draws is not None:
            return [self.rounding.apply(value, run.draws, run.level)]
        if run.nudge is not None and self.literal is not None and run.nudge.literal == self.literal:
            return [np.asarray(self.value * (1 + run.nudge.sign * self.literal.roundoff))]
        return [value]


class ConstantStep:
    """Reads a captured array; elements that are not short may be off by one rounding on the other side."""

    def __init__(self, constant: Any, dtype: Any) -> None:
        self.value = lifted(constant, dtype)
        self.own: Array | None = None
        self.rounding: Rounding | None = None
        self.parts = is_complex(dtype)
        if self.parts or is_float(dtype):
            own = np.asarray(constant).astype(dtype)
            self.own, self.u = parts(own) if self.parts else own, roundoff(own.dtype)
            self.value = parts(self.value) if self.parts else self.value
            self.moves = ~short(self.value, self.own.dtype)

    def first(self, run: Run, operands: Values, taints: Sequence[Taint]) -> tuple[Values, list[Taint], Any]:
        """Return the array, and register it."""
        if self.own is None or not self.moves.any():
            return [self._whole(self.value)], [None], None
        self.digest = constant_digest(self.own)
        run.record.constants[self.digest] = self.own
        if self.digest in run.shared:
            return [self._whole(self.value)], [None], None
        widths = np.where(self.moves, np.abs(self.value) * self.u, 0.0).astype(np.float32)
        record = Rounding(widths, widths, groups_of(self.value))
        return self.again(run, operands, record), [1], record

    def again(self, run: Run, operands: Values, record: Rounding) -> Values:
        """Return the array, rounded or nudged."""
        if run.draws is not None:
            return [self._whole(record.apply(self.value.copy(), run.draws, run.level))]
        return [self._whole(self._nudged(run.nudge))]

    def _whole(self, value: Array) -> Array:
        return joined(value) if self.parts else value

    def _nudged(self, nudge: Nudge | None) -> Array:
        if nudge is None or nudge.constants is None or self.digest in nudge.shared:
            return np.asarray(self.value)
        rng = np.random.default_rng([nudge.constants, int(self.digest[:8], 16)])
        signs = rng.integers(0, 2, self.value.shape) * 2.0 - 1
        return np.asarray(np.where(self.moves, self.value * (1 + signs * self.u), self.value))
