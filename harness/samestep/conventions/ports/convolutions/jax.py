"""JAX: Flax's layers and jax.numpy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import linen as nn


def nhwc(x: jax.Array) -> jax.Array:
    """Return the image with channels last."""
    return x.transpose(0, 2, 3, 1)


def nchw(x: jax.Array) -> jax.Array:
    """Return the image with channels first."""
    return x.transpose(0, 3, 1, 2)


def same_padding(x: jax.Array, w: jax.Array) -> jax.Array:
    layer = nn.Conv(4, (3, 3), strides=2, use_bias=False)  # padding is "SAME"
    return nchw(layer.apply({"params": {"kernel": w.transpose(2, 3, 1, 0)}}, nhwc(x)))


def symmetric_padding(x: jax.Array, w: jax.Array) -> jax.Array:
    layer = nn.Conv(4, (3, 3), strides=2, use_bias=False)
    return nchw(layer.apply({"params": {"kernel": w.transpose(2, 3, 1, 0)}}, nhwc(x)))


def symmetric_padding_matched(x: jax.Array, w: jax.Array) -> jax.Array:
    layer = nn.Conv(4, (3, 3), strides=2, padding=1, use_bias=False)
    return nchw(layer.apply({"params": {"kernel": w.transpose(2, 3, 1, 0)}}, nhwc(x)))


def transposed_convolution(x: jax.Array, w: jax.Array) -> jax.Array:
    layer = nn.ConvTranspose(5, (3, 3), strides=(2, 2), use_bias=False)  # padding is "SAME"
    return nchw(layer.apply({"params": {"kernel": w.transpose(2, 3, 0, 1)}}, nhwc(x)))


def transposed_convolution_matched(x: jax.Array, w: jax.Array) -> jax.Array:
    padding = ((1, 2), (1, 2))  # (k - 1 - padding, k - 1 - padding + output_padding)
    layer = nn.ConvTranspose(5, (3, 3), strides=(2, 2), padding=padding, use_bias=False)
    kernel = w.transpose(2, 3, 0, 1)[::-1, ::-1]
    return nchw(layer.apply({"params": {"kernel": kernel}}, nhwc(x)))


def depthwise_kernel(x: jax.Array, w: jax.Array) -> jax.Array:
    layer = nn.Conv(6, (3, 3), padding="VALID", feature_group_count=3, use_bias=False)
    return nchw(layer.apply({"params": {"kernel": w.transpose(2, 3, 1, 0)}}, nhwc(x)))


def flatten_order(x: jax.Array, w: jax.Array) -> jax.Array:
    return nn.Dense(5, use_bias=False).apply({"params": {"kernel": w.T}}, nhwc(x).reshape(2, -1))


def flatten_order_matched(x: jax.Array, w: jax.Array) -> jax.Array:
    kernel = w.reshape(5, 3, 4, 4).transpose(2, 3, 1, 0).reshape(-1, 5)  # once, as weights are taken over
    return nn.Dense(5, use_bias=False).apply({"params": {"kernel": kernel}}, nhwc(x).reshape(2, -1))


def dense_kernel(x: jax.Array, w: jax.Array) -> jax.Array:
    return nn.Dense(4, use_bias=False).apply({"params": {"kernel": w}}, x)


def dense_kernel_matched(x: jax.Array, w: jax.Array) -> jax.Array:
    return nn.Dense(4, use_bias=False).apply({"params": {"kernel": w.T}}, x)


def flipped_kernel(x: jax.Array, w: jax.Array) -> jax.Array:
    return jnp.convolve(x, w, "valid")


def flipped_kernel_matched(x: jax.Array, w: jax.Array) -> jax.Array:
    return jnp.correlate(x, w, "valid")


def average_pool_border(x: jax.Array) -> jax.Array:
    return nchw(nn.avg_pool(nhwc(x), (3, 3), padding="SAME"))


def pixel_shuffle(x: jax.Array) -> jax.Array:
    n, channels, h, w = x.shape
    blocks = nhwc(x).reshape(n, h, w, 2, 2, channels // 4)  # as TensorFlow's depth_to_space
    return nchw(blocks.transpose(0, 1, 3, 2, 4, 5).reshape(n, 2 * h, 2 * w, -1))


def pixel_shuffle_matched(x: jax.Array) -> jax.Array:
    n, channels, h, w = x.shape
    blocks = nhwc(x).reshape(n, h, w, channels // 4, 2, 2)
    return nchw(blocks.transpose(0, 1, 4, 2, 5, 3).reshape(n, 2 * h, 2 * w, -1))
