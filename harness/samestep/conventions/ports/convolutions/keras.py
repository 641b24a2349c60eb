"""Keras: keras.layers and keras.ops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import layers, ops

if TYPE_CHECKING:
    import tensorflow as tf  # the backend, whose tensors Keras computes with


def nhwc(x: tf.Tensor) -> tf.Tensor:
    """Return the image with channels last."""
    return ops.transpose(x, (0, 2, 3, 1))


def nchw(x: tf.Tensor) -> tf.Tensor:
    """Return the image with channels first."""
    return ops.transpose(x, (0, 3, 1, 2))


def holding(layer: keras.Layer, weights: list[tf.Tensor], x: tf.Tensor) -> tf.Tensor:
    """Return what the layer computes with these weights."""
    layer.build(x.shape)
    layer.set_weights(weights)
    return layer(x)


def same_padding(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    layer = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)
    return nchw(holding(layer, [ops.transpose(w, (2, 3, 1, 0))], nhwc(x)))


def symmetric_padding(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    layer = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)
    return nchw(holding(layer, [ops.transpose(w, (2, 3, 1, 0))], nhwc(x)))


def symmetric_padding_matched(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    layer = layers.Conv2D(4, 3, strides=2, use_bias=False)
    return nchw(holding(layer, [ops.transpose(w, (2, 3, 1, 0))], layers.ZeroPadding2D(1)(nhwc(x))))


def transposed_convolution(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    layer = layers.Conv2DTranspose(5, 3, strides=2, padding="same", use_bias=False)
    return nchw(holding(layer, [ops.transpose(w, (2, 3, 1, 0))], nhwc(x)))


def transposed_convolution_matched(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    layer = layers.Conv2DTranspose(5, 3, strides=2, use_bias=False)  # the full output, 2 (n - 1) + 3
    full = holding(layer, [ops.transpose(w, (2, 3, 1, 0))], nhwc(x))
    return nchw(full[:, 1:, 1:])  # padding=1 crops both ends, output_padding=1 gives the last one back


def depthwise_kernel(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    kernel = ops.transpose(ops.reshape(w, (2, 3, 3, 3)), (2, 3, 1, 0))
    return nchw(holding(layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False), [kernel], nhwc(x)))


def depthwise_kernel_matched(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    kernel = ops.transpose(ops.reshape(w, (3, 2, 3, 3)), (2, 3, 0, 1))  # c, m, i, j -> i, j, c, m
    return nchw(holding(layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False), [kernel], nhwc(x)))


def flatten_order(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    return holding(layers.Dense(5, use_bias=False), [ops.transpose(w)], layers.Flatten()(nhwc(x)))


def flatten_order_matched(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    channels_first = layers.Permute((3, 1, 2))(nhwc(x))
    return holding(layers.Dense(5, use_bias=False), [ops.transpose(w)], layers.Flatten()(channels_first))


def dense_kernel(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    return holding(layers.Dense(4, use_bias=False), [w], x)


def dense_kernel_matched(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    return holding(layers.Dense(4, use_bias=False), [ops.transpose(w)], x)


def flipped_kernel(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    return ops.conv(x[None, :, None], w[:, None, None])[0, :, 0]


def average_pool_border(x: tf.Tensor) -> tf.Tensor:
    return nchw(layers.AveragePooling2D(3, strides=1, padding="same")(nhwc(x)))


def average_pool_border_matched(x: tf.Tensor) -> tf.Tensor:
    return nchw(layers.AveragePooling2D(3, strides=1)(layers.ZeroPadding2D(1)(nhwc(x))))


def pixel_shuffle(x: tf.Tensor) -> tf.Tensor:
    n, channels, h, w = x.shape
    blocks = ops.reshape(nhwc(x), (n, h, w, 2, 2, channels // 4))  # as TensorFlow's depth_to_space
    return nchw(ops.reshape(ops.transpose(blocks, (0, 1, 3, 2, 4, 5)), (n, 2 * h, 2 * w, -1)))


def pixel_shuffle_matched(x: tf.Tensor) -> tf.Tensor:
    n, channels, h, w = x.shape
    blocks = ops.reshape(nhwc(x), (n, h, w, channels // 4, 2, 2))
    return nchw(ops.reshape(ops.transpose(blocks, (0, 1, 4, 2, 5, 3)), (n, 2 * h, 2 * w, -1)))
