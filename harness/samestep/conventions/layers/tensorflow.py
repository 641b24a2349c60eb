"""TensorFlow: tf.nn; layers are Keras's."""

from __future__ import annotations

import tensorflow as tf


def gelu() -> tf.Tensor:
    return tf.nn.gelu(1.0)


def leaky_relu() -> tf.Tensor:
    return tf.nn.leaky_relu(-1.0)


def silu() -> tf.Tensor:
    return tf.nn.silu(1.0)


def softplus() -> tf.Tensor:
    return tf.nn.softplus(1.0)


def elu() -> tf.Tensor:
    return tf.nn.elu(-1.0)


def convolution_same_stride_2() -> tf.Tensor:
    return tf.nn.conv1d(tf.ones((1, 4, 1)), tf.ones((3, 1, 1)), 2, "SAME")[0, :, 0]


def average_pool_at_border() -> tf.Tensor:
    return tf.nn.avg_pool1d(tf.ones((1, 3, 1)), 3, 1, "SAME")[0, 0, 0]


def dropout_survivor() -> tf.Tensor:
    return tf.reduce_max(tf.nn.dropout(tf.ones(1000), 0.5))
