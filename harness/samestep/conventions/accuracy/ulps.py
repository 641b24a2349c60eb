"""The accuracy of a function: its worst error over a range, in units in the last place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

#: Where the accuracy of a function is measured, and how many points there are, evenly spaced.
RANGES = {
    "exp": (-87.0, 88.0),
    "log": (1e-6, 1e6),
    "tanh": (-9.0, 9.0),
    "sigmoid": (-80.0, 80.0),
    "sqrt": (1e-6, 1e6),
    "rsqrt": (1e-6, 1e6),
    "sin": (-100.0, 100.0),
}
POINTS = 1_000_000


def points(function: str, dtype: type[np.floating[Any]]) -> np.ndarray:
    """The points of `RANGES`; where a range is of positive numbers, evenly spaced in their logarithm."""
    low, high = RANGES[function]
    spaced = np.linspace(low, high, POINTS) if low <= 0 else np.geomspace(low, high, POINTS)
    return spaced.astype(dtype)


def worst_ulps(function: str, x: np.ndarray, got: Any) -> float:
    """The largest error of ``got`` in units in the last place of the exact value, to three digits.

    Exact is the next wider format of NumPy: float64 for float32, the extended precision of the processor
    for float64. Raises TypeError where that is no wider.
    """
    wider: Any = np.float64 if x.dtype == np.float32 else np.longdouble
    if np.finfo(wider).nmant <= np.finfo(x.dtype).nmant:
        raise TypeError(f"this processor's long double is no wider than {x.dtype}")
    exact = EXACT[function](x.astype(wider))
    ulp = np.spacing(np.abs(exact.astype(x.dtype)))
    return float(f"{float(np.max(np.abs(np.asarray(got) - exact) / ulp)):.3g}")


EXACT: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "sin": np.sin,
}
