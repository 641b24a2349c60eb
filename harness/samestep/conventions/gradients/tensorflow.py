"""TensorFlow: a tape over what was computed, and the tape's gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from samestep.conventions.answers import ONE_NAN, or_word


def compiled(f: Callable[[Any], Any], at: Any) -> Any:
    """``f`` through XLA; its input is an argument, or the graph's optimiser computes it beforehand."""
    return tf.function(f, jit_compile=True)(tf.constant(at))


def slope(f: Callable[[Any], Any], at: Any = 0.0) -> Any:
    x = tf.convert_to_tensor(at)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return tape.gradient(y, x)


def relu() -> Any:
    return slope(tf.nn.relu)


def relu_as_clip() -> Any:
    return slope(lambda x: tf.clip_by_value(x, 0.0, np.inf))


def relu_as_maximum_x_0() -> Any:
    return slope(lambda x: tf.maximum(x, 0.0))


def relu_as_maximum_0_x() -> Any:
    return slope(lambda x: tf.maximum(0.0, x))


def relu_as_where() -> Any:
    return slope(lambda x: tf.where(x > 0, x, 0.0))


def relu_as_abs() -> Any:
    return slope(lambda x: (x + tf.abs(x)) / 2)


def relu_compiled() -> Any:
    return compiled(lambda x: slope(tf.nn.relu, x), at=0.0)


def leaky_relu() -> Any:
    return slope(lambda x: tf.nn.leaky_relu(x, 0.1))


def relu6_at_6() -> Any:
    return slope(tf.nn.relu6, at=6.0)


def clip_at_bound() -> Any:
    return slope(lambda x: tf.clip_by_value(x, -1.0, 1.0), at=1.0)


def absolute() -> Any:
    return slope(tf.abs)


def norm() -> Any:
    return slope(tf.norm, at=[0.0, 0.0])


def sqrt() -> Any:
    return slope(tf.sqrt)


def power_of_zero() -> Any:
    return slope(lambda y: 0.0**y, at=2.0)


def arctan2() -> Any:
    return slope(lambda y: tf.atan2(y, 0.0))


def product_with_zero() -> Any:
    return slope(tf.reduce_prod, at=[0.0, 2.0, 3.0])


def rounding() -> Any:
    return slope(tf.round, at=1.2)


def maximum_of_both() -> Any:
    return slope(lambda pair: tf.maximum(pair[0], pair[1]), at=[1.0, 1.0])


def max_of_all() -> Any:
    return slope(tf.reduce_max, at=[1.0, 1.0])


def max_over_axis() -> Any:
    return slope(lambda x: tf.reduce_max(x, axis=0), at=[1.0, 1.0])


def max_pool() -> Any:
    return slope(lambda x: tf.nn.max_pool1d(x[None, :, None], 2, 2, "VALID"), at=[1.0, 1.0])


def sort() -> Any:
    return slope(lambda x: tf.sort(x) * tf.constant([1.0, 2.0]), at=[1.0, 1.0])


def where_sqrt() -> Any:
    return slope(lambda x: tf.where(x > 0, tf.sqrt(x), 0.0))


def where_log() -> Any:
    return slope(lambda x: tf.where(x > 0, tf.math.log(x), 0.0))


def where_division() -> Any:
    return slope(lambda x: tf.where(x != 0, 1 / x, 0.0))


def logsumexp_of_nothing() -> Any:
    return slope(tf.reduce_logsumexp, at=[-np.inf, -np.inf])


def relu_of_nan() -> Any:
    return slope(tf.nn.relu, at=np.nan)


def relu_of_nan_as_clip() -> Any:
    return slope(lambda x: tf.clip_by_value(x, 0.0, np.inf), at=np.nan)


def relu_of_nan_as_maximum() -> Any:
    return slope(lambda x: tf.maximum(x, 0.0), at=np.nan)


def relu_of_nan_as_where() -> Any:
    return slope(lambda x: tf.where(x > 0, x, 0.0), at=np.nan)


def nan_at_closed_gate() -> Any:
    return slope(lambda x: tf.nn.relu(x) * np.nan, at=-1.0)


def nan_at_closed_gate_as_where() -> Any:
    return slope(lambda x: tf.where(x > 0, x, 0.0) * np.nan, at=-1.0)


def nan_at_closed_gate_compiled() -> Any:
    return compiled(lambda x: slope(lambda x: tf.nn.relu(x) * np.nan, x), at=-1.0)


def nan_in_x() -> Any:
    return slope(lambda w1: tf.square(tf.nn.relu(ONE_NAN @ w1)), at=[[1.0], [1.0]])[:, 0]


def nan_in_x_compiled() -> Any:
    loss = lambda w1: tf.square(tf.nn.relu(ONE_NAN @ w1))  # noqa: E731
    return compiled(lambda w1: slope(loss, w1), at=[[1.0], [1.0]])[:, 0]


def of_vector() -> Any:
    return slope(lambda x: x * x, at=[1.0, 2.0])


def of_unused() -> Any:
    return slope(lambda x: tf.constant(1.0))


def of_integer() -> Any:
    return or_word("raises", TypeError, lambda: slope(lambda x: x * x, at=3))


def twice() -> Any:
    x = tf.constant(1.0)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = 3 * x
    return [tape.gradient(y, x) for _ in range(2)][-1]
