"""What weaker arithmetic looks like: how far it errs is computed for each, and compared."""

from __future__ import annotations

import numpy as np

from samestep.agreement.arithmetic.program import Contract, Refused
from samestep.agreement.limits import IDENTIFIED_WITHIN
from samestep.models.judging import Comparison
from samestep.models.result import First
from samestep.models.tensors import TensorKey

WORDS = {
    Contract.TF32: "operands of matrix products rounded to TF32",
    Contract.BFLOAT16: "bfloat16 operands",
    Contract.FLOAT16: "float16 operands",
}
#: Kinds of layers whose variance may be computed in one pass, as E[x^2] - E[x]^2.
NORMS = ("norm", "batchnorm")


def guess_precision(comparison: Comparison, first: First | None) -> str | None:
    """Return what the first tensor beyond its limits looks like, with how many sigma it is off."""
    if first is None:
        return None
    tensor = next((t for t in comparison.judged if str(t.key) == first.tensor), None)
    if tensor is None or tensor.arithmetic is None or tensor.arithmetic.statistics is None:
        return None
    statistics = tensor.arithmetic.statistics
    far = f"{statistics.norm:.3g} sigma off as a whole"
    for contract, words in WORDS.items():
        there = _norm_in(comparison, tensor.key, contract)
        if there and 1 / IDENTIFIED_WITHIN <= statistics.norm / there <= IDENTIFIED_WITHIN:
            return f"{words} ({far})"
    if first.kind and any(word in first.kind.lower() for word in NORMS):
        return f"a variance in one pass, E[x^2] - E[x]^2, which cancels ({far})"
    return far


def _norm_in(comparison: Comparison, key: TensorKey, contract: Contract) -> float | None:
    """||E|| / ||sigma|| of one replica in other arithmetic."""
    try:
        program = comparison.sides.reference.program(comparison.asked.reference, contract)
        program.exact()
        replica = comparison.links.apply(program.replica(1))
    except Refused:
        return None
    sigma = comparison.expected.spreads[key].sigma.astype(np.float64)
    whole = float(np.sqrt(np.square(sigma).sum()))
    error = replica[key] - comparison.expected.exact[key]
    norm = float(np.sqrt(np.square(error[np.isfinite(error)]).sum()))
    return norm / whole if whole else None
