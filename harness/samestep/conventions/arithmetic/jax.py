"""JAX: NumPy's functions on arrays that are 32 bits wide unless it is told otherwise."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from samestep.conventions.answers import OVER_HALF_WAY, or_word

ones = jnp.ones(1)


def float_default() -> Any:
    return jnp.array([1.5]).dtype.name


def integer_default() -> Any:
    return jnp.array([1]).dtype.name


def float64_asked_for() -> Any:
    return jnp.zeros(1, jnp.float64).dtype.name


def float32_times_float64_scalar() -> Any:
    return (ones * np.float64(0.1)).dtype.name


def float32_times_python_float() -> Any:
    return (ones * 0.1).dtype.name


def int32_plus_float32() -> Any:
    return (jnp.ones(1, jnp.int32) + ones).dtype.name


def int32_over_int32() -> Any:
    return (jnp.ones(1, jnp.int32) / jnp.ones(1, jnp.int32)).dtype.name


def uint8_over_255() -> Any:
    return (jnp.ones(1, jnp.uint8) / 255).dtype.name


def uint8_plus_int8() -> Any:
    return (jnp.ones(1, jnp.uint8) + jnp.ones(1, jnp.int8)).dtype.name


def tf32_in_matmul() -> Any:
    return jax.config.jax_default_matmul_precision or "default"


def denormal_times_one() -> Any:
    return jnp.array(np.array([2.0**-130], np.float32)) * ones > 0


def int32_overflow() -> Any:
    return jnp.array([2**31 - 1]) + 1


def int32_sum() -> Any:
    return jnp.full(4, 2**30).sum()


def uint8_sum() -> Any:
    return jnp.array([200, 100], jnp.uint8).sum()


def integer_mean() -> Any:
    return jnp.array([1, 2]).mean()


def cast(value: float, dtype: Any) -> Any:
    return jnp.array([value]).astype(dtype)[0]


def cast_300_to_uint8() -> Any:
    return cast(300.0, jnp.uint8)


def cast_minus_1_to_uint8() -> Any:
    return cast(-1.0, jnp.uint8)


def cast_3e9_to_int32() -> Any:
    return cast(3e9, jnp.int32)


def cast_nan_to_int32() -> Any:
    return cast(jnp.nan, jnp.int32)


def cast_minus_1_5_to_int32() -> Any:
    return cast(-1.5, jnp.int32)


def cast_float64_to_float16() -> Any:
    return cast(OVER_HALF_WAY, jnp.float16)


def division_by_zero() -> Any:
    return jnp.array([1]) // jnp.array([0])


def remainder() -> Any:
    return jnp.array([-7]) % jnp.array([3])


def floor_division() -> Any:
    return jnp.array([-7]) // jnp.array([3])


def negative_power() -> Any:
    return jnp.array([2]) ** jnp.array([-1])


def round_half() -> Any:
    return jnp.round(jnp.array([0.5, 1.5, 2.5]))


def argmax_with_nan() -> Any:
    return jnp.argmax(jnp.array([1, jnp.nan, 3]))


def max_with_nan() -> Any:
    return jnp.max(jnp.array([1, jnp.nan, 3]))


def maximum_with_nan() -> Any:
    return jnp.maximum(jnp.nan, 1.0)


def relu_of_nan_forward() -> Any:
    return jax.nn.relu(jnp.nan)


def sign_of_nan() -> Any:
    return jnp.sign(jnp.nan)


def sort_with_nan() -> Any:
    return jnp.sort(jnp.array([jnp.nan, 1, 3]))


def argmax_of_ties() -> Any:
    return jnp.argmax(jnp.array([1, 3, 3]))


def std() -> Any:
    return jnp.std(jnp.array([0.0, 2.0]))


def median_of_even() -> Any:
    return jnp.median(jnp.array([1.0, 2.0]))


def max_of_nothing() -> Any:
    return or_word("raises", ValueError, lambda: jnp.max(jnp.zeros(0)))


def mean_of_nothing() -> Any:
    return jnp.mean(jnp.zeros(0))


def index_too_large() -> Any:
    return jnp.arange(3)[5]


def take_too_large() -> Any:
    return jnp.take(jnp.arange(3.0), jnp.array([5]))


def write_too_large() -> Any:
    return jnp.zeros(3).at[5].set(1)


def add_at_repeated() -> Any:
    return jnp.zeros(1).at[jnp.array([0, 0])].add(1)[0]
