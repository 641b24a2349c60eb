"""Keras: keras.layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import layers, ops

if TYPE_CHECKING:
    import tensorflow as tf  # the backend, whose tensors Keras computes with


def holding(layer: keras.Layer, weights: list[tf.Tensor], x: tf.Tensor) -> tf.Tensor:
    """Return what the layer computes with these weights."""
    layer.build(x.shape)
    layer.set_weights(weights)
    return layer(x)


def gru(x: tf.Tensor, w_ih: tf.Tensor, w_hh: tf.Tensor, b_ih: tf.Tensor, b_hh: tf.Tensor) -> tf.Tensor:
    weights = [ops.transpose(w_ih), ops.transpose(w_hh), ops.stack([b_ih, b_hh])]
    return holding(layers.GRU(4, return_sequences=True), weights, x)


def gru_matched(
    x: tf.Tensor, w_ih: tf.Tensor, w_hh: tf.Tensor, b_ih: tf.Tensor, b_hh: tf.Tensor
) -> tf.Tensor:
    r_z_n_to_z_r_h = [*range(4, 8), *range(4), *range(8, 12)]
    weights = [ops.transpose(w_ih), ops.transpose(w_hh), ops.stack([b_ih, b_hh])]
    weights = [ops.take(weight, r_z_n_to_z_r_h, axis=1) for weight in weights]
    return holding(layers.GRU(4, return_sequences=True), weights, x)


def gru_reset_before(x: tf.Tensor, w_ih: tf.Tensor, w_hh: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return gru_matched(x, w_ih, w_hh, b, ops.zeros(12))


def gru_reset_before_matched(x: tf.Tensor, w_ih: tf.Tensor, w_hh: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    r_z_n_to_z_r_h = [*range(4, 8), *range(4), *range(8, 12)]
    weights = [ops.transpose(w_ih), ops.transpose(w_hh), b]
    weights = [ops.take(weight, r_z_n_to_z_r_h, axis=-1) for weight in weights]
    return holding(layers.GRU(4, reset_after=False, return_sequences=True), weights, x)


def lstm(x: tf.Tensor, w_ih: tf.Tensor, w_hh: tf.Tensor, b_ih: tf.Tensor, b_hh: tf.Tensor) -> tf.Tensor:
    weights = [ops.transpose(w_ih), ops.transpose(w_hh), b_ih]  # b_hh has no place of its own
    return holding(layers.LSTM(4, return_sequences=True), weights, x)


def lstm_matched(
    x: tf.Tensor, w_ih: tf.Tensor, w_hh: tf.Tensor, b_ih: tf.Tensor, b_hh: tf.Tensor
) -> tf.Tensor:
    weights = [ops.transpose(w_ih), ops.transpose(w_hh), b_ih + b_hh]
    return holding(layers.LSTM(4, return_sequences=True), weights, x)
