"""TensorFlow: tf.nn; layers are Keras's."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def gelu() -> Any:
    return tf.nn.gelu(1.0)


def leaky_relu() -> Any:
    return tf.nn.leaky_relu(-1.0)


def elu() -> Any:
    return tf.nn.elu(-1.0)


def convolution_same_stride_2() -> Any:
    return tf.nn.conv1d(tf.ones((1, 4, 1)), tf.ones((3, 1, 1)), 2, "SAME")[0, :, 0]


def average_pool_at_border() -> Any:
    return tf.nn.avg_pool1d(tf.ones((1, 3, 1)), 3, 1, "SAME")[0, 0, 0]


def dropout_survivor() -> Any:
    return tf.reduce_max(tf.nn.dropout(tf.ones(1000), 0.5))
