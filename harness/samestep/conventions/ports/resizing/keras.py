"""Keras: keras.ops.image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras import ops

if TYPE_CHECKING:
    import tensorflow as tf  # the backend, whose tensors Keras computes with


def antialias(x: tf.Tensor) -> tf.Tensor:
    return ops.image.resize(x, (4, 4), data_format="channels_first")


def antialias_on(x: tf.Tensor) -> tf.Tensor:
    return ops.image.resize(x, (4, 4), data_format="channels_first")


def antialias_on_matched(x: tf.Tensor) -> tf.Tensor:
    return ops.image.resize(x, (4, 4), antialias=True, data_format="channels_first")


def bicubic(x: tf.Tensor) -> tf.Tensor:
    return ops.image.resize(x, (8, 8), "bicubic", data_format="channels_first")


def align_corners(x: tf.Tensor) -> tf.Tensor:
    return ops.image.resize(x, (7, 7), data_format="channels_first")


def align_corners_matched(x: tf.Tensor) -> tf.Tensor:
    steps = ops.linspace(0.0, 3.0, 7)
    rows, columns = ops.meshgrid(steps, steps, indexing="ij")
    images = ops.reshape(x, (6, 4, 4))
    new = [ops.image.map_coordinates(image, ops.stack([rows, columns]), order=1) for image in images]
    return ops.reshape(ops.stack(new), (2, 3, 7, 7))


def nearest(x: tf.Tensor) -> tf.Tensor:
    return ops.image.resize(x, (3, 3), "nearest", data_format="channels_first")
