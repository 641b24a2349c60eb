"""JAX: jax.nn, and jax.example_libraries.stax for layers; most people use Flax."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.example_libraries import stax

from samestep.conventions.answers import default, spread


def made(layer: Any, shape: tuple[int, ...]) -> Any:
    """The params of a stax layer for inputs of this shape."""
    init, _ = layer
    return init(jax.random.key(0), shape)[1]


def gelu() -> Any:
    return jax.nn.gelu(1.0)


def leaky_relu() -> Any:
    return jax.nn.leaky_relu(-1.0)


def hard_sigmoid() -> Any:
    return jax.nn.hard_sigmoid(1.0)


def elu() -> Any:
    return jax.nn.elu(-1.0)


def dense_weight_shape() -> Any:
    return list(made(stax.Dense(100), (-1, 784))[0].shape)


def dense_weight_std() -> Any:
    return spread(made(stax.Dense(100), (-1, 784))[0])


def dense_bias_std() -> Any:
    return spread(made(stax.Dense(10_000), (-1, 784))[1])


def convolution_weight_shape() -> Any:
    return list(made(stax.Conv(8, (5, 5)), (1, 28, 28, 3))[0].shape)


def convolution_weight_std() -> Any:
    return spread(made(stax.Conv(64, (3, 3)), (1, 28, 28, 64))[0])


def convolution_same_stride_2() -> Any:
    x, kernel = jnp.ones((1, 1, 4)), jnp.ones((1, 1, 3))
    return jax.lax.conv_general_dilated(x, kernel, (2,), "SAME")[0, 0]


def batch_norm_eps() -> Any:
    return default(stax.BatchNorm, "epsilon")


def layer_norm_eps() -> Any:
    return default(jax.nn.standardize, "epsilon")
