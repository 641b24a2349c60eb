"""Keras: keras.ops, whose type promotion prefers floatx."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
from keras import ops

from samestep.conventions.answers import OVER_HALF_WAY

if TYPE_CHECKING:
    import tensorflow as tf  # the backend, whose tensors Keras computes with

ones = ops.ones(1)


def dtype(tensor: tf.Tensor) -> str:
    return str(keras.backend.standardize_dtype(tensor.dtype))


def float_default() -> str:
    return dtype(ops.array([1.5]))


def integer_default() -> str:
    return dtype(ops.array([1]))


def float64_asked_for() -> str:
    return dtype(ops.zeros(1, "float64"))


def float32_times_float64_scalar() -> str:
    return dtype(ops.multiply(ones, np.float64(0.1)))


def float32_times_python_float() -> str:
    return dtype(ops.multiply(ones, 0.1))


def int32_plus_float32() -> str:
    return dtype(ops.add(ops.ones(1, "int32"), ones))


def int32_over_int32() -> str:
    return dtype(ops.divide(ops.ones(1, "int32"), ops.ones(1, "int32")))


def uint8_over_255() -> str:
    return dtype(ops.divide(ops.ones(1, "uint8"), 255))


def uint8_plus_int8() -> str:
    return dtype(ops.add(ops.ones(1, "uint8"), ops.ones(1, "int8")))


def int32_overflow() -> tf.Tensor:
    return ops.add(ops.array([2**31 - 1]), 1)


def int32_sum() -> tf.Tensor:
    return ops.sum(ops.full((4,), 2**30, "int32"))


def uint8_sum() -> tf.Tensor:
    return ops.sum(ops.array([200, 100], "uint8"))


def integer_mean() -> tf.Tensor:
    return ops.mean(ops.array([1, 2]))


def cast(value: float, dtype: str) -> tf.Tensor:
    return ops.cast(ops.array([value]), dtype)[0]


def cast_300_to_uint8() -> tf.Tensor:
    return cast(300.0, "uint8")


def cast_minus_1_to_uint8() -> tf.Tensor:
    return cast(-1.0, "uint8")


def cast_3e9_to_int32() -> tf.Tensor:
    return cast(3e9, "int32")


def cast_nan_to_int32() -> tf.Tensor:
    return cast(np.nan, "int32")


def cast_minus_1_5_to_int32() -> tf.Tensor:
    return cast(-1.5, "int32")


def cast_float64_to_float16() -> tf.Tensor:
    return ops.cast(ops.array([OVER_HALF_WAY], "float64"), "float16")


def remainder() -> tf.Tensor:
    return ops.mod(ops.array([-7]), ops.array([3]))


def floor_division() -> tf.Tensor:
    return ops.floor_divide(ops.array([-7]), ops.array([3]))


def round_half() -> tf.Tensor:
    return ops.round(ops.array([0.5, 1.5, 2.5]))


def argmax_with_nan() -> tf.Tensor:
    return ops.argmax(ops.array([1, np.nan, 3]))


def max_with_nan() -> tf.Tensor:
    return ops.max(ops.array([1, np.nan, 3]))


def maximum_with_nan() -> tf.Tensor:
    return ops.maximum(np.nan, 1.0)


def relu_of_nan_forward() -> tf.Tensor:
    return ops.relu(ops.array(np.nan))


def sign_of_nan() -> tf.Tensor:
    return ops.sign(ops.array(np.nan))


def sort_with_nan() -> tf.Tensor:
    return ops.sort(ops.array([np.nan, 1, 3]))


def argmax_of_ties() -> tf.Tensor:
    return ops.argmax(ops.array([1, 3, 3]))


def one_hot_too_large() -> tf.Tensor:
    return ops.one_hot(3, 3)


def uniform_of_seed_0() -> tf.Tensor:
    return keras.random.uniform((2,), seed=0)


def std() -> tf.Tensor:
    return ops.std(ops.array([0.0, 2.0]))


def median_of_even() -> tf.Tensor:
    return ops.median(ops.array([1.0, 2.0]))


def mean_of_nothing() -> tf.Tensor:
    return ops.mean(ops.zeros(0))


def add_at_repeated() -> tf.Tensor:
    return ops.scatter(ops.array([[0], [0]]), ops.array([1.0, 1.0]), (1,))[0]
