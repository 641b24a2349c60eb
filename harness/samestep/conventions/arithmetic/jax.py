"""JAX: NumPy's functions on arrays that are 32 bits wide unless jax_enable_x64 is set."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import DTypeLike

from samestep.conventions.answers import OVER_HALF_WAY, or_word

ones = jnp.ones(1)


def dtype(array: jax.Array) -> str:
    return str(array.dtype.name)


def float_default() -> str:
    return dtype(jnp.array([1.5]))


def integer_default() -> str:
    return dtype(jnp.array([1]))


def float64_asked_for() -> str:
    return dtype(jnp.zeros(1, jnp.float64))


def float32_times_float64_scalar() -> str:
    return dtype(ones * np.float64(0.1))


def float32_times_python_float() -> str:
    return dtype(ones * 0.1)


def int32_plus_float32() -> str:
    return dtype(jnp.ones(1, jnp.int32) + ones)


def int32_over_int32() -> str:
    return dtype(jnp.ones(1, jnp.int32) / jnp.ones(1, jnp.int32))


def uint8_over_255() -> str:
    return dtype(jnp.ones(1, jnp.uint8) / 255)


def uint8_plus_int8() -> str:
    return dtype(jnp.ones(1, jnp.uint8) + jnp.ones(1, jnp.int8))


def tf32_in_matmul() -> str:
    return str(jax.config.jax_default_matmul_precision or "default")


def denormal_times_one() -> jax.Array:
    return jnp.array(np.array([2.0**-130], np.float32)) * ones > 0


def int32_overflow() -> jax.Array:
    return jnp.array([2**31 - 1]) + 1


def int32_sum() -> jax.Array:
    return jnp.full(4, 2**30).sum()


def uint8_sum() -> jax.Array:
    return jnp.array([200, 100], jnp.uint8).sum()


def integer_mean() -> jax.Array:
    return jnp.array([1, 2]).mean()


def cast(value: float, dtype: DTypeLike) -> jax.Array:
    return jnp.array([value]).astype(dtype)[0]


def cast_300_to_uint8() -> jax.Array:
    return cast(300.0, jnp.uint8)


def cast_minus_1_to_uint8() -> jax.Array:
    return cast(-1.0, jnp.uint8)


def cast_3e9_to_int32() -> jax.Array:
    return cast(3e9, jnp.int32)


def cast_nan_to_int32() -> jax.Array:
    return cast(jnp.nan, jnp.int32)


def cast_minus_1_5_to_int32() -> jax.Array:
    return cast(-1.5, jnp.int32)


def cast_float64_to_float16() -> jax.Array:
    return cast(OVER_HALF_WAY, jnp.float16)


def division_by_zero() -> jax.Array:
    return jnp.array([1]) // jnp.array([0])


def remainder() -> jax.Array:
    return jnp.array([-7]) % jnp.array([3])


def floor_division() -> jax.Array:
    return jnp.array([-7]) // jnp.array([3])


def negative_power() -> jax.Array:
    return jnp.array([2]) ** jnp.array([-1])


def round_half() -> jax.Array:
    return jnp.round(jnp.array([0.5, 1.5, 2.5]))


def argmax_with_nan() -> jax.Array:
    return jnp.argmax(jnp.array([1, jnp.nan, 3]))


def max_with_nan() -> jax.Array:
    return jnp.max(jnp.array([1, jnp.nan, 3]))


def maximum_with_nan() -> jax.Array:
    return jnp.maximum(jnp.nan, 1.0)


def relu_of_nan_forward() -> jax.Array:
    return jax.nn.relu(jnp.nan)


def sign_of_nan() -> jax.Array:
    return jnp.sign(jnp.nan)


def sort_with_nan() -> jax.Array:
    return jnp.sort(jnp.array([jnp.nan, 1, 3]))


def argmax_of_ties() -> jax.Array:
    return jnp.argmax(jnp.array([1, 3, 3]))


def one_hot_too_large() -> jax.Array:
    return jax.nn.one_hot(3, 3)


def uniform_of_seed_0() -> jax.Array:
    return jax.random.uniform(jax.random.key(0), (2,))


def uniform_not_partitionable() -> jax.Array:
    with jax.threefry_partitionable(False):
        return jax.random.uniform(jax.random.key(0), (2,))


def std() -> jax.Array:
    return jnp.std(jnp.array([0.0, 2.0]))


def median_of_even() -> jax.Array:
    return jnp.median(jnp.array([1.0, 2.0]))


def max_of_nothing() -> jax.Array | str:
    return or_word("raises", ValueError, lambda: jnp.max(jnp.zeros(0)))


def mean_of_nothing() -> jax.Array:
    return jnp.mean(jnp.zeros(0))


def index_too_large() -> jax.Array:
    return jnp.arange(3)[5]


def take_too_large() -> jax.Array:
    return jnp.take(jnp.arange(3.0), jnp.array([5]))


def write_too_large() -> jax.Array:
    return jnp.zeros(3).at[5].set(1)


def add_at_repeated() -> jax.Array:
    return jnp.zeros(1).at[jnp.array([0, 0])].add(1)[0]
