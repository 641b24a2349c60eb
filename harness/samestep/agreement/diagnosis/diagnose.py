"""What does the mistake look like? Each guess is computed, and named only if it explains the error.

A guess is a tensor: what would have come out had this one thing been done. If the candidate's lies much
nearer to it than to the reference's, that is the diagnosis. Nothing is said where no guess fits.
"""

from __future__ import annotations

import numpy as np

from samestep.agreement.diagnosis.guesses import GUESSES, Scene
from samestep.agreement.limits import EXPLAINED, EXPLAINED_SIZE
from samestep.agreement.verdict import Diagnosis, Disagreement

#: What the tests that speak for themselves say.
BY_TEST = {
    "the caller's input was modified": ("behaviour", "the caller's input is modified in place"),
    "changed the state": ("behaviour", "a task that only looks changes the weights"),
    "adopt and export": ("behaviour", "adopt and export do not keep the state"),
    "probe nan": ("behaviour", "NaN is replaced on the way"),
    "probe powers of two": ("cap", "a cap, threshold or eps that only very large or small numbers meet"),
    "probe large_logits": ("softmax", "the loss overflows or is clipped where logits are large"),
    "probe ties": ("convention", "relu'(0) is not 0, which the workload declares"),
    "computed in": ("precision", "another arithmetic than the cell declares"),
}


def by_test(found: Disagreement) -> Diagnosis | None:
    """For the tests that name what they found; of exact integers only the gradient knows about relu'(0)."""
    test, tensor = found.divergence.test, found.divergence.tensor
    for words, (kind, text) in BY_TEST.items():
        if words in test:
            return Diagnosis(kind, text)
    if test == "scale":
        kind = "rate" if found.expectation and tensor in found.expectation.exact.state else "factor"
        what = "the update" if kind == "rate" else tensor
        return Diagnosis(kind, f"{what} is off by {found.divergence.error:+.2g} of itself")
    if test == "probe integers" and ("grad" in tensor or found.divergence.task.endswith(("step", "train"))):
        return Diagnosis("convention", "relu'(0) is not 0, which the workload declares")
    return None


def diagnose(scene: Scene) -> Diagnosis | None:
    """The first guess that explains the error."""
    if scene.got.shape != scene.expected.shape or scene.got.dtype.kind != "f":
        return None
    error = scene.got.astype(np.float64) - scene.expected
    whole, allowed = float(np.square(error).sum()), _allowed(scene)
    if not 0 < whole < np.inf:
        return None
    for guesses in GUESSES:
        for kind, words, guess in guesses(scene):
            with np.errstate(all="ignore"):
                left = float(np.square(scene.got - guess).sum())
            if left <= EXPLAINED**2 * whole and left <= allowed:
                return Diagnosis(kind, words)
    return None


def _allowed(scene: Scene) -> float:
    """What a guess for a small tensor may leave: the squared norm of honest rounding."""
    spread = scene.expectation.spreads.get(scene.tensor)
    if scene.got.size >= EXPLAINED_SIZE or spread is None:
        return np.inf
    return float(np.square(spread.norm_limit * spread.sigma.astype(np.float64)).sum())
