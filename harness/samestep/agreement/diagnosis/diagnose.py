"""What does the mistake look like? Each guess is computed, and named only if it explains the error.

A guess is a tensor: what the candidate would have given if it made this one mistake. If the candidate's
tensor is much nearer to it than to the reference's, that is the diagnosis. Nothing is said where no guess
fits.
"""

from __future__ import annotations

import numpy as np

from samestep.agreement.diagnosis.guesses import GUESSES
from samestep.agreement.diagnosis.mismatch import Mismatch
from samestep.agreement.limits import EXPLAINED, EXPLAINED_SIZE
from samestep.agreement.reference.expectation import Expectation
from samestep.agreement.verdict import Diagnosis, Disagreement

#: The kind and the words of the tests that name a mistake themselves.
BY_TEST = {
    "the caller's input was modified": ("behaviour", "the caller's input is modified in place"),
    "changed the state": ("behaviour", "a task that only looks changes the state"),
    "adopt and export": ("behaviour", "adopt and export do not keep the state"),
    "probe nan": ("behaviour", "NaN is replaced on the way"),
    "probe powers of two": ("cap", "a cap, threshold or eps that only very large or small numbers meet"),
    "probe large_logits": ("softmax", "the loss overflows or is clipped where logits are large"),
    "probe ties": ("convention", "relu'(0) is not 0, which the workload declares"),
    "computed in": ("precision", "another arithmetic than the cell declares"),
}


def diagnose_test(found: Disagreement) -> Diagnosis | None:
    """Return the diagnosis of a test that names the mistake itself; None for any other.

    With exact integers, only the gradient depends on what relu'(0) is.
    """
    test, tensor = found.divergence.test, found.divergence.tensor
    for words, (kind, text) in BY_TEST.items():
        if words in test:
            return Diagnosis(kind, text)
    if test == "scale":
        expectation = found.expectation
        is_update = isinstance(expectation, Expectation) and tensor in expectation.exact.state
        kind, what = ("rate", "the update") if is_update else ("factor", tensor)
        return Diagnosis(kind, f"{what} is off by {found.divergence.error:+.2g} of itself")
    if test == "probe integers" and ("grad" in tensor or found.divergence.task.endswith(("step", "train"))):
        return Diagnosis("convention", "relu'(0) is not 0, which the workload declares")
    return None


def diagnose(mismatch: Mismatch) -> Diagnosis | None:
    """Return the first guess that explains the error; None where no guess does."""
    if mismatch.got.shape != mismatch.expected.shape or mismatch.got.dtype.kind != "f":
        return None
    error = mismatch.got.astype(np.float64) - mismatch.expected
    whole, allowed = float(np.square(error).sum()), _allowed(mismatch)
    if not 0 < whole < np.inf:
        return None
    for guesses in GUESSES:
        for guess in guesses(mismatch):
            with np.errstate(all="ignore"):
                left = float(np.square(mismatch.got - guess.tensor).sum())
            if left <= EXPLAINED**2 * whole and left <= allowed:
                return Diagnosis(guess.kind, guess.text)
    return None


def _allowed(mismatch: Mismatch) -> float:
    """The squared norm of the error that a guess for a small tensor may leave: what rounding does."""
    spread = mismatch.expectation.spreads.get(mismatch.tensor)
    if mismatch.got.size >= EXPLAINED_SIZE or spread is None:
        return np.inf
    return float(np.square(spread.norm_limit * spread.sigma.astype(np.float64)).sum())
