"""A tensor that is over its limits: would it be within them if a gate at its threshold were turned?

It asks what no limit can hold, since one gate that correct code decides the other way changes a gradient by
much more than rounding does, and seldom. Which gates these are follows from the reference alone; the error
must be theirs, and what is left of it within the limits.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from samestep.agreement.arithmetic.gate_arrays import Gate
from samestep.agreement.examination.tensor_check import Place, check_tensor
from samestep.agreement.findings import TensorStatistics
from samestep.agreement.reference.expectation import Expectation
from samestep.agreement.verdict import Disagreement, Suspicion


def check_with_turned_gates(
    place: Place, tensor: str, got: np.ndarray, expected: Expectation
) -> tuple[TensorStatistics | None, list[Gate]] | None:
    """Return the statistics of a tensor beside the reference with gates turned, and those gates.

    Returns None where no undecided gate explains the error.
    """
    gates = _turned(tensor, got, expected)
    if not gates:
        return None
    turned = replace(expected, exact=expected.with_gates_turned(tuple(gates)))
    try:
        return check_tensor(place, tensor, got, turned), gates
    except (Suspicion, Disagreement):
        return None


def _turned(tensor: str, got: np.ndarray, expected: Expectation) -> list[Gate]:
    """The undecided gates whose changes the error consists of, each with a weight nearer to 1 than to 0."""
    exact, sigma = expected.exact.all[tensor], expected.spreads[tensor].sigma.astype(np.float64)
    gates, changes = [], []
    for gate in expected.undecided_gates():
        change = ((expected.with_gates_turned((gate,)).all[tensor] - exact) / sigma).ravel()
        if change.any() and np.isfinite(change).all():
            gates.append(gate)
            changes.append(change)
    error = ((got.astype(np.float64) - exact) / sigma).ravel()
    if not gates or not np.isfinite(error).all():
        return []
    weights = np.linalg.lstsq(np.stack(changes, axis=1), error, rcond=None)[0]
    return [gate for gate, weight in zip(gates, weights, strict=True) if weight > 1 / 2]
