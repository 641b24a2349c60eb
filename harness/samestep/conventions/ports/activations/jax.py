"""JAX: jax.nn; flax.linen has the same functions."""

from __future__ import annotations

import jax


def gelu(x: jax.Array) -> jax.Array:
    return jax.nn.gelu(x)


def gelu_matched(x: jax.Array) -> jax.Array:
    return jax.nn.gelu(x, approximate=False)


def gelu_tanh(x: jax.Array) -> jax.Array:
    return jax.nn.gelu(x)


def quick_gelu(x: jax.Array) -> jax.Array:
    return jax.nn.gelu(x)


def quick_gelu_matched(x: jax.Array) -> jax.Array:
    return x * jax.nn.sigmoid(1.702 * x)


def leaky_relu(x: jax.Array) -> jax.Array:
    return jax.nn.leaky_relu(x)
