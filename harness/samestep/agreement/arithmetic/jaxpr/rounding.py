"""How one result rounds: its half widths, as the exact run finds them, and how a replica applies them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import jax.numpy as jnp
import numpy as np

from samestep.agreement.arithmetic.jaxpr.binding import is_complex, is_float
from samestep.agreement.arithmetic.jaxpr.draws import Draws, Groups
from samestep.agreement.arithmetic.program import AMPLIFICATION, Level

Array = np.ndarray

#: float32's unit roundoff, which simulates that of float64 at `Level.DOUBLE`.
SIMULATED = 2.0**-24

#: Elements that are looked at for repeats; smaller arrays are not asked, since their norms are not judged.
SAMPLE, SMALLEST = 512, 32
#: A sample that has no duplicates for one in sixteen is of no array that repeats: of 4,000 values or more.
REPEATS_FROM = 16


def roundoff(dtype: Any) -> float:
    """Return the unit roundoff of a floating dtype, bfloat16 included."""
    return float(jnp.finfo(dtype).eps) / 2


def largest(dtype: Any) -> float:
    """Return the largest number of a floating dtype."""
    return float(jnp.finfo(dtype).max)


@dataclass(slots=True)
class Rounding:
    """The errors of one result.

    ``own`` is the half width at `Level.OWN` and ``double`` at `Level.DOUBLE`: a number is relative to the
    result, an array is absolute, None is no error. ``axis`` is set where errors run on along an axis
    (a cumulative sum, from the end for ``backwards``; relative to the result for ``factors``). ``terms`` is
    the length of the longest sum. ``shape`` and ``strides`` (None for C order) are those of the result, and
    of its errors. ``parts``: of a complex result; widths and errors have its two parts in a last axis.
    """

    own: float | Array | None
    double: float | Array | None
    groups: Groups | None = None
    axis: int | None = None
    backwards: bool = False
    factors: bool = False
    terms: int = 1
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] | None = None
    parts: bool = False

    @property
    def is_uniform(self) -> bool:
        """Whether both levels have the same errors."""
        return self.own is self.double or (isinstance(self.own, float) and self.own == self.double)

    def width(self, level: Level) -> float | Array | None:
        """Return the half width of the errors at a level."""
        if level is Level.DOUBLE:
            return self.double
        if level is Level.OWN or self.own is None:
            return self.own
        return AMPLIFICATION * (self.own if self.double is None else np.maximum(self.own, self.double))

    def apply(self, out: Array, draws: Draws, level: Level) -> Array:
        """Return a replica's ``out`` with its errors."""
        width = self.width(level)
        if width is None:
            return out
        if isinstance(width, float):
            return draws.relative(out, width, self.groups)
        if self.parts:
            return joined(draws.absolute(parts(out), width))
        if self.axis is None:
            return draws.absolute(out, width, self.groups)
        errors = draws.absolute(np.zeros(out.shape), width)
        errors = np.flip(errors, self.axis) if self.backwards else errors
        errors = np.cumsum(errors, self.axis)
        errors = np.flip(errors, self.axis) if self.backwards else errors
        return np.asarray(out * (1 + errors) if self.factors else out + errors)


def parts(values: Array) -> Array:
    """Return the real and imaginary parts in a last axis, of a copy in C order."""
    return np.stack([np.real(values), np.imag(values)], -1)


def joined(values: Array) -> Array:
    """Return the complex numbers of which the last axis holds the parts."""
    return np.asarray(np.ascontiguousarray(values).view(np.complex128)[..., 0])


def dense_strides(out: Array) -> tuple[int, ...] | None:
    """Return the strides of a result in another order than C's that fills its memory, else None."""
    if out.flags.c_contiguous:
        return None
    expected = out.itemsize
    for stride, size in sorted(zip(out.strides, out.shape, strict=True)):
        if size > 1 and stride != expected:
            return None
        expected *= size
    return out.strides


def groups_of(values: Array) -> Groups | None:
    """Return which elements of ``values`` are equal, where many are.

    Equal results of one operation come from equal operands, and real arithmetic rounds them alike. Zeros,
    infinities and NaN round nowhere, and do not count.
    """
    flat = np.asarray(values)
    if not repeats(flat):
        return None
    distinct, member = np.unique(flat, return_inverse=True)
    return Groups(member.reshape(np.shape(values)).astype(np.int32), distinct.size)


def repeats(values: Array) -> bool:
    """Return whether many elements of ``values`` are equal, by a sample; what rounds nowhere aside."""
    if values.size < SMALLEST:
        return False
    flat = values.ravel() if values.size <= SAMPLE else values.reshape(-1)[_places(values.size)]
    ordered = np.sort(flat)
    same = np.count_nonzero((ordered[1:] == ordered[:-1]) & (ordered[1:] != 0) & np.isfinite(ordered[1:]))
    return int(same) * REPEATS_FROM >= max(int(np.count_nonzero(flat)), 2)


@cache
def _places(size: int) -> Array:
    """Return `SAMPLE` fixed places below ``size``, in order."""
    return np.unique(np.random.default_rng(size).integers(0, size, SAMPLE))


def held(values: Array, dtype: Any) -> bool:
    """Return whether ``dtype`` holds every one of these float64 values exactly; float32 for a wider one.

    A float64 result is computed here as it really is, rounded: that float64 holds it says nothing.
    """
    if is_complex(dtype):
        return held(parts(values), np.float32)
    if not is_float(dtype):
        return True
    wide, dtype = np.asarray(values), np.float32 if dtype == np.float64 else dtype
    with np.errstate(over="ignore"):
        return bool(np.array_equal(wide.astype(dtype).astype(np.float64), wide, equal_nan=True))
