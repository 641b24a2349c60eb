"""TensorFlow: tf.nn and tf.math; layers are Keras's."""

from __future__ import annotations

import tensorflow as tf


def unit_length(x: tf.Tensor) -> tf.Tensor:
    return tf.math.l2_normalize(x, axis=-1)


def unit_length_matched(x: tf.Tensor) -> tf.Tensor:
    return x / tf.maximum(tf.norm(x, axis=-1, keepdims=True), 1e-12)
