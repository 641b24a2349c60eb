"""Accuracy of elementary functions, in units in the last place."""

from __future__ import annotations

from samestep.conventions.accuracy.ulps import POINTS, RANGES
from samestep.conventions.questions import Question

TITLE = "Accuracy"
NOTE = (
    f"The largest error in ulps over {POINTS:,} points; a correctly rounded function has 0.5. Points are "
    "evenly spaced, for log, sqrt and rsqrt on a logarithmic scale: "
    + ", ".join(f"{name} {low:g} to {high:g}" for name, (low, high) in RANGES.items())
    + ". The errors depend on the processor. NumPy's sigmoid and 1/sqrt are written out."
)

TORCH = "https://docs.pytorch.org/docs/stable/notes/numerical_accuracy.html"

QUESTIONS = (
    *(Question(f"{name}_float32", f"{name}, float32", {"torch": TORCH}, processor=True) for name in RANGES),
    *(
        Question(f"{name}_float64", f"{name}, float64", {"torch": TORCH}, processor=True)
        for name in ("exp", "log", "tanh", "sigmoid")
    ),
)
