"""TensorFlow: written out; layers are Keras's."""

from __future__ import annotations

import tensorflow as tf


def angles() -> tf.Tensor:
    """Return the angle of each position and pair."""
    return tf.range(5.0)[:, None] / 10_000 ** (tf.range(4.0) / 4)


def rotary(x: tf.Tensor) -> tf.Tensor:
    cos, sin = tf.cos(angles()), tf.sin(angles())
    a, b = x[..., 0::2], x[..., 1::2]
    return tf.reshape(tf.stack([a * cos - b * sin, b * cos + a * sin], axis=-1), x.shape)


def rotary_matched(x: tf.Tensor) -> tf.Tensor:
    cos, sin = tf.cos(angles()), tf.sin(angles())
    a, b = tf.split(x, 2, axis=-1)
    return tf.concat([a * cos - b * sin, b * cos + a * sin], axis=-1)
