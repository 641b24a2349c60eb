"""The same case on perturbed inputs: every sum in another order, every input moved a little.

A suspicion that arose on the case's own inputs is re-checked there. A mistake shows again. An accident of
rounding does not: terms that happened to be sorted, blocks that cancelled, constants that always rounded the
same way, a gate at its threshold.
"""

from __future__ import annotations

import numpy as np

from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.limits import PERTURBATION
from samestep.spec import Inputs


def perturb(candidate: Candidate, number: int) -> Candidate:
    """Return the candidate on perturbation ``number`` (from 1) of its inputs, at half its learning rate.

    All arrays keep their shapes, dtypes, units and signs, so that a variance stays one; one number always
    gives the same inputs.
    """
    spec, rng = candidate.spec, np.random.default_rng((number, 0x5A))
    axes = spec.axes(candidate.case)
    orders: dict[str, np.ndarray] = {}

    def perturbed(name: str, array: np.ndarray) -> np.ndarray:
        return _perturb(array, axes.get(name, ""), orders, rng, inwards=name in spec.probabilities)

    inputs = Inputs(
        {name: perturbed(name, array) for name, array in candidate.params.items()},
        {name: perturbed(name, array) for name, array in candidate.arrays.items()},
    )
    numbers = dict(candidate.numbers)
    if spec.rate in numbers:
        numbers[spec.rate] /= 2
    return candidate.on(inputs, numbers)


def _perturb(
    array: np.ndarray, letters: str, orders: dict[str, np.ndarray], rng: np.random.Generator, inwards: bool
) -> np.ndarray:
    """Put each axis into the order of its letter, and move floats a little.

    An order is drawn when its letter first occurs; ``inwards`` moves only towards 0. Pixels move too: where
    many are alike, all weights of them round alike.
    """
    for axis, letter in enumerate(letters):
        if letter != ".":
            if letter not in orders:
                orders[letter] = rng.permutation(array.shape[axis])
            array = array.take(orders[letter], axis=axis)
    if array.dtype == np.uint8 and array.ndim > 1:
        return np.asarray(np.maximum(array, rng.integers(0, 3, array.shape, np.uint8)))
    if array.dtype.kind != "f":
        return array
    moves = PERTURBATION * rng.standard_normal(array.shape)
    return np.asarray(array * (1 - np.abs(moves) if inwards else 1 + moves), array.dtype)
