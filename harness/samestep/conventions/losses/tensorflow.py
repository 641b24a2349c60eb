"""TensorFlow: tf.nn, and tf.compat.v1.losses where tf.nn has nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from samestep.conventions.answers import or_word


def bce_at_0() -> Any:
    return tf.compat.v1.losses.log_loss([1.0], [0.0])


def bce_gradient_at_0() -> Any:
    p = tf.zeros(1)
    with tf.GradientTape() as tape:
        tape.watch(p)
        loss = tf.compat.v1.losses.log_loss([1.0], p)
    return tape.gradient(loss, p)[0]


def bce_with_logits_at_1000() -> Any:
    return tf.nn.sigmoid_cross_entropy_with_logits(labels=0.0, logits=1000.0)


def log_softmax_of_large() -> Any:
    return tf.nn.log_softmax([1000.0, 0.0])


def log_of_softmax_of_large() -> Any:
    return tf.math.log(tf.nn.softmax([1000.0, 0.0]))


def softmax_of_nothing() -> Any:
    return tf.nn.softmax([-np.inf, -np.inf])


def cross_entropy_with_minus_inf() -> Any:
    return tf.nn.sparse_softmax_cross_entropy_with_logits([0], [[0.0, -np.inf]])[0]


def cross_entropy_with_minus_inf_one_hot() -> Any:
    return tf.nn.softmax_cross_entropy_with_logits([[1.0, 0.0]], [[0.0, -np.inf]])[0]


def label(number: int) -> Any:
    refusal = tf.errors.InvalidArgumentError
    return or_word(
        "raises",
        refusal,
        lambda: tf.nn.sparse_softmax_cross_entropy_with_logits([number], [[0.0, 1.0, 2.0]])[0],
    )


def label_too_large() -> Any:
    return label(3)


def label_minus_1() -> Any:
    return label(-1)


def label_minus_100() -> Any:
    return label(-100)


def reduction() -> Any:
    return tf.nn.sparse_softmax_cross_entropy_with_logits([0, 1], tf.zeros((2, 2)))


def huber_at_3() -> Any:
    return tf.compat.v1.losses.huber_loss([0.0], [3.0])
