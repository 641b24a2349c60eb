"""Keras: keras.losses, which take probabilities by default."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from samestep.conventions.answers import or_word


def bce_at_0() -> tf.Tensor:
    return keras.losses.BinaryCrossentropy()(np.array([1], np.float32), np.array([0], np.float32))


def bce_gradient_at_0() -> tf.Tensor:
    p = tf.zeros(1)
    with tf.GradientTape() as tape:
        tape.watch(p)
        loss = keras.losses.BinaryCrossentropy()(np.array([1], np.float32), p)
    return tape.gradient(loss, p)[0]


def bce_with_logits_at_1000() -> tf.Tensor:
    return keras.losses.BinaryCrossentropy(from_logits=True)(
        np.array([0], np.float32), np.array([1000], np.float32)
    )


def log_softmax_of_large() -> tf.Tensor:
    return keras.ops.log_softmax(np.array([1000, 0], np.float32))


def log_of_softmax_of_large() -> tf.Tensor:
    return keras.ops.log(keras.ops.softmax(np.array([1000, 0], np.float32)))


def softmax_of_nothing() -> tf.Tensor:
    return keras.ops.softmax(np.array([-np.inf, -np.inf], np.float32))


def cross_entropy_with_minus_inf() -> tf.Tensor:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return loss(np.array([0]), np.array([[0, -np.inf]], np.float32))


def cross_entropy_with_minus_inf_one_hot() -> tf.Tensor:
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    return loss(np.array([[1, 0]], np.float32), np.array([[0, -np.inf]], np.float32))


def cross_entropy_of_probability_0() -> tf.Tensor:
    return keras.losses.SparseCategoricalCrossentropy()(np.array([0]), np.array([[0, 1]], np.float32))


def label(number: int) -> tf.Tensor:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    refusal = tf.errors.InvalidArgumentError
    return or_word("raises", refusal, lambda: loss(np.array([number]), np.array([[0, 1, 2]], np.float32)))


def label_too_large() -> tf.Tensor:
    return label(3)


def label_minus_1() -> tf.Tensor:
    return label(-1)


def label_minus_100() -> tf.Tensor:
    return label(-100)


def reduction() -> tf.Tensor:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return loss(np.array([0, 1]), np.zeros((2, 2), np.float32))


def smoothing() -> tf.Tensor:
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.5)
    return loss(np.array([[1, 0]], np.float32), np.array([[1, 0]], np.float32))


def divergence_at_0() -> tf.Tensor:
    return keras.losses.KLDivergence()(np.array([0, 1], np.float32), np.array([0.5, 0.5], np.float32))


def huber_at_3() -> tf.Tensor:
    return keras.losses.Huber()(np.array([0], np.float32), np.array([3], np.float32))


def cosine_of_zero() -> tf.Tensor:
    return -keras.losses.CosineSimilarity()(np.array([0, 0], np.float32), np.array([1, 1], np.float32))
