"""TensorFlow: tf.nn; other losses are Keras's."""

from __future__ import annotations

import tensorflow as tf

cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits


def from_logits(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(cross_entropy(labels, logits))


def ignored_labels(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    counts = tf.cast(labels != 0, tf.float32)
    return tf.reduce_mean(cross_entropy(labels, logits) * counts)


def ignored_labels_matched(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    counts = tf.cast(labels != 0, tf.float32)
    return tf.reduce_sum(cross_entropy(labels, logits) * counts) / tf.reduce_sum(counts)


def class_weights(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    weights = tf.gather([1.0, 2.0, 4.0], labels)
    return tf.reduce_mean(weights * cross_entropy(labels, logits))


def class_weights_matched(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    weights = tf.gather([1.0, 2.0, 4.0], labels)
    return tf.reduce_sum(weights * cross_entropy(labels, logits)) / tf.reduce_sum(weights)


def squared_error(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    return tf.nn.l2_loss(x - y)


def squared_error_matched(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.square(x - y))


def label_smoothing(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    smoothed = tf.one_hot(labels, 3, on_value=0.9, off_value=0.1 / 2)  # by hand: the others share it
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(smoothed, logits))


def label_smoothing_matched(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    smoothed = 0.9 * tf.one_hot(labels, 3) + 0.1 / 3  # all classes share it
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(smoothed, logits))
