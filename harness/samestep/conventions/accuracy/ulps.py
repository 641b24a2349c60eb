"""The accuracy of a function: its largest error over a range, in units in the last place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

Precision: TypeAlias = type[np.float32] | type[np.float64]

#: The range over which the accuracy of each function is measured.
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


def points(function: str, dtype: Precision) -> np.ndarray:
    """Return the `POINTS` arguments of a function of `RANGES`, shape (POINTS,).

    They are evenly spaced; where the range is positive, their logarithms are.
    """
    low, high = RANGES[function]
    spaced = np.linspace(low, high, POINTS) if low <= 0 else np.geomspace(low, high, POINTS)
    return spaced.astype(dtype)


def worst_ulps(function: str, x: np.ndarray, values: ArrayLike) -> float:
    """Return the largest error of ``values`` in units in the last place of the exact value, to three digits.

    ``x`` and ``values``, the function's results at ``x``, have the same shape and dtype. Exact is NumPy's
    result in the next wider format: float64 for float32, the processor's extended precision for float64.

    Raises TypeError where that format is not wider.
    """
    wider: type[np.floating] = np.float64 if x.dtype == np.float32 else np.longdouble
    if np.finfo(wider).nmant <= np.finfo(x.dtype).nmant:
        raise TypeError(f"this processor's long double is no wider than {x.dtype}")
    exact = EXACT[function](x.astype(wider))
    ulp = np.spacing(np.abs(exact.astype(x.dtype)))
    return float(f"{float(np.max(np.abs(np.asarray(values) - exact) / ulp)):.3g}")


EXACT: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "sin": np.sin,
}
