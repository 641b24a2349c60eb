"""NumPy: ufuncs; sigmoid and 1/sqrt written out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from samestep.conventions.accuracy.ulps import Precision, points, worst_ulps


def ulps(function: str, f: Callable[[np.ndarray], np.ndarray], dtype: Precision) -> float:
    """Return the largest error of ``f`` over the range of ``function``, in ulps."""
    x = points(function, dtype)
    return worst_ulps(function, x, f(x))


def exp_float32() -> float:
    return ulps("exp", np.exp, np.float32)


def log_float32() -> float:
    return ulps("log", np.log, np.float32)


def tanh_float32() -> float:
    return ulps("tanh", np.tanh, np.float32)


def sigmoid_float32() -> float:
    return ulps("sigmoid", lambda x: 1 / (1 + np.exp(-x)), np.float32)


def sqrt_float32() -> float:
    return ulps("sqrt", np.sqrt, np.float32)


def rsqrt_float32() -> float:
    return ulps("rsqrt", lambda x: 1 / np.sqrt(x), np.float32)


def sin_float32() -> float:
    return ulps("sin", np.sin, np.float32)


def exp_float64() -> float:
    return ulps("exp", np.exp, np.float64)


def log_float64() -> float:
    return ulps("log", np.log, np.float64)


def tanh_float64() -> float:
    return ulps("tanh", np.tanh, np.float64)


def sigmoid_float64() -> float:
    return ulps("sigmoid", lambda x: 1 / (1 + np.exp(-x)), np.float64)
