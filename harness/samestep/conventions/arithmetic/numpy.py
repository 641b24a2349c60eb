"""NumPy: plain arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from samestep.conventions.answers import OVER_HALF_WAY, or_word

ones = np.ones(1, np.float32)


def float_default() -> Any:
    return np.array([1.5]).dtype.name


def integer_default() -> Any:
    return np.array([1]).dtype.name


def float64_asked_for() -> Any:
    return np.zeros(1, np.float64).dtype.name


def float32_times_float64_scalar() -> Any:
    return (ones * np.float64(0.1)).dtype.name


def float32_times_python_float() -> Any:
    return (ones * 0.1).dtype.name


def int32_plus_float32() -> Any:
    return (np.ones(1, np.int32) + ones).dtype.name


def int32_over_int32() -> Any:
    return (np.ones(1, np.int32) / np.ones(1, np.int32)).dtype.name


def uint8_over_255() -> Any:
    return (np.ones(1, np.uint8) / 255).dtype.name


def uint8_plus_int8() -> Any:
    return (np.ones(1, np.uint8) + np.ones(1, np.int8)).dtype.name


def denormal_times_one() -> Any:
    return np.ldexp(ones, -130) * ones > 0


def int32_overflow() -> Any:
    return np.array([2**31 - 1], np.int32) + np.int32(1)


def int32_sum() -> Any:
    return np.full(4, 2**30, np.int32).sum()


def uint8_sum() -> Any:
    return np.array([200, 100], np.uint8).sum()


def integer_mean() -> Any:
    return np.array([1, 2]).mean()


def cast(value: float, dtype: Any) -> Any:
    return np.array([value], np.float32).astype(dtype)[0]


def cast_300_to_uint8() -> Any:
    return cast(300, np.uint8)


def cast_minus_1_to_uint8() -> Any:
    return cast(-1, np.uint8)


def cast_3e9_to_int32() -> Any:
    return cast(3e9, np.int32)


def cast_nan_to_int32() -> Any:
    return cast(np.nan, np.int32)


def cast_minus_1_5_to_int32() -> Any:
    return cast(-1.5, np.int32)


def cast_float64_to_float16() -> Any:
    return np.array([OVER_HALF_WAY]).astype(np.float16)


def division_by_zero() -> Any:
    return or_word("raises", ZeroDivisionError, lambda: np.array([1]) // np.array([0]))


def remainder() -> Any:
    return np.array([-7]) % np.array([3])


def floor_division() -> Any:
    return np.array([-7]) // np.array([3])


def negative_power() -> Any:
    return or_word("raises", ValueError, lambda: np.array([2]) ** np.array([-1]))


def round_half() -> Any:
    return np.round([0.5, 1.5, 2.5])


def argmax_with_nan() -> Any:
    return np.argmax([1, np.nan, 3])


def max_with_nan() -> Any:
    return np.max([1, np.nan, 3])


def maximum_with_nan() -> Any:
    return np.maximum(np.nan, 1.0)


def relu_of_nan_forward() -> Any:
    return np.maximum(np.nan, 0.0)


def sign_of_nan() -> Any:
    return np.sign(np.nan)


def sort_with_nan() -> Any:
    return np.sort([np.nan, 1, 3])


def argmax_of_ties() -> Any:
    return np.argmax([1, 3, 3])


def std() -> Any:
    return np.std([0.0, 2.0])


def median_of_even() -> Any:
    return np.median([1.0, 2.0])


def max_of_nothing() -> Any:
    return or_word("raises", ValueError, lambda: np.max(np.zeros(0)))


def mean_of_nothing() -> Any:
    return np.mean(np.zeros(0))


def index_too_large() -> Any:
    return or_word("raises", IndexError, lambda: np.arange(3)[5])


def take_too_large() -> Any:
    return or_word("raises", IndexError, lambda: np.take(np.arange(3), [5]))


def write_too_large() -> Any:
    x = np.zeros(3)

    def write() -> Any:
        x[5] = 1
        return x

    return or_word("raises", IndexError, write)


def add_at_repeated() -> Any:
    x = np.zeros(1)
    x[[0, 0]] += 1
    return x[0]
