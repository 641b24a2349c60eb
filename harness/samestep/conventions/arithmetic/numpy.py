"""NumPy: plain arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from samestep.conventions.answers import OVER_HALF_WAY, or_word

ones = np.ones(1, np.float32)


def dtype(array: np.ndarray) -> str:
    return array.dtype.name


def float_default() -> str:
    return dtype(np.array([1.5]))


def integer_default() -> str:
    return dtype(np.array([1]))


def float64_asked_for() -> str:
    return dtype(np.zeros(1, np.float64))


def float32_times_float64_scalar() -> str:
    return dtype(ones * np.float64(0.1))


def float32_times_python_float() -> str:
    return dtype(ones * 0.1)


def int32_plus_float32() -> str:
    return dtype(np.ones(1, np.int32) + ones)


def int32_over_int32() -> str:
    return dtype(np.ones(1, np.int32) / np.ones(1, np.int32))


def uint8_over_255() -> str:
    return dtype(np.ones(1, np.uint8) / 255)


def uint8_plus_int8() -> str:
    return dtype(np.ones(1, np.uint8) + np.ones(1, np.int8))


def denormal_times_one() -> np.ndarray:
    return np.ldexp(ones, -130) * ones > 0


def int32_overflow() -> np.ndarray:
    return np.array([2**31 - 1], np.int32) + np.int32(1)


def int32_sum() -> int:
    return int(np.full(4, 2**30, np.int32).sum())


def uint8_sum() -> int:
    return int(np.array([200, 100], np.uint8).sum())


def integer_mean() -> float:
    return float(np.array([1, 2]).mean())


def cast(value: float, dtype: DTypeLike) -> np.ndarray:
    return np.array([value], np.float32).astype(dtype)


def cast_300_to_uint8() -> np.ndarray:
    return cast(300, np.uint8)


def cast_minus_1_to_uint8() -> np.ndarray:
    return cast(-1, np.uint8)


def cast_3e9_to_int32() -> np.ndarray:
    return cast(3e9, np.int32)


def cast_nan_to_int32() -> np.ndarray:
    return cast(np.nan, np.int32)


def cast_minus_1_5_to_int32() -> np.ndarray:
    return cast(-1.5, np.int32)


def cast_float64_to_float16() -> np.ndarray:
    return np.array([OVER_HALF_WAY]).astype(np.float16)


def division_by_zero() -> np.ndarray | str:
    return or_word("raises", ZeroDivisionError, lambda: np.array([1]) // np.array([0]))


def remainder() -> np.ndarray:
    result: np.ndarray = np.array([-7]) % np.array([3])
    return result


def floor_division() -> np.ndarray:
    result: np.ndarray = np.array([-7]) // np.array([3])
    return result


def negative_power() -> np.ndarray | str:
    return or_word("raises", ValueError, lambda: np.array([2]) ** np.array([-1]))


def round_half() -> np.ndarray:
    return np.round([0.5, 1.5, 2.5])


def argmax_with_nan() -> int:
    return int(np.argmax([1, np.nan, 3]))


def max_with_nan() -> float:
    return float(np.max([1, np.nan, 3]))


def maximum_with_nan() -> float:
    return float(np.maximum(np.nan, 1.0))


def relu_of_nan_forward() -> float:
    return float(np.maximum(np.nan, 0.0))


def sign_of_nan() -> float:
    return float(np.sign(np.nan))


def sort_with_nan() -> np.ndarray:
    return np.sort([np.nan, 1, 3])


def argmax_of_ties() -> int:
    return int(np.argmax([1, 3, 3]))


def uniform_of_seed_0() -> np.ndarray:
    return np.random.default_rng(0).random(2)


def std() -> float:
    return float(np.std([0.0, 2.0]))


def median_of_even() -> float:
    return float(np.median([1.0, 2.0]))


def max_of_nothing() -> float | str:
    return or_word("raises", ValueError, lambda: float(np.max(np.zeros(0))))


def mean_of_nothing() -> float:
    return float(np.mean(np.zeros(0)))


def index_too_large() -> np.ndarray | str:
    return or_word("raises", IndexError, lambda: np.arange(3)[5])


def take_too_large() -> np.ndarray | str:
    return or_word("raises", IndexError, lambda: np.take(np.arange(3), [5]))


def write_too_large() -> np.ndarray | str:
    x = np.zeros(3)

    def write() -> np.ndarray:
        x[5] = 1
        return x

    return or_word("raises", IndexError, write)


def add_at_repeated() -> np.ndarray:
    x = np.zeros(1)
    x[[0, 0]] += 1
    return x
