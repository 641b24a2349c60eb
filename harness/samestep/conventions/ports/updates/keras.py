"""Keras: keras.optimizers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import optimizers

if TYPE_CHECKING:
    import tensorflow as tf  # the backend, whose tensors Keras computes with


def stepped(optimiser: keras.Optimizer, w: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
    """Return the weights after a step with each gradient."""
    weights = keras.Variable(w)
    optimiser.build([weights])
    for grad in g:
        optimiser.apply([grad])
    return weights.value


def adam_eps(w: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
    return stepped(optimizers.Adam(0.1), w, g)


def adam_eps_matched(w: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
    optimiser, weights = optimizers.Adam(0.1), keras.Variable(w)
    optimiser.build([weights])
    for t, grad in enumerate(g, start=1):
        optimiser.epsilon = 1e-8 * (1 - 0.999**t) ** 0.5
        optimiser.apply([grad])
    return weights.value


def adamw_decay(w: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
    return stepped(optimizers.AdamW(0.1), w, g)


def adamw_decay_matched(w: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
    # an epsilon so small that it does not matter where it stands: see adam_eps
    return stepped(optimizers.AdamW(0.1, weight_decay=0.01, epsilon=1e-9), w, g)


def adam_l2(w: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
    return stepped(optimizers.Adam(0.1, weight_decay=0.1), w, g)


def adam_l2_matched(w: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
    optimiser, weights = optimizers.Adam(0.1, epsilon=1e-9), keras.Variable(w)
    optimiser.build([weights])
    for grad in g:
        optimiser.apply([grad + 0.1 * weights])  # keras.regularizers.L2(0.05) adds the same to the loss
    return weights.value


def momentum(w: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
    optimiser, weights = optimizers.SGD(0.1, momentum=0.9), keras.Variable(w)
    optimiser.build([weights])
    for grad, rate in zip(g, (0.1, 0.1, 0.01), strict=True):
        optimiser.learning_rate = rate
        optimiser.apply([grad])
    return weights.value


def momentum_matched(w: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
    optimiser, weights = optimizers.SGD(0.1, momentum=0.9), keras.Variable(w)
    optimiser.build([weights])
    for grad, rate in zip(g, (0.1, 0.1, 0.01), strict=True):
        for moment in optimiser.momentums:
            moment.assign(moment * (rate / optimiser.learning_rate))
        optimiser.learning_rate = rate
        optimiser.apply([grad])
    return weights.value


def dampening(w: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
    return stepped(optimizers.SGD(0.1, momentum=0.9), w, g)


def rmsprop(w: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
    return stepped(optimizers.RMSprop(0.1), w, g)


def rmsprop_matched(w: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
    # an epsilon so small that it does not matter where it stands
    return stepped(optimizers.RMSprop(0.1, rho=0.99, epsilon=1e-16), w, g)


def adagrad(w: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
    return stepped(optimizers.Adagrad(0.1), w, g)


def adagrad_matched(w: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
    return stepped(optimizers.Adagrad(0.1, initial_accumulator_value=0.0, epsilon=1e-20), w, g)
