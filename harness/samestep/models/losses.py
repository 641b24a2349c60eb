"""The losses that every framework has, by name, so that nobody writes one twice."""

from __future__ import annotations

from collections.abc import Sequence

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
