"""Keras: keras.ops under TensorFlow's tape, as Keras leaves differentiation to its backend."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from samestep.conventions.answers import ONE_NAN, Numbers


def slope(f: Callable[[tf.Tensor], tf.Tensor], at: Numbers = 0.0) -> tf.Tensor | None:
    """Return the derivative of ``f``, summed, in the shape of ``at``; None where the tape has none."""
    x = tf.constant(at)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return tape.gradient(y, x)


def relu() -> tf.Tensor:
    return slope(keras.ops.relu)


def relu_as_clip() -> tf.Tensor:
    return slope(lambda x: keras.ops.clip(x, 0.0, np.inf))


def relu_as_maximum_x_0() -> tf.Tensor:
    return slope(lambda x: keras.ops.maximum(x, 0.0))


def relu_as_maximum_0_x() -> tf.Tensor:
    return slope(lambda x: keras.ops.maximum(0.0, x))


def relu_as_where() -> tf.Tensor:
    return slope(lambda x: keras.ops.where(x > 0, x, 0.0))


def relu_as_abs() -> tf.Tensor:
    return slope(lambda x: (x + keras.ops.abs(x)) / 2)


def leaky_relu() -> tf.Tensor:
    return slope(lambda x: keras.ops.leaky_relu(x, 0.1))


def relu6_at_6() -> tf.Tensor:
    return slope(keras.ops.relu6, at=6.0)


def clip_at_bound() -> tf.Tensor:
    return slope(lambda x: keras.ops.clip(x, -1.0, 1.0), at=1.0)


def absolute() -> tf.Tensor:
    return slope(keras.ops.abs)


def norm() -> tf.Tensor:
    return slope(keras.ops.norm, at=[0.0, 0.0])


def sqrt() -> tf.Tensor:
    return slope(keras.ops.sqrt)


def power_of_zero() -> tf.Tensor:
    return slope(lambda y: keras.ops.power(0.0, y), at=2.0)


def arctan2() -> tf.Tensor:
    return slope(lambda y: keras.ops.arctan2(y, 0.0))


def product_with_zero() -> tf.Tensor:
    return slope(keras.ops.prod, at=[0.0, 2.0, 3.0])


def rounding() -> tf.Tensor | None:
    return slope(keras.ops.round, at=1.2)


def maximum_of_both() -> tf.Tensor:
    return slope(lambda pair: keras.ops.maximum(pair[0], pair[1]), at=[1.0, 1.0])


def max_of_all() -> tf.Tensor:
    return slope(keras.ops.max, at=[1.0, 1.0])


def max_over_axis() -> tf.Tensor:
    return slope(lambda x: keras.ops.max(x, axis=0), at=[1.0, 1.0])


def max_pool() -> tf.Tensor:
    return slope(lambda x: keras.ops.max_pool(x[None, :, None], 2), at=[1.0, 1.0])


def sort() -> tf.Tensor:
    return slope(lambda x: keras.ops.sort(x) * np.array([1.0, 2.0], np.float32), at=[1.0, 1.0])


def where_sqrt() -> tf.Tensor:
    return slope(lambda x: keras.ops.where(x > 0, keras.ops.sqrt(x), 0.0))


def where_log() -> tf.Tensor:
    return slope(lambda x: keras.ops.where(x > 0, keras.ops.log(x), 0.0))


def where_division() -> tf.Tensor:
    return slope(lambda x: keras.ops.where(x != 0, 1 / x, 0.0))


def logsumexp_of_nothing() -> tf.Tensor:
    return slope(keras.ops.logsumexp, at=[-np.inf, -np.inf])


def relu_of_nan() -> tf.Tensor:
    return slope(keras.ops.relu, at=np.nan)


def relu_of_nan_as_clip() -> tf.Tensor:
    return slope(lambda x: keras.ops.clip(x, 0.0, np.inf), at=np.nan)


def relu_of_nan_as_maximum() -> tf.Tensor:
    return slope(lambda x: keras.ops.maximum(x, 0.0), at=np.nan)


def relu_of_nan_as_where() -> tf.Tensor:
    return slope(lambda x: keras.ops.where(x > 0, x, 0.0), at=np.nan)


def nan_at_closed_gate() -> tf.Tensor:
    return slope(lambda x: keras.ops.relu(x) * np.nan, at=-1.0)


def nan_at_closed_gate_as_where() -> tf.Tensor:
    return slope(lambda x: keras.ops.where(x > 0, x, 0.0) * np.nan, at=-1.0)


def nan_in_x() -> tf.Tensor:
    x = np.array(ONE_NAN, np.float32)
    loss = lambda w1: keras.ops.square(keras.ops.relu(keras.ops.matmul(x, w1)))  # noqa: E731
    return keras.ops.ravel(slope(loss, at=[[1.0], [1.0]]))
