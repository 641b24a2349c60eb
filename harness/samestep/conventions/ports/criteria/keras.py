"""Keras: keras.losses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras import losses, ops

if TYPE_CHECKING:
    import tensorflow as tf  # the backend, whose tensors Keras computes with


def from_logits(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    return losses.SparseCategoricalCrossentropy()(labels, logits)


def from_logits_matched(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    return losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits)


def ignored_labels(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    counts = ops.cast(labels != 0, "float32")
    return losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits, counts)


def ignored_labels_matched(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    return losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)(labels, logits)


def class_weights(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    weights = ops.take(ops.array([1.0, 2.0, 4.0]), labels)
    return losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits, weights)


def class_weights_matched(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    weights = ops.take(ops.array([1.0, 2.0, 4.0]), labels)
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight")
    return loss(labels, logits, weights)


def squared_error(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    return losses.MeanSquaredError()(x, y)


def smooth_l1(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    return losses.Huber(delta=0.5)(x, y)


def smooth_l1_matched(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    return losses.Huber(delta=0.5)(x, y) / 0.5


def divergence(p: tf.Tensor, q: tf.Tensor) -> tf.Tensor:
    return losses.KLDivergence()(p, q)


def label_smoothing(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    loss = losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    return loss(ops.one_hot(labels, 3), logits)


def cosine(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    return losses.cosine_similarity(x, y)


def cosine_matched(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    return -losses.cosine_similarity(x, y)
