"""TensorFlow: tensors without implicit type promotion."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from samestep.conventions.answers import OVER_HALF_WAY, or_word

ones = tf.ones(1)
REFUSED = (tf.errors.InvalidArgumentError, TypeError)


def dtype(tensor: tf.Tensor) -> str:
    return str(tensor.dtype.name)


def float_default() -> str:
    return dtype(tf.constant([1.5]))


def integer_default() -> str:
    return dtype(tf.constant([1]))


def float64_asked_for() -> str:
    return dtype(tf.zeros(1, tf.float64))


def float32_times_float64_scalar() -> str:
    return or_word("raises", REFUSED, lambda: dtype(ones * np.float64(0.1)))


def float32_times_python_float() -> str:
    return dtype(ones * 0.1)


def int32_plus_float32() -> str:
    return or_word("raises", REFUSED, lambda: dtype(tf.ones(1, tf.int32) + ones))


def int32_over_int32() -> str:
    return dtype(tf.ones(1, tf.int32) / tf.ones(1, tf.int32))


def uint8_over_255() -> str:
    return dtype(tf.ones(1, tf.uint8) / 255)


def uint8_plus_int8() -> str:
    return or_word("raises", REFUSED, lambda: dtype(tf.ones(1, tf.uint8) + tf.ones(1, tf.int8)))


def tf32_in_matmul() -> bool:
    return bool(tf.config.experimental.tensor_float_32_execution_enabled())


def tf32_in_convolution() -> bool:
    return tf32_in_matmul()  # one setting for both


def denormal_times_one() -> tf.Tensor:
    return tf.constant([2.0**-130]) * ones > 0


def int32_overflow() -> tf.Tensor:
    return tf.constant([2**31 - 1]) + 1


def int32_sum() -> tf.Tensor:
    return tf.reduce_sum(tf.fill([4], 2**30))


def uint8_sum() -> tf.Tensor:
    return tf.reduce_sum(tf.constant([200, 100], tf.uint8))


def integer_mean() -> tf.Tensor:
    return tf.reduce_mean(tf.constant([1, 2]))


def cast(value: float, dtype: tf.DType) -> tf.Tensor:
    return tf.cast(tf.constant([value]), dtype)[0]


def cast_300_to_uint8() -> tf.Tensor:
    return cast(300.0, tf.uint8)


def cast_minus_1_to_uint8() -> tf.Tensor:
    return cast(-1.0, tf.uint8)


def cast_3e9_to_int32() -> tf.Tensor:
    return cast(3e9, tf.int32)


def cast_nan_to_int32() -> tf.Tensor:
    return cast(np.nan, tf.int32)


def cast_minus_1_5_to_int32() -> tf.Tensor:
    return cast(-1.5, tf.int32)


def cast_float64_to_float16() -> tf.Tensor:
    return tf.cast(tf.constant([OVER_HALF_WAY], tf.float64), tf.float16)


def division_by_zero() -> tf.Tensor | str:
    return or_word("raises", REFUSED, lambda: tf.constant([1]) // tf.constant([0]))


def remainder() -> tf.Tensor:
    return tf.constant([-7]) % tf.constant([3])


def floor_division() -> tf.Tensor:
    return tf.constant([-7]) // tf.constant([3])


def negative_power() -> tf.Tensor | str:
    return or_word("raises", REFUSED, lambda: tf.constant([2]) ** tf.constant([-1]))


def round_half() -> tf.Tensor:
    return tf.round([0.5, 1.5, 2.5])


def argmax_with_nan() -> tf.Tensor:
    return tf.argmax([1, np.nan, 3])


def max_with_nan() -> tf.Tensor:
    return tf.reduce_max([1, np.nan, 3])


def maximum_with_nan() -> tf.Tensor:
    return tf.maximum(np.nan, 1.0)


def relu_of_nan_forward() -> tf.Tensor:
    return tf.nn.relu(np.nan)


def sign_of_nan() -> tf.Tensor:
    return tf.sign(np.nan)


def sort_with_nan() -> tf.Tensor:
    return tf.sort([np.nan, 1, 3])


def argmax_of_ties() -> tf.Tensor:
    return tf.argmax([1, 3, 3])


def one_hot_too_large() -> tf.Tensor:
    return tf.one_hot(3, 3)


def uniform_of_seed_0() -> tf.Tensor:
    return tf.random.stateless_uniform((2,), seed=(0, 0))


def std() -> tf.Tensor:
    return tf.math.reduce_std([0.0, 2.0])


def max_of_nothing() -> tf.Tensor:
    return tf.reduce_max(tf.zeros(0))


def mean_of_nothing() -> tf.Tensor:
    return tf.reduce_mean(tf.zeros(0))


def index_too_large() -> tf.Tensor | str:
    return or_word("raises", REFUSED, lambda: tf.range(3)[5])


def take_too_large() -> tf.Tensor | str:
    return or_word("raises", REFUSED, lambda: tf.gather(tf.range(3), [5]))


def write_too_large() -> tf.Tensor | str:
    return or_word("raises", REFUSED, lambda: tf.tensor_scatter_nd_update(tf.zeros(3), [[5]], [1.0]))


def add_at_repeated() -> tf.Tensor:
    return tf.tensor_scatter_nd_add(tf.zeros(1), [[0], [0]], [1.0, 1.0])[0]
