"""Which arithmetic was really used? The error of a tensor from long sums identifies it.

The reference is run with its matrix products done as other arithmetics would do them, and in float32 as NumPy
does it; the arithmetic is the one whose error is as large as the candidate's. So nothing here is a constant
of some network, and a tensor on which float32 and float64 err alike is not used.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from samestep.agreement.arithmetic.low_precision import PRODUCTS, to_float32
from samestep.agreement.findings import Precision, TensorStatistics
from samestep.agreement.limits import (
    IDENTIFIED_WITHIN,
    IDENTIFYING_NORM,
    IDENTIFYING_RATIO,
    IDENTIFYING_TERMS,
)
from samestep.agreement.reference.expectation import Expectation
from samestep.agreement.reference.run import Reference


def identify_arithmetic(
    reference: Reference, tensor: str, found: TensorStatistics, expected: Expectation
) -> Precision | None:
    """Return the arithmetic that a float32 tensor was computed in; None for a tensor that cannot identify it.

    ``found`` are the tensor's statistics, whose norm ||E|| / ||sigma|| is compared.
    """
    steady = expected.spreads[tensor].norm_varies <= IDENTIFYING_NORM
    if reference.dtype != "float32" or found.terms < IDENTIFYING_TERMS or not steady:
        return None
    norms = {name: _norm_in(name, tensor, expected) for name in ("float64", "float32")}
    if not IDENTIFYING_RATIO * norms["float64"] < norms["float32"]:
        return None
    declared = "TF32" if reference.tf32 else "float32"
    between = (norms["float64"] * norms["float32"]) ** 0.5
    if not reference.tf32 and between < found.norm <= found.norm_limit:
        return Precision("float32", declared, tensor, found.norm, norms)
    norms |= {name: _norm_in(name, tensor, expected) for name in PRODUCTS}
    return Precision(_nearest(found.norm, norms, declared), declared, tensor, found.norm, norms)


def _nearest(norm: float, norms: Mapping[str, float], declared: str) -> str:
    """The arithmetic whose norm is nearest, within a factor; "unknown" between them."""
    away = {name: abs(np.log(norm / value)) for name, value in norms.items() if value and norm}
    nearest = min(away, key=away.__getitem__, default="unknown")
    if norm < norms["float64"]:
        nearest = "float64"
    elif away.get(nearest, np.inf) > np.log(IDENTIFIED_WITHIN):
        nearest = "unknown"
    return declared if nearest.startswith("TF32") and declared == "TF32" else nearest


def _norm_in(name: str, tensor: str, expected: Expectation) -> float:
    """||E|| / ||sigma|| of the tensor as that arithmetic gives it."""
    exact = expected.exact.all[tensor]
    error = to_float32(np.asarray(expected.with_arithmetic(name).all[tensor], np.float64)) - exact
    sigma = expected.spreads[tensor].sigma.astype(np.float64)
    return float(np.sqrt(np.square(error).sum() / np.square(sigma).sum()))
