"""TensorFlow: tf.image."""

from __future__ import annotations

import tensorflow as tf


def nhwc(x: tf.Tensor) -> tf.Tensor:
    """Return the image with channels last."""
    return tf.transpose(x, (0, 2, 3, 1))


def nchw(x: tf.Tensor) -> tf.Tensor:
    """Return the image with channels first."""
    return tf.transpose(x, (0, 3, 1, 2))


def antialias(x: tf.Tensor) -> tf.Tensor:
    return nchw(tf.image.resize(nhwc(x), (4, 4)))


def antialias_on(x: tf.Tensor) -> tf.Tensor:
    return nchw(tf.image.resize(nhwc(x), (4, 4)))


def antialias_on_matched(x: tf.Tensor) -> tf.Tensor:
    return nchw(tf.image.resize(nhwc(x), (4, 4), antialias=True))


def bicubic(x: tf.Tensor) -> tf.Tensor:
    return nchw(tf.image.resize(nhwc(x), (8, 8), "bicubic"))


def align_corners(x: tf.Tensor) -> tf.Tensor:
    return nchw(tf.image.resize(nhwc(x), (7, 7)))


def align_corners_matched(x: tf.Tensor) -> tf.Tensor:
    return nchw(tf.compat.v1.image.resize_bilinear(nhwc(x), (7, 7), align_corners=True))


def nearest(x: tf.Tensor) -> tf.Tensor:
    return nchw(tf.image.resize(nhwc(x), (3, 3), "nearest"))
