"""Keras: keras.layers and keras.ops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras import layers, ops

if TYPE_CHECKING:
    import tensorflow as tf  # the backend, whose tensors Keras computes with


def attention_layout(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
    return ops.dot_product_attention(q, k, v)


def attention_layout_matched(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
    q, k, v = (ops.swapaxes(x, 1, 2) for x in (q, k, v))
    return ops.swapaxes(ops.dot_product_attention(q, k, v), 1, 2)


def attention_mask(x: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    layer = layers.MultiHeadAttention(2, 4, use_bias=False)
    layer.build(x.shape, x.shape)
    to_heads = ops.reshape(ops.eye(8), (8, 2, 4))
    layer.set_weights([to_heads, to_heads, to_heads, ops.reshape(ops.eye(8), (2, 4, 8))])
    return layer(x, x, attention_mask=mask)


def masked_rows(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    q, k, v = (ops.swapaxes(x, 1, 2) for x in (q, k, v))
    return ops.swapaxes(ops.dot_product_attention(q, k, v, mask=mask[None, None]), 1, 2)


def masked_rows_matched(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    q, k, v = (ops.swapaxes(x, 1, 2) for x in (q, k, v))
    out = ops.swapaxes(ops.dot_product_attention(q, k, v, mask=mask[None, None]), 1, 2)
    return ops.where(ops.any(mask, axis=-1)[:, None], out, 0.0)


def causal_offset(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
    q, k, v = (ops.swapaxes(x, 1, 2) for x in (q, k, v))
    return ops.swapaxes(ops.dot_product_attention(q, k, v, is_causal=True), 1, 2)


def causal_offset_matched(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
    q, k, v = (ops.swapaxes(x, 1, 2) for x in (q, k, v))
    mask = ops.tril(ops.ones((2, 5), "bool"), k=5 - 2)
    return ops.swapaxes(ops.dot_product_attention(q, k, v, mask=mask[None, None]), 1, 2)


def angles() -> tf.Tensor:
    """Return the angle of each position and pair."""
    return ops.arange(5.0)[:, None] / 10_000 ** (ops.arange(4.0) / 4)


def rotary(x: tf.Tensor) -> tf.Tensor:
    cos, sin = ops.cos(angles()), ops.sin(angles())
    a, b = x[..., 0::2], x[..., 1::2]
    return ops.reshape(ops.stack([a * cos - b * sin, b * cos + a * sin], axis=-1), x.shape)


def rotary_matched(x: tf.Tensor) -> tf.Tensor:
    cos, sin = ops.cos(angles()), ops.sin(angles())
    a, b = ops.split(x, 2, axis=-1)
    return ops.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)
