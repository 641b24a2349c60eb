"""JAX: jax.nn and Flax's layers."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import linen as nn


def attention_layout(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    return jax.nn.dot_product_attention(q, k, v)


def attention_layout_matched(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    q, k, v = (x.swapaxes(1, 2) for x in (q, k, v))
    return jax.nn.dot_product_attention(q, k, v).swapaxes(1, 2)


def attention_mask(x: jax.Array, mask: jax.Array) -> jax.Array:
    layer = nn.MultiHeadDotProductAttention(2, use_bias=False)
    to_heads = jnp.eye(8).reshape(8, 2, 4)
    params = {name: {"kernel": to_heads} for name in ("query", "key", "value")}
    params["out"] = {"kernel": jnp.eye(8).reshape(2, 4, 8)}
    return layer.apply({"params": params}, x, mask=mask)


def masked_rows(q: jax.Array, k: jax.Array, v: jax.Array, mask: jax.Array) -> jax.Array:
    q, k, v = (x.swapaxes(1, 2) for x in (q, k, v))
    return jax.nn.dot_product_attention(q, k, v, mask=mask[None, None]).swapaxes(1, 2)


def masked_rows_matched(q: jax.Array, k: jax.Array, v: jax.Array, mask: jax.Array) -> jax.Array:
    q, k, v = (x.swapaxes(1, 2) for x in (q, k, v))
    out = jax.nn.dot_product_attention(q, k, v, mask=mask[None, None]).swapaxes(1, 2)
    return jnp.where(mask.any(axis=-1)[:, None], out, 0.0)


def causal_offset(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    q, k, v = (x.swapaxes(1, 2) for x in (q, k, v))
    return jax.nn.dot_product_attention(q, k, v, is_causal=True).swapaxes(1, 2)


def causal_offset_matched(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    q, k, v = (x.swapaxes(1, 2) for x in (q, k, v))
    mask = jnp.tril(jnp.ones((2, 5), bool), k=5 - 2)
    return jax.nn.dot_product_attention(q, k, v, mask=mask[None, None]).swapaxes(1, 2)


def angles() -> jax.Array:
    """Return the angle of each position and pair."""
    return jnp.arange(5)[:, None] / 10_000 ** (jnp.arange(4) / 4)


def rotary(x: jax.Array) -> jax.Array:
    cos, sin = jnp.cos(angles()), jnp.sin(angles())
    a, b = x[..., 0::2], x[..., 1::2]
    return jnp.stack([a * cos - b * sin, b * cos + a * sin], axis=-1).reshape(x.shape)


def rotary_matched(x: jax.Array) -> jax.Array:
    cos, sin = jnp.cos(angles()), jnp.sin(angles())
    a, b = jnp.split(x, 2, axis=-1)
    return jnp.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)
