"""JAX: jax.image."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def antialias(x: jax.Array) -> jax.Array:
    return jax.image.resize(x, (2, 3, 4, 4), "bilinear")


def antialias_matched(x: jax.Array) -> jax.Array:
    return jax.image.resize(x, (2, 3, 4, 4), "bilinear", antialias=False)


def antialias_on(x: jax.Array) -> jax.Array:
    return jax.image.resize(x, (2, 3, 4, 4), "bilinear")


def bicubic(x: jax.Array) -> jax.Array:
    return jax.image.resize(x, (2, 3, 8, 8), "bicubic")


def align_corners(x: jax.Array) -> jax.Array:
    return jax.image.resize(x, (2, 3, 7, 7), "bilinear")


def align_corners_matched(x: jax.Array) -> jax.Array:
    scale = jnp.full(2, (7 - 1) / (4 - 1))
    moved = 0.5 - 0.5 * scale  # the first pixel's centre stays in place
    return jax.image.scale_and_translate(x, (2, 3, 7, 7), (2, 3), scale, moved, "linear", antialias=False)


def nearest(x: jax.Array) -> jax.Array:
    return jax.image.resize(x, (2, 3, 3, 3), "nearest")
