"""TensorFlow: tf.nn, and tf.compat.v1.losses where tf.nn has no such loss."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from samestep.conventions.answers import or_word


def bce_at_0() -> tf.Tensor:
    return tf.compat.v1.losses.log_loss([1.0], [0.0])


def bce_gradient_at_0() -> tf.Tensor:
    p = tf.zeros(1)
    with tf.GradientTape() as tape:
        tape.watch(p)
        loss = tf.compat.v1.losses.log_loss([1.0], p)
    return tape.gradient(loss, p)[0]


def bce_with_logits_at_1000() -> tf.Tensor:
    return tf.nn.sigmoid_cross_entropy_with_logits(labels=0.0, logits=1000.0)


def log_softmax_of_large() -> tf.Tensor:
    return tf.nn.log_softmax([1000.0, 0.0])


def log_of_softmax_of_large() -> tf.Tensor:
    return tf.math.log(tf.nn.softmax([1000.0, 0.0]))


def softmax_of_nothing() -> tf.Tensor:
    return tf.nn.softmax([-np.inf, -np.inf])


def cross_entropy_with_minus_inf() -> tf.Tensor:
    return tf.nn.sparse_softmax_cross_entropy_with_logits([0], [[0.0, -np.inf]])[0]


def cross_entropy_with_minus_inf_one_hot() -> tf.Tensor:
    return tf.nn.softmax_cross_entropy_with_logits([[1.0, 0.0]], [[0.0, -np.inf]])[0]


def label(number: int) -> tf.Tensor:
    refusal = tf.errors.InvalidArgumentError
    return or_word(
        "raises",
        refusal,
        lambda: tf.nn.sparse_softmax_cross_entropy_with_logits([number], [[0.0, 1.0, 2.0]])[0],
    )


def label_too_large() -> tf.Tensor:
    return label(3)


def label_minus_1() -> tf.Tensor:
    return label(-1)


def label_minus_100() -> tf.Tensor:
    return label(-100)


def reduction() -> tf.Tensor:
    return tf.nn.sparse_softmax_cross_entropy_with_logits([0, 1], tf.zeros((2, 2)))


def huber_at_3() -> tf.Tensor:
    return tf.compat.v1.losses.huber_loss([0.0], [3.0])
