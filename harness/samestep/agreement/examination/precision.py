"""Which arithmetic was it really? The norm of the error tells, where it comes from long sums.

The reference is run with its matrix products done as other arithmetics would do them, and in float32 as NumPy
does it; what is seen is named after the one that errs as much. So nothing here is a constant of some network,
and a tensor by which float32 and float64 could not be told apart is not asked.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from samestep.agreement.arithmetic.low_precision import PRODUCTS, single
from samestep.agreement.findings import Precision, TensorStatistics
from samestep.agreement.limits import NAMED_WITHIN, TELLING_NORM, TELLING_RATIO, TELLING_TERMS
from samestep.agreement.reference.expectation import Expectation
from samestep.agreement.reference.run import Reference


def arithmetic(
    reference: Reference, tensor: str, seen: TensorStatistics, expected: Expectation
) -> Precision | None:
    """The arithmetic that a float32 tensor was computed in; None of a tensor that cannot tell."""
    steady = expected.spreads[tensor].norm_varies <= TELLING_NORM
    if reference.dtype != "float32" or seen.terms < TELLING_TERMS or not steady:
        return None
    classes = {name: _norm(tensor, expected, name) for name in ("float64", "float32")}
    if not TELLING_RATIO * classes["float64"] < classes["float32"]:
        return None
    declared = "TF32" if reference.tf32 else "float32"
    between = (classes["float64"] * classes["float32"]) ** 0.5
    if not reference.tf32 and between < seen.norm <= seen.norm_limit:
        return Precision("float32", declared, tensor, seen.norm, classes)
    return Precision(*_named(tensor, seen.norm, expected, classes, declared))


def _named(
    tensor: str, ratio: float, expected: Expectation, classes: Mapping[str, float], declared: str
) -> tuple[str, str, str, float, dict[str, float]]:
    """The class that lies nearest, within a factor; "unknown" between them."""
    found = {**classes, **{name: _norm(tensor, expected, name) for name in PRODUCTS}}
    away = {name: abs(np.log(ratio / value)) for name, value in found.items() if value and ratio}
    nearest = min(away, key=away.__getitem__, default="unknown")
    if ratio < found["float64"]:
        nearest = "float64"
    elif away.get(nearest, np.inf) > np.log(NAMED_WITHIN):
        nearest = "unknown"
    if nearest.startswith("TF32") and declared == "TF32":
        nearest = declared
    return nearest, declared, tensor, ratio, found


def _norm(tensor: str, expected: Expectation, name: str) -> float:
    exact = expected.exact.all[tensor]
    error = single(np.asarray(expected.lowered(name).all[tensor], np.float64)) - exact
    sigma = expected.spreads[tensor].sigma.astype(np.float64)
    return float(np.sqrt(np.square(error).sum() / np.square(sigma).sum()))
