"""TensorFlow: tf.nn."""

from __future__ import annotations

import tensorflow as tf


def gelu(x: tf.Tensor) -> tf.Tensor:
    return tf.nn.gelu(x)


def gelu_tanh(x: tf.Tensor) -> tf.Tensor:
    return tf.nn.gelu(x)


def gelu_tanh_matched(x: tf.Tensor) -> tf.Tensor:
    return tf.nn.gelu(x, approximate=True)


def quick_gelu(x: tf.Tensor) -> tf.Tensor:
    return tf.nn.gelu(x)


def quick_gelu_matched(x: tf.Tensor) -> tf.Tensor:
    return x * tf.sigmoid(1.702 * x)


def leaky_relu(x: tf.Tensor) -> tf.Tensor:
    return tf.nn.leaky_relu(x)


def leaky_relu_matched(x: tf.Tensor) -> tf.Tensor:
    return tf.nn.leaky_relu(x, alpha=0.01)
