"""Elements that hang on a gate: a relu, a maximum or a top-k so near its edge that rounding decides it.

Plain replicas hardly ever see such a gate flip, so that a correct candidate whose gate flipped would stand
far outside of its limits. Noise that is larger flips it as often as not. Only where a limit is breached is it
asked, and an element is excused only if it is where the flipped gate puts it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from samestep.agreement.arithmetic.program import AMPLIFICATION, Level, Program
from samestep.models.expected import Expected, Translate
from samestep.models.tensors import TensorKey, Tensors

#: Runs with amplified noise: one gate stays unflipped in all of them with a chance of 2^-8.
REPLICAS = 8


def flipped(
    program: Program[TensorKey],
    translate: Translate,
    expected: Expected,
    got: Tensors,
    keys: Sequence[TensorKey],
    seed: int,
) -> Mapping[TensorKey, np.ndarray]:
    """Return a mask for each of ``keys``: the elements that are where a flipped gate puts them.

    ``got`` are the candidate's tensors, under the keys and in the shapes of ``expected``. A replica has
    flipped an element if it moves it by more than amplified rounding may; the candidate has the same flip if
    its error is that of the replica, within what amplified rounding may.
    """
    masks = {key: np.zeros(expected.exact[key].shape, bool) for key in keys}
    for replica in range(REPLICAS):
        noisy = translate(program.replica(seed + replica, Level.AMPLIFIED))
        for key, mask in masks.items():
            spread = expected.spreads[key]
            reach = spread.limit * AMPLIFICATION * spread.sigma.astype(np.float64)
            with np.errstate(all="ignore"):
                moved = noisy[key] - expected.exact[key]
                error = got[key].astype(np.float64) - expected.exact[key]
                beyond = np.abs(error) > spread.limit * spread.sigma
                mask |= beyond & (np.abs(moved) > reach) & (np.abs(error - moved) <= reach)
    return {key: mask for key, mask in masks.items() if mask.any()}


def without(got: Tensors, expected: Expected, masks: Mapping[TensorKey, np.ndarray]) -> Tensors:
    """Return the candidate's tensors with the masked elements at their exact values."""
    replaced = dict(got)
    with np.errstate(over="ignore"):
        for key, mask in masks.items():
            replaced[key] = np.where(mask, expected.exact[key], got[key]).astype(got[key].dtype)
    return replaced
