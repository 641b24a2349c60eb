"""The losses that every framework has, by name, so that nobody writes one twice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from samestep.models.subject import ModelError

#: Each takes (outputs, targets) and returns a scalar, the mean over all targets. Outputs are the first
#: floating output of the model. "cross_entropy": logits with the classes last, against integer classes.
#: "mse": mean squared error. "l1": mean absolute error. "binary_cross_entropy": logits against targets in
#: [0, 1].
NAMES = ("cross_entropy", "mse", "l1", "binary_cross_entropy")


def check_shape(needed: Sequence[int], given: Sequence[int]) -> None:
    """Raise `ModelError` where targets of the shape ``given`` do not suit a loss that needs another one.

    Both are shapes of one framework.
    """
    if needed != given:
        raise ModelError(f"the targets have the shape {tuple(given)}; the loss needs {tuple(needed)}")


def check_classes(targets: np.ndarray, count: int) -> None:
    """Raise `ModelError` where targets are no classes of a cross-entropy of ``count`` logits."""
    if targets.dtype.kind not in "iu":
        raise ModelError("the loss 'cross_entropy' needs integer classes as targets")
    if targets.size and not (targets.min() >= 0 and targets.max() < count):
        raise ModelError(
            f"targets are classes from {targets.min()} to {targets.max()}, and the output has {count} "
            "logits: the loss 'cross_entropy' counts them all; a pair of functions may ignore some"
        )


def described(value: object) -> str:
    """Return what a function returned for a loss, in words: its dtype and shape, or its type."""
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is None or dtype is None:
        return f"of the type {type(value).__name__}"
    return f"{str(dtype).removeprefix('torch.')}{list(shape)}"
