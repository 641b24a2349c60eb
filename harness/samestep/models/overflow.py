"""Elements that overflow on the way: float64 holds there what float32 cannot, on both sides.

The exact run of a reference does not overflow, so its answer may be a number where every float32 run of the
same code gives an infinity or NaN. Such an element is excused only where the reference, as it really runs,
is not finite there either.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from samestep.models.arithmetic_check import ArithmeticStatistics
from samestep.models.expected import Expected
from samestep.models.function_check import agree_not_finite
from samestep.models.tensors import TensorKey, Tensors


def overflow_suspects(arithmetic: Mapping[TensorKey, ArithmeticStatistics]) -> list[TensorKey]:
    """Return the tensors with an element that is not finite where the exact one is."""
    return [
        key
        for key, found in arithmetic.items()
        if found.wrong and found.index and np.isfinite(found.expected) and not np.isfinite(found.got)
    ]


def overflowing(
    got: Tensors, expected: Expected, really: Tensors, keys: list[TensorKey]
) -> dict[TensorKey, np.ndarray]:
    """Return a mask for each of ``keys``: the elements that are finite on neither side as they really ran.

    ``got`` is the candidate's run and ``really`` the reference's, under the keys of ``expected`` and in its
    shapes.
    """
    masks = {
        key: np.isfinite(expected.exact[key])
        & ~np.isfinite(got[key].astype(np.float64))
        & agree_not_finite(got[key], really[key], key.is_backward)
        for key in keys
    }
    return {key: mask for key, mask in masks.items() if mask.any()}
