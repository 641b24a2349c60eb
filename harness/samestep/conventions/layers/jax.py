"""JAX: jax.nn, and jax.example_libraries.stax for layers; most people use Flax."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp
from jax.example_libraries import stax

from samestep.conventions.answers import default, rough_std
from samestep.conventions.keras_backend import average_pool_same, keras_on

Shape: TypeAlias = tuple[int, ...]
Params: TypeAlias = tuple[jax.Array, ...]
#: What stax calls a layer: one function that draws its params, and one that applies them.
Layer: TypeAlias = tuple[Callable[..., tuple[Shape, Params]], Callable[..., jax.Array]]


def initial_params(layer: Layer, shape: Shape) -> Params:
    """Return the params, (W, b), of a stax layer for inputs of this shape."""
    init, _ = layer
    _, params = init(jax.random.key(0), shape)
    return params


def gelu() -> jax.Array:
    return jax.nn.gelu(1.0)


def leaky_relu() -> jax.Array:
    return jax.nn.leaky_relu(-1.0)


def hard_sigmoid() -> jax.Array:
    return jax.nn.hard_sigmoid(1.0)


def hard_swish() -> jax.Array:
    return jax.nn.hard_swish(1.0)


def silu() -> jax.Array:
    return jax.nn.silu(1.0)


def softplus() -> jax.Array:
    return jax.nn.softplus(1.0)


def elu() -> jax.Array:
    return jax.nn.elu(-1.0)


def dense_weight_shape() -> list[int]:
    return list(initial_params(stax.Dense(100), (-1, 784))[0].shape)


def dense_weight_std() -> float:
    return rough_std(initial_params(stax.Dense(100), (-1, 784))[0])


def dense_weight_std_flax() -> float:
    from flax import linen as nn  # where it is missing, stax's layers still answer

    return rough_std(nn.Dense(100).init(jax.random.key(0), jnp.zeros((1, 784)))["params"]["kernel"])


def dense_bias_std() -> float:
    return rough_std(initial_params(stax.Dense(10_000), (-1, 784))[1])


def convolution_weight_shape() -> list[int]:
    return list(initial_params(stax.Conv(8, (5, 5)), (1, 28, 28, 3))[0].shape)


def convolution_weight_std() -> float:
    return rough_std(initial_params(stax.Conv(64, (3, 3)), (1, 28, 28, 64))[0])


def convolution_same_stride_2() -> jax.Array:
    x, kernel = jnp.ones((1, 1, 4)), jnp.ones((1, 1, 3))
    return jax.lax.conv_general_dilated(x, kernel, (2,), "SAME")[0, 0]


def average_pool_same_keras() -> float:
    return average_pool_same(keras_on("jax"))


def embedding_std_flax() -> float:
    from flax import linen as nn

    ids = jnp.zeros(1, int)
    return rough_std(nn.Embed(1000, 100).init(jax.random.key(0), ids)["params"]["embedding"])


def batch_norm_eps() -> float | None:
    return default(stax.BatchNorm, "epsilon")


def layer_norm_eps() -> float | None:
    return default(jax.nn.standardize, "epsilon")
