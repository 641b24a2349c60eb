"""The same case on other numbers: every sum in another order, every input a little elsewhere.

What a limit said of the case's own inputs is asked again of a variant. A mistake is there too. An accident of
rounding is not: terms that happened to be sorted, blocks that cancelled, constants that always rounded the
same way, a gate that stood at the edge.
"""

from __future__ import annotations

import numpy as np

from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.limits import JITTER
from samestep.spec import Inputs


def varied(candidate: Candidate, number: int) -> Candidate:
    """Variant ``number`` (from 1) of a candidate's inputs, at half its learning rate."""
    spec, rng = candidate.spec, np.random.default_rng((number, 0x5A))
    axes = spec.axes(candidate.case)
    orders: dict[str, np.ndarray] = {}

    def moved(name: str, array: np.ndarray) -> np.ndarray:
        return _moved(array, axes.get(name, ""), orders, rng, inwards=name in spec.probabilities)

    inputs = Inputs(
        {name: moved(name, array) for name, array in candidate.params.items()},
        {name: moved(name, array) for name, array in candidate.arrays.items()},
    )
    numbers = dict(candidate.numbers)
    if spec.rate in numbers:
        numbers[spec.rate] /= 2
    return candidate.on(inputs, numbers)


def _moved(
    array: np.ndarray, letters: str, orders: dict[str, np.ndarray], rng: np.random.Generator, inwards: bool
) -> np.ndarray:
    """In the orders of its axes' letters, which are drawn when they are first met; then floats are jittered,
    ``inwards`` towards 0 only, and pixels too: where many of them are alike, all weights of them round alike.
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
    jitter = JITTER * rng.standard_normal(array.shape)
    return np.asarray(array * (1 - np.abs(jitter) if inwards else 1 + jitter), array.dtype)
