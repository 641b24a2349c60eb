"""Keras: keras.layers and keras.ops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras import layers, ops

if TYPE_CHECKING:
    import tensorflow as tf  # the backend, whose tensors Keras computes with


def gelu(x: tf.Tensor) -> tf.Tensor:
    return layers.Activation("gelu")(x)


def gelu_tanh(x: tf.Tensor) -> tf.Tensor:
    return layers.Activation("gelu")(x)


def gelu_tanh_matched(x: tf.Tensor) -> tf.Tensor:
    return ops.gelu(x, approximate=True)


def quick_gelu(x: tf.Tensor) -> tf.Tensor:
    return layers.Activation("gelu")(x)


def quick_gelu_matched(x: tf.Tensor) -> tf.Tensor:
    return x * ops.sigmoid(1.702 * x)


def leaky_relu(x: tf.Tensor) -> tf.Tensor:
    return layers.LeakyReLU()(x)


def leaky_relu_matched(x: tf.Tensor) -> tf.Tensor:
    return layers.LeakyReLU(negative_slope=0.01)(x)
