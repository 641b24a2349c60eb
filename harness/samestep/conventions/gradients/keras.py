"""Keras: its own ops, under TensorFlow's tape, since Keras differentiates by its backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from samestep.conventions.answers import ONE_NAN


def slope(f: Callable[[Any], Any], at: Any = 0.0) -> Any:
    x = tf.constant(at)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return tape.gradient(y, x)


def relu() -> Any:
    return slope(keras.ops.relu)


def relu_as_clip() -> Any:
    return slope(lambda x: keras.ops.clip(x, 0.0, np.inf))


def relu_as_maximum_x_0() -> Any:
    return slope(lambda x: keras.ops.maximum(x, 0.0))


def relu_as_maximum_0_x() -> Any:
    return slope(lambda x: keras.ops.maximum(0.0, x))


def relu_as_where() -> Any:
    return slope(lambda x: keras.ops.where(x > 0, x, 0.0))


def relu_as_abs() -> Any:
    return slope(lambda x: (x + keras.ops.abs(x)) / 2)


def leaky_relu() -> Any:
    return slope(lambda x: keras.ops.leaky_relu(x, 0.1))


def relu6_at_6() -> Any:
    return slope(keras.ops.relu6, at=6.0)


def clip_at_bound() -> Any:
    return slope(lambda x: keras.ops.clip(x, -1.0, 1.0), at=1.0)


def absolute() -> Any:
    return slope(keras.ops.abs)


def norm() -> Any:
    return slope(keras.ops.norm, at=[0.0, 0.0])


def sqrt() -> Any:
    return slope(keras.ops.sqrt)


def power_of_zero() -> Any:
    return slope(lambda y: keras.ops.power(0.0, y), at=2.0)


def arctan2() -> Any:
    return slope(lambda y: keras.ops.arctan2(y, 0.0))


def product_with_zero() -> Any:
    return slope(keras.ops.prod, at=[0.0, 2.0, 3.0])


def rounding() -> Any:
    return slope(keras.ops.round, at=1.2)


def maximum_of_both() -> Any:
    return slope(lambda pair: keras.ops.maximum(pair[0], pair[1]), at=[1.0, 1.0])


def max_of_all() -> Any:
    return slope(keras.ops.max, at=[1.0, 1.0])


def max_over_axis() -> Any:
    return slope(lambda x: keras.ops.max(x, axis=0), at=[1.0, 1.0])


def max_pool() -> Any:
    return slope(lambda x: keras.ops.max_pool(x[None, :, None], 2), at=[1.0, 1.0])


def sort() -> Any:
    return slope(lambda x: keras.ops.sort(x) * np.array([1.0, 2.0], np.float32), at=[1.0, 1.0])


def where_sqrt() -> Any:
    return slope(lambda x: keras.ops.where(x > 0, keras.ops.sqrt(x), 0.0))


def where_log() -> Any:
    return slope(lambda x: keras.ops.where(x > 0, keras.ops.log(x), 0.0))


def where_division() -> Any:
    return slope(lambda x: keras.ops.where(x != 0, 1 / x, 0.0))


def logsumexp_of_nothing() -> Any:
    return slope(keras.ops.logsumexp, at=[-np.inf, -np.inf])


def relu_of_nan() -> Any:
    return slope(keras.ops.relu, at=np.nan)


def relu_of_nan_as_clip() -> Any:
    return slope(lambda x: keras.ops.clip(x, 0.0, np.inf), at=np.nan)


def relu_of_nan_as_maximum() -> Any:
    return slope(lambda x: keras.ops.maximum(x, 0.0), at=np.nan)


def relu_of_nan_as_where() -> Any:
    return slope(lambda x: keras.ops.where(x > 0, x, 0.0), at=np.nan)


def nan_at_closed_gate() -> Any:
    return slope(lambda x: keras.ops.relu(x) * np.nan, at=-1.0)


def nan_at_closed_gate_as_where() -> Any:
    return slope(lambda x: keras.ops.where(x > 0, x, 0.0) * np.nan, at=-1.0)


def nan_in_x() -> Any:
    x = np.array(ONE_NAN, np.float32)
    return slope(lambda w1: keras.ops.square(keras.ops.relu(keras.ops.matmul(x, w1))), at=[[1.0], [1.0]])[
        :, 0
    ]
