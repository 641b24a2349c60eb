"""JAX: Flax's layers."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import linen as nn


def layer_norm_eps(x: jax.Array) -> jax.Array:
    return nn.LayerNorm(use_scale=False, use_bias=False).apply({}, x)


def layer_norm_eps_matched(x: jax.Array) -> jax.Array:
    return nn.LayerNorm(epsilon=1e-5, use_scale=False, use_bias=False).apply({}, x)


def one_pass_variance(x: jax.Array) -> jax.Array:
    return nn.LayerNorm(epsilon=1e-5, use_scale=False, use_bias=False).apply({}, x)


def one_pass_variance_matched(x: jax.Array) -> jax.Array:
    layer = nn.LayerNorm(epsilon=1e-5, use_fast_variance=False, use_scale=False, use_bias=False)
    return layer.apply({}, x)


def batch_norm_eps(x: jax.Array, mean: jax.Array, variance: jax.Array) -> jax.Array:
    layer = nn.BatchNorm(use_running_average=True, use_scale=False, use_bias=False)
    return layer.apply({"batch_stats": {"mean": mean, "var": variance}}, x)


def batch_norm_running(x: jax.Array) -> jax.Array:
    layer = nn.BatchNorm(use_running_average=False, use_scale=False, use_bias=False)
    old = {"batch_stats": {"mean": jnp.zeros(8), "var": jnp.ones(8)}}
    _, new = layer.apply(old, x, mutable="batch_stats")
    return new["batch_stats"]["var"]


def batch_norm_running_matched(x: jax.Array) -> jax.Array:
    layer = nn.BatchNorm(use_running_average=False, momentum=0.9, use_scale=False, use_bias=False)
    old = {"batch_stats": {"mean": jnp.zeros(8), "var": jnp.ones(8)}}
    _, new = layer.apply(old, x, mutable="batch_stats")
    kept = 0.9 * old["batch_stats"]["var"]
    return kept + (new["batch_stats"]["var"] - kept) * len(x) / (len(x) - 1)


def group_norm_eps(x: jax.Array) -> jax.Array:
    layer = nn.GroupNorm(num_groups=2, use_scale=False, use_bias=False)
    return layer.apply({}, x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def group_norm_eps_matched(x: jax.Array) -> jax.Array:
    layer = nn.GroupNorm(num_groups=2, epsilon=1e-5, use_scale=False, use_bias=False)
    return layer.apply({}, x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def rms_norm_eps(x: jax.Array) -> jax.Array:
    return nn.RMSNorm(use_scale=False).apply({}, x)


def unit_length(x: jax.Array) -> jax.Array:
    return x / jnp.maximum(jnp.linalg.norm(x, axis=-1, keepdims=True), 1e-12)
