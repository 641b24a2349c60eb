"""TensorFlow: tensors that never change their dtype unasked."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from samestep.conventions.answers import OVER_HALF_WAY, or_word

ones = tf.ones(1)
REFUSED = (tf.errors.InvalidArgumentError, TypeError)


def float_default() -> Any:
    return tf.constant([1.5]).dtype.name


def integer_default() -> Any:
    return tf.constant([1]).dtype.name


def float64_asked_for() -> Any:
    return tf.zeros(1, tf.float64).dtype.name


def float32_times_float64_scalar() -> Any:
    return or_word("raises", REFUSED, lambda: (ones * np.float64(0.1)).dtype.name)


def float32_times_python_float() -> Any:
    return (ones * 0.1).dtype.name


def int32_plus_float32() -> Any:
    return or_word("raises", REFUSED, lambda: (tf.ones(1, tf.int32) + ones).dtype.name)


def int32_over_int32() -> Any:
    return (tf.ones(1, tf.int32) / tf.ones(1, tf.int32)).dtype.name


def uint8_over_255() -> Any:
    return (tf.ones(1, tf.uint8) / 255).dtype.name


def uint8_plus_int8() -> Any:
    return or_word("raises", REFUSED, lambda: (tf.ones(1, tf.uint8) + tf.ones(1, tf.int8)).dtype.name)


def tf32_in_matmul() -> Any:
    return tf.config.experimental.tensor_float_32_execution_enabled()


def tf32_in_convolution() -> Any:
    return tf.config.experimental.tensor_float_32_execution_enabled()


def denormal_times_one() -> Any:
    return tf.constant([2.0**-130]) * ones > 0


def int32_overflow() -> Any:
    return tf.constant([2**31 - 1]) + 1


def int32_sum() -> Any:
    return tf.reduce_sum(tf.fill([4], 2**30))


def uint8_sum() -> Any:
    return tf.reduce_sum(tf.constant([200, 100], tf.uint8))


def integer_mean() -> Any:
    return tf.reduce_mean(tf.constant([1, 2]))


def cast(value: float, dtype: Any) -> Any:
    return tf.cast(tf.constant([value]), dtype)[0]


def cast_300_to_uint8() -> Any:
    return cast(300.0, tf.uint8)


def cast_minus_1_to_uint8() -> Any:
    return cast(-1.0, tf.uint8)


def cast_3e9_to_int32() -> Any:
    return cast(3e9, tf.int32)


def cast_nan_to_int32() -> Any:
    return cast(np.nan, tf.int32)


def cast_minus_1_5_to_int32() -> Any:
    return cast(-1.5, tf.int32)


def cast_float64_to_float16() -> Any:
    return tf.cast(tf.constant([OVER_HALF_WAY], tf.float64), tf.float16)


def division_by_zero() -> Any:
    return or_word("raises", REFUSED, lambda: tf.constant([1]) // tf.constant([0]))


def remainder() -> Any:
    return tf.constant([-7]) % tf.constant([3])


def floor_division() -> Any:
    return tf.constant([-7]) // tf.constant([3])


def negative_power() -> Any:
    return or_word("raises", REFUSED, lambda: tf.constant([2]) ** tf.constant([-1]))


def round_half() -> Any:
    return tf.round([0.5, 1.5, 2.5])


def argmax_with_nan() -> Any:
    return tf.argmax([1, np.nan, 3])


def max_with_nan() -> Any:
    return tf.reduce_max([1, np.nan, 3])


def maximum_with_nan() -> Any:
    return tf.maximum(np.nan, 1.0)


def relu_of_nan_forward() -> Any:
    return tf.nn.relu(np.nan)


def sign_of_nan() -> Any:
    return tf.sign(np.nan)


def sort_with_nan() -> Any:
    return tf.sort([np.nan, 1, 3])


def argmax_of_ties() -> Any:
    return tf.argmax([1, 3, 3])


def std() -> Any:
    return tf.math.reduce_std([0.0, 2.0])


def max_of_nothing() -> Any:
    return tf.reduce_max(tf.zeros(0))


def mean_of_nothing() -> Any:
    return tf.reduce_mean(tf.zeros(0))


def index_too_large() -> Any:
    return or_word("raises", REFUSED, lambda: tf.range(3)[5])


def take_too_large() -> Any:
    return or_word("raises", REFUSED, lambda: tf.gather(tf.range(3), [5]))


def write_too_large() -> Any:
    return or_word("raises", REFUSED, lambda: tf.tensor_scatter_nd_update(tf.zeros(3), [[5]], [1.0]))


def add_at_repeated() -> Any:
    return tf.tensor_scatter_nd_add(tf.zeros(1), [[0], [0]], [1.0, 1.0])[0]
