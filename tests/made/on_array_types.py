"""One function of arrays, on plain NumPy and on every array type: what it computes, errs and derives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samestep.agreement.arithmetic.bound import Bound
from samestep.agreement.arithmetic.complex_step import ComplexStep
from samestep.agreement.arithmetic.followed_code import followed
from samestep.agreement.arithmetic.low_precision import Arithmetic, LowPrecisionArray
from samestep.agreement.arithmetic.noise import Noise
from samestep.agreement.limits import COMPLEX_STEP, reference_share
from samestep.agreement.reference.spread import measure_spreads

REPLICAS = 24


@dataclass(frozen=True)
class OnArrayTypes:
    """``call(**arrays)`` returns arrays by name; ``arrays`` are floats or integers, as a dtype holds them."""

    call: object
    arrays: dict

    def held(self, dtype):
        """The arrays in a dtype; integers stay as they are."""
        return {n: a.astype(dtype) if a.dtype.kind == "f" else a for n, a in self.arrays.items()}

    def plain(self, dtype, as_dtype=None):
        """What NumPy computes on the arrays that ``dtype`` holds, in it or in another dtype."""
        held = self.held(dtype)
        wide = {n: a.astype(as_dtype or dtype) if a.dtype.kind == "f" else a.copy() for n, a in held.items()}
        with np.errstate(all="ignore"):
            return {n: np.asarray(a) for n, a in self.call(**wide).items()}

    def on(self, like, dtype, lift=None, **changed):
        """The same on the array type of ``like``."""
        arrays = {n: (lift or like.lift)(a) for n, a in {**self.held(dtype), **changed}.items()}
        with np.errstate(all="ignore"), followed(like, "the reference"):
            return {n: like.lift(a) for n, a in self.call(**arrays).items()}

    def bounds(self, dtype):
        """Every result with its bound."""
        precision = np.dtype(dtype)
        return self.on(Bound.exact(0.0, precision), dtype, lambda a: Bound.exact(a, precision))

    def spreads(self, dtype):
        """The spread of every floating result."""
        return measure_spreads(
            lambda tape: self.on(Noise.exact(0.0, tape), dtype, lambda a: Noise.exact(a, tape)),
            {},
            dtype,
            REPLICAS,
        )

    def low_precision(self, arithmetic=None):
        """The results with the products of another arithmetic."""
        return self.on(LowPrecisionArray((np.float64(0),), arithmetic or Arithmetic()), "float64")

    def slopes(self, name, direction):
        """The derivatives of all results along ``direction``, by complex step in the array ``name``."""
        shifted = self.held("float64")[name] + 1j * COMPLEX_STEP * direction
        found = self.on(ComplexStep(0.0), "float64", **{name: shifted})
        return {n: a.value.imag / COMPLEX_STEP for n, a in found.items() if a.value.dtype.kind == "c"}

    def errors(self, dtype):
        """By result, the worst error of real NumPy as a share of its bound, and of the limit of its sigma."""
        got, exact = self.plain(dtype), self.plain(dtype, np.longdouble if dtype == "float64" else "float64")
        bounds, spreads = self.bounds(dtype), self.spreads(dtype)
        shares = {}
        for name, value in exact.items():
            if value.dtype.kind == "f":
                same = (got[name] == value) | (np.isnan(got[name]) & np.isnan(value))
                with np.errstate(invalid="ignore"):
                    error = np.where(same, 0.0, np.abs(got[name] - value))
                bound = bounds[name].bound * reference_share(dtype)
                limit = spreads[name].sigma.astype(np.float64) * spreads[name].limit
                shares[name] = (_share(error, bound), _share(error, limit))
        return shares


def _share(error, limit):
    assert not np.isnan(limit).any()
    return float(
        np.max(np.divide(error, limit, out=np.zeros(np.shape(error), float), where=error > 0), initial=0.0)
    )
