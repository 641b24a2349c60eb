"""Keras: keras.layers and keras.ops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
from keras import layers, ops

from samestep.conventions.answers import default, rough_std
from samestep.conventions.keras_backend import average_pool_same

if TYPE_CHECKING:
    import tensorflow as tf  # the backend, whose tensors Keras computes with

BATCH = [[0.0], [2.0]]


def built(layer: keras.Layer, shape: tuple[int | None, ...]) -> keras.Layer:
    """Return the layer with its weights drawn, seed 0, for inputs of this shape."""
    keras.utils.set_random_seed(0)
    layer.build(shape)
    return layer


def gelu() -> tf.Tensor:
    return layers.Activation("gelu")(np.array([1.0], np.float32))


def leaky_relu() -> tf.Tensor:
    return ops.leaky_relu(ops.array([-1.0]))


def leaky_relu_layer() -> tf.Tensor:
    return layers.LeakyReLU()(np.array([-1.0], np.float32))


def hard_sigmoid() -> tf.Tensor:
    return ops.hard_sigmoid(ops.array([1.0]))


def hard_swish() -> tf.Tensor:
    return ops.hard_silu(ops.array([1.0]))


def silu() -> tf.Tensor:
    return ops.silu(ops.array([1.0]))


def softplus() -> tf.Tensor:
    return ops.softplus(ops.array([1.0]))


def elu() -> tf.Tensor:
    return ops.elu(ops.array([-1.0]))


def dense_weight_shape() -> list[int]:
    return list(built(layers.Dense(100), (None, 784)).kernel.shape)


def dense_weight_std() -> float:
    return rough_std(built(layers.Dense(100), (None, 784)).kernel)


def dense_bias_std() -> float:
    return rough_std(built(layers.Dense(10_000), (None, 784)).bias)


def convolution_weight_shape() -> list[int]:
    return list(built(layers.Conv2D(8, 5), (None, 28, 28, 3)).kernel.shape)


def convolution_weight_std() -> float:
    return rough_std(built(layers.Conv2D(64, 3), (None, 28, 28, 64)).kernel)


def convolution_padding() -> int:
    return int(layers.Conv1D(1, 3)(np.zeros((1, 8, 1), np.float32)).shape[1])


def convolution_same_stride_2() -> tf.Tensor:
    x, kernel = ops.ones((1, 4, 1)), ops.ones((3, 1, 1))
    return ops.conv(x, kernel, strides=2, padding="same")[0, :, 0]


def average_pool_at_border() -> tf.Tensor:
    return ops.average_pool(ops.ones((1, 3, 1)), 3, strides=1, padding="same")[0, 0, 0]


def average_pool_same_keras() -> float:
    return average_pool_same(keras)


def embedding_std() -> float:
    return rough_std(built(layers.Embedding(1000, 100), (None,)).embeddings)


def embedding_padding_gradient() -> tf.Tensor:
    import tensorflow as tf  # the backend, which has the gradient

    layer = built(layers.Embedding(3, 1, mask_zero=True), (None,))
    with tf.GradientTape() as tape:
        total = ops.sum(layer(ops.array([0, 1])))
    return tf.convert_to_tensor(tape.gradient(total, layer.embeddings.value))[0]


def batch_norm_eps() -> float | None:
    return default(layers.BatchNormalization, "epsilon")


def batch_norm_running_mean() -> tf.Tensor:
    layer = layers.BatchNormalization()
    layer(np.array(BATCH, np.float32), training=True)
    return layer.moving_mean


def batch_norm_running_variance() -> tf.Tensor:
    layer = layers.BatchNormalization(momentum=0.0)
    layer(np.array(BATCH, np.float32), training=True)
    return layer.moving_variance


def layer_norm_eps() -> float | None:
    return default(layers.LayerNormalization, "epsilon")


def dropout_survivor() -> tf.Tensor:
    return ops.max(layers.Dropout(0.5)(np.ones(1000, np.float32), training=True))


def lstm_forget_bias() -> tf.Tensor:
    return ops.mean(built(layers.LSTM(10), (None, None, 1)).cell.bias[10:20])
