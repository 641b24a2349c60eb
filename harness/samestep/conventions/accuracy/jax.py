"""JAX: jax.numpy, jax.nn and jax.lax."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from samestep.conventions.accuracy.ulps import Precision, points, worst_ulps


def ulps(function: str, f: Callable[[jax.Array], jax.Array], dtype: Precision) -> float:
    """Return the largest error of ``f`` over the range of ``function``, in ulps."""
    x = points(function, dtype)
    jax.config.update("jax_enable_x64", dtype is np.float64)  # without it float64 arrays become float32
    try:
        return worst_ulps(function, x, f(jnp.array(x)))
    finally:
        jax.config.update("jax_enable_x64", False)


def exp_float32() -> float:
    return ulps("exp", jnp.exp, np.float32)


def log_float32() -> float:
    return ulps("log", jnp.log, np.float32)


def tanh_float32() -> float:
    return ulps("tanh", jnp.tanh, np.float32)


def sigmoid_float32() -> float:
    return ulps("sigmoid", jax.nn.sigmoid, np.float32)


def sqrt_float32() -> float:
    return ulps("sqrt", jnp.sqrt, np.float32)


def rsqrt_float32() -> float:
    return ulps("rsqrt", jax.lax.rsqrt, np.float32)


def sin_float32() -> float:
    return ulps("sin", jnp.sin, np.float32)


def exp_float64() -> float:
    return ulps("exp", jnp.exp, np.float64)


def log_float64() -> float:
    return ulps("log", jnp.log, np.float64)


def tanh_float64() -> float:
    return ulps("tanh", jnp.tanh, np.float64)


def sigmoid_float64() -> float:
    return ulps("sigmoid", jax.nn.sigmoid, np.float64)
