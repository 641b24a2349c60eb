"""Keras: keras.ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from keras import ops

from samestep.conventions.accuracy.ulps import Precision, points, worst_ulps

if TYPE_CHECKING:
    import tensorflow as tf  # the backend, whose tensors Keras computes with


def ulps(function: str, f: Callable[[tf.Tensor], tf.Tensor], dtype: Precision) -> float:
    """Return the largest error of ``f`` over the range of ``function``, in ulps."""
    x = points(function, dtype)
    return worst_ulps(function, x, f(ops.array(x)))


def exp_float32() -> float:
    return ulps("exp", ops.exp, np.float32)


def log_float32() -> float:
    return ulps("log", ops.log, np.float32)


def tanh_float32() -> float:
    return ulps("tanh", ops.tanh, np.float32)


def sigmoid_float32() -> float:
    return ulps("sigmoid", ops.sigmoid, np.float32)


def sqrt_float32() -> float:
    return ulps("sqrt", ops.sqrt, np.float32)


def rsqrt_float32() -> float:
    return ulps("rsqrt", ops.rsqrt, np.float32)


def sin_float32() -> float:
    return ulps("sin", ops.sin, np.float32)


def exp_float64() -> float:
    return ulps("exp", ops.exp, np.float64)


def log_float64() -> float:
    return ulps("log", ops.log, np.float64)


def tanh_float64() -> float:
    return ulps("tanh", ops.tanh, np.float64)


def sigmoid_float64() -> float:
    return ulps("sigmoid", ops.sigmoid, np.float64)
