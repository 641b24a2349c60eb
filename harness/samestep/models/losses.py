"""The losses that every framework has, by name, so that nobody writes one twice."""

from __future__ import annotations

#: Each takes (outputs, targets) and returns a scalar, the mean over all targets. Outputs are the first
#: floating output of the model. "cross_entropy": logits with the classes last, against integer classes.
#: "mse": mean squared error. "l1": mean absolute error. "binary_cross_entropy": logits against targets in
#: [0, 1].
NAMES = ("cross_entropy", "mse", "l1", "binary_cross_entropy")
