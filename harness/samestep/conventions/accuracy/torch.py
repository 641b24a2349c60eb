"""PyTorch: functions of tensors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from samestep.conventions.accuracy.ulps import Precision, points, worst_ulps


def ulps(function: str, f: Callable[[torch.Tensor], torch.Tensor], dtype: Precision) -> float:
    """Return the largest error of ``f`` over the range of ``function``, in ulps."""
    x = points(function, dtype)
    return worst_ulps(function, x, f(torch.tensor(x)))


def exp_float32() -> float:
    return ulps("exp", torch.exp, np.float32)


def log_float32() -> float:
    return ulps("log", torch.log, np.float32)


def tanh_float32() -> float:
    return ulps("tanh", torch.tanh, np.float32)


def sigmoid_float32() -> float:
    return ulps("sigmoid", torch.sigmoid, np.float32)


def sqrt_float32() -> float:
    return ulps("sqrt", torch.sqrt, np.float32)


def rsqrt_float32() -> float:
    return ulps("rsqrt", torch.rsqrt, np.float32)


def sin_float32() -> float:
    return ulps("sin", torch.sin, np.float32)


def exp_float64() -> float:
    return ulps("exp", torch.exp, np.float64)


def log_float64() -> float:
    return ulps("log", torch.log, np.float64)


def tanh_float64() -> float:
    return ulps("tanh", torch.tanh, np.float64)


def sigmoid_float64() -> float:
    return ulps("sigmoid", torch.sigmoid, np.float64)
