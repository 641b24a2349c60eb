"""Keras: keras.layers and keras.ops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import layers, ops

if TYPE_CHECKING:
    import tensorflow as tf  # the backend, whose tensors Keras computes with


def layer_norm_eps(x: tf.Tensor) -> tf.Tensor:
    return layers.LayerNormalization()(x)


def layer_norm_eps_matched(x: tf.Tensor) -> tf.Tensor:
    return layers.LayerNormalization(epsilon=1e-5)(x)


def one_pass_variance(x: tf.Tensor) -> tf.Tensor:
    return layers.LayerNormalization(epsilon=1e-5)(x)


def eval_mode(layer: keras.Layer, x: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor) -> tf.Tensor:
    """Return what a BatchNormalization computes with these running statistics."""
    layer.build(x.shape)
    layer.moving_mean.assign(mean)
    layer.moving_variance.assign(variance)
    return layer(x, training=False)


def batch_norm_eps(x: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor) -> tf.Tensor:
    return eval_mode(layers.BatchNormalization(), x, mean, variance)


def batch_norm_eps_matched(x: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor) -> tf.Tensor:
    return eval_mode(layers.BatchNormalization(epsilon=1e-5), x, mean, variance)


def batch_norm_running(x: tf.Tensor) -> tf.Tensor:
    layer = layers.BatchNormalization()
    layer(x, training=True)
    return layer.moving_variance


def batch_norm_running_matched(x: tf.Tensor) -> tf.Tensor:
    layer = layers.BatchNormalization(momentum=0.9)
    layer.build(x.shape)
    kept = 0.9 * layer.moving_variance
    layer(x, training=True)
    return kept + (layer.moving_variance - kept) * len(x) / (len(x) - 1)


def group_norm_eps(x: tf.Tensor) -> tf.Tensor:
    return layers.GroupNormalization(2, axis=1)(x)


def group_norm_eps_matched(x: tf.Tensor) -> tf.Tensor:
    return layers.GroupNormalization(2, axis=1, epsilon=1e-5)(x)


def rms_norm_eps(x: tf.Tensor) -> tf.Tensor:
    return layers.RMSNormalization()(x)


def unit_length(x: tf.Tensor) -> tf.Tensor:
    return ops.normalize(x, axis=-1)


def unit_length_matched(x: tf.Tensor) -> tf.Tensor:
    return ops.normalize(x, axis=-1, epsilon=1e-12)
