"""TensorFlow: a tape that records operations, and its gradient."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from samestep.conventions.answers import ONE_NAN, Numbers, or_word


def compiled(f: Callable[[tf.Tensor], tf.Tensor], at: Numbers) -> tf.Tensor:
    """Return ``f(at)``, compiled by XLA. ``at`` is an argument, as a constant would be folded by the graph's
    optimiser, outside XLA."""
    return tf.function(f, jit_compile=True)(tf.constant(at))


def slope(f: Callable[[tf.Tensor], tf.Tensor], at: Numbers = 0.0) -> tf.Tensor | None:
    """Return the derivative of ``f``, summed, in the shape of ``at``; None where the tape has none."""
    x = tf.convert_to_tensor(at)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return tape.gradient(y, x)


def relu() -> tf.Tensor:
    return slope(tf.nn.relu)


def relu_as_clip() -> tf.Tensor:
    return slope(lambda x: tf.clip_by_value(x, 0.0, np.inf))


def relu_as_maximum_x_0() -> tf.Tensor:
    return slope(lambda x: tf.maximum(x, 0.0))


def relu_as_maximum_0_x() -> tf.Tensor:
    return slope(lambda x: tf.maximum(0.0, x))


def relu_as_where() -> tf.Tensor:
    return slope(lambda x: tf.where(x > 0, x, 0.0))


def relu_as_abs() -> tf.Tensor:
    return slope(lambda x: (x + tf.abs(x)) / 2)


def relu_compiled() -> tf.Tensor:
    return compiled(lambda x: slope(tf.nn.relu, x), at=0.0)


def leaky_relu() -> tf.Tensor:
    return slope(lambda x: tf.nn.leaky_relu(x, 0.1))


def relu6_at_6() -> tf.Tensor:
    return slope(tf.nn.relu6, at=6.0)


def clip_at_bound() -> tf.Tensor:
    return slope(lambda x: tf.clip_by_value(x, -1.0, 1.0), at=1.0)


def absolute() -> tf.Tensor:
    return slope(tf.abs)


def norm() -> tf.Tensor:
    return slope(tf.norm, at=[0.0, 0.0])


def sqrt() -> tf.Tensor:
    return slope(tf.sqrt)


def power_of_zero() -> tf.Tensor:
    return slope(lambda y: 0.0**y, at=2.0)


def arctan2() -> tf.Tensor:
    return slope(lambda y: tf.atan2(y, 0.0))


def product_with_zero() -> tf.Tensor:
    return slope(tf.reduce_prod, at=[0.0, 2.0, 3.0])


def rounding() -> tf.Tensor | None:
    return slope(tf.round, at=1.2)


def maximum_of_both() -> tf.Tensor:
    return slope(lambda pair: tf.maximum(pair[0], pair[1]), at=[1.0, 1.0])


def max_of_all() -> tf.Tensor:
    return slope(tf.reduce_max, at=[1.0, 1.0])


def max_over_axis() -> tf.Tensor:
    return slope(lambda x: tf.reduce_max(x, axis=0), at=[1.0, 1.0])


def max_pool() -> tf.Tensor:
    return slope(lambda x: tf.nn.max_pool1d(x[None, :, None], 2, 2, "VALID"), at=[1.0, 1.0])


def sort() -> tf.Tensor:
    return slope(lambda x: tf.sort(x) * tf.constant([1.0, 2.0]), at=[1.0, 1.0])


def where_sqrt() -> tf.Tensor:
    return slope(lambda x: tf.where(x > 0, tf.sqrt(x), 0.0))


def where_log() -> tf.Tensor:
    return slope(lambda x: tf.where(x > 0, tf.math.log(x), 0.0))


def where_division() -> tf.Tensor:
    return slope(lambda x: tf.where(x != 0, 1 / x, 0.0))


def logsumexp_of_nothing() -> tf.Tensor:
    return slope(tf.reduce_logsumexp, at=[-np.inf, -np.inf])


def relu_of_nan() -> tf.Tensor:
    return slope(tf.nn.relu, at=np.nan)


def relu_of_nan_as_clip() -> tf.Tensor:
    return slope(lambda x: tf.clip_by_value(x, 0.0, np.inf), at=np.nan)


def relu_of_nan_as_maximum() -> tf.Tensor:
    return slope(lambda x: tf.maximum(x, 0.0), at=np.nan)


def relu_of_nan_as_where() -> tf.Tensor:
    return slope(lambda x: tf.where(x > 0, x, 0.0), at=np.nan)


def nan_at_closed_gate() -> tf.Tensor:
    return slope(lambda x: tf.nn.relu(x) * np.nan, at=-1.0)


def nan_at_closed_gate_as_where() -> tf.Tensor:
    return slope(lambda x: tf.where(x > 0, x, 0.0) * np.nan, at=-1.0)


def nan_at_closed_gate_compiled() -> tf.Tensor:
    return compiled(lambda x: slope(lambda x: tf.nn.relu(x) * np.nan, x), at=-1.0)


def loss_of_one_nan(w1: tf.Tensor) -> tf.Tensor:
    return tf.square(tf.nn.relu(ONE_NAN @ w1))


def nan_in_x() -> tf.Tensor:
    return tf.reshape(slope(loss_of_one_nan, at=[[1.0], [1.0]]), [-1])


def nan_in_x_compiled() -> tf.Tensor:
    return compiled(lambda w1: slope(loss_of_one_nan, w1), at=[[1.0], [1.0]])[:, 0]


def of_vector() -> tf.Tensor:
    return slope(lambda x: x * x, at=[1.0, 2.0])


def of_unused() -> tf.Tensor | None:
    return slope(lambda x: tf.constant(1.0))


def of_integer() -> tf.Tensor | str:
    return or_word("raises", TypeError, lambda: slope(lambda x: x * x, at=3))


def twice() -> tf.Tensor:
    x = tf.constant(1.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = 3 * x
    return [tape.gradient(y, x) for _ in range(2)][-1]
