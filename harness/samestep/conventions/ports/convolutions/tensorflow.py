"""TensorFlow: tf.nn."""

from __future__ import annotations

import tensorflow as tf


def nhwc(x: tf.Tensor) -> tf.Tensor:
    """Return the image with channels last."""
    return tf.transpose(x, (0, 2, 3, 1))


def nchw(x: tf.Tensor) -> tf.Tensor:
    """Return the image with channels first."""
    return tf.transpose(x, (0, 3, 1, 2))


def same_padding(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    return nchw(tf.nn.conv2d(nhwc(x), tf.transpose(w, (2, 3, 1, 0)), 2, "SAME"))


def symmetric_padding(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    return nchw(tf.nn.conv2d(nhwc(x), tf.transpose(w, (2, 3, 1, 0)), 2, "SAME"))


def symmetric_padding_matched(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    padding = [[0, 0], [1, 1], [1, 1], [0, 0]]
    return nchw(tf.nn.conv2d(nhwc(x), tf.transpose(w, (2, 3, 1, 0)), 2, padding))


def transposed_convolution(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    kernel = tf.transpose(w, (2, 3, 1, 0))  # in, out, i, j -> i, j, out, in
    return nchw(tf.nn.conv2d_transpose(nhwc(x), kernel, (2, 8, 8, 5), 2, "SAME"))


def transposed_convolution_matched(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    kernel = tf.transpose(w, (2, 3, 1, 0))
    full = tf.nn.conv2d_transpose(nhwc(x), kernel, (2, 10, 10, 5), 2, "VALID")  # 2 (n - 1) + 3, and 1 more
    return nchw(full[:, 1:-1, 1:-1])


def depthwise_kernel(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    kernel = tf.transpose(tf.reshape(w, (2, 3, 3, 3)), (2, 3, 1, 0))
    return nchw(tf.nn.depthwise_conv2d(nhwc(x), kernel, (1, 1, 1, 1), "VALID"))


def depthwise_kernel_matched(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    kernel = tf.transpose(tf.reshape(w, (3, 2, 3, 3)), (2, 3, 0, 1))  # c, m, i, j -> i, j, c, m
    return nchw(tf.nn.depthwise_conv2d(nhwc(x), kernel, (1, 1, 1, 1), "VALID"))


def flatten_order(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    return tf.reshape(nhwc(x), (2, -1)) @ tf.transpose(w)


def flatten_order_matched(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    kernel = tf.transpose(tf.reshape(w, (5, 3, 4, 4)), (2, 3, 1, 0))  # once, as the weights are taken over
    return tf.reshape(nhwc(x), (2, -1)) @ tf.reshape(kernel, (-1, 5))


def dense_kernel(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    return x @ w


def dense_kernel_matched(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    return x @ tf.transpose(w)


def flipped_kernel(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    return tf.nn.conv1d(x[None, :, None], w[:, None, None], 1, "VALID")[0, :, 0]


def average_pool_border(x: tf.Tensor) -> tf.Tensor:
    return nchw(tf.nn.avg_pool2d(nhwc(x), 3, 1, "SAME"))


def average_pool_border_matched(x: tf.Tensor) -> tf.Tensor:
    padded = tf.pad(nhwc(x), ((0, 0), (1, 1), (1, 1), (0, 0)))
    return nchw(tf.nn.avg_pool2d(padded, 3, 1, "VALID"))


def pixel_shuffle(x: tf.Tensor) -> tf.Tensor:
    return nchw(tf.nn.depth_to_space(nhwc(x), 2))


def pixel_shuffle_matched(x: tf.Tensor) -> tf.Tensor:
    n, channels, h, w = x.shape
    colours_last = tf.transpose(tf.reshape(x, (n, channels // 4, 4, h, w)), (0, 3, 4, 2, 1))
    return nchw(tf.nn.depth_to_space(tf.reshape(colours_last, (n, h, w, channels)), 2))
