"""TensorFlow: tf.math."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from samestep.conventions.accuracy.ulps import Precision, points, worst_ulps


def ulps(function: str, f: Callable[[tf.Tensor], tf.Tensor], dtype: Precision) -> float:
    """Return the largest error of ``f`` over the range of ``function``, in ulps."""
    x = points(function, dtype)
    return worst_ulps(function, x, f(tf.constant(x)))


def exp_float32() -> float:
    return ulps("exp", tf.math.exp, np.float32)


def log_float32() -> float:
    return ulps("log", tf.math.log, np.float32)


def tanh_float32() -> float:
    return ulps("tanh", tf.math.tanh, np.float32)


def sigmoid_float32() -> float:
    return ulps("sigmoid", tf.math.sigmoid, np.float32)


def sqrt_float32() -> float:
    return ulps("sqrt", tf.math.sqrt, np.float32)


def rsqrt_float32() -> float:
    return ulps("rsqrt", tf.math.rsqrt, np.float32)


def sin_float32() -> float:
    return ulps("sin", tf.math.sin, np.float32)


def exp_float64() -> float:
    return ulps("exp", tf.math.exp, np.float64)


def log_float64() -> float:
    return ulps("log", tf.math.log, np.float64)


def tanh_float64() -> float:
    return ulps("tanh", tf.math.tanh, np.float64)


def sigmoid_float64() -> float:
    return ulps("sigmoid", tf.math.sigmoid, np.float64)
