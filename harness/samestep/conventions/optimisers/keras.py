"""Keras: keras.optimizers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import optimizers

from samestep.conventions.answers import default

if TYPE_CHECKING:
    import tensorflow as tf  # the backend, whose tensors Keras computes with


def weight_after(
    optimiser: keras.Optimizer, grads: list[float], rates: list[float] | None = None, start: float = 0.0
) -> tf.Tensor:
    """Return one weight after a step with each gradient, each at its own rate where ``rates`` are given."""
    w = keras.Variable([start])
    optimiser.build([w])
    for step, grad in enumerate(grads):
        if rates:
            optimiser.learning_rate = rates[step]
        optimiser.apply([keras.ops.array([grad])])
    return w[0]


def sgd_default_rate() -> float | None:
    return default(optimizers.SGD, "learning_rate")


def momentum_with_two_rates() -> tf.Tensor:
    return weight_after(optimizers.SGD(1.0, momentum=0.5), [1.0, 1.0], rates=[1.0, 2.0])


def nesterov_with_two_rates() -> tf.Tensor:
    return weight_after(optimizers.SGD(1.0, momentum=0.5, nesterov=True), [1.0, 1.0], rates=[1.0, 2.0])


def adam_small_gradient() -> tf.Tensor:
    return -weight_after(optimizers.Adam(1.0, epsilon=1e-8), [1e-7])


def adam_small_gradient_default_eps() -> tf.Tensor:
    return -weight_after(optimizers.Adam(1.0), [1e-7])


def adam_default_eps() -> float | None:
    return default(optimizers.Adam, "epsilon")


def adam_default_rate() -> float | None:
    return default(optimizers.Adam, "learning_rate")


def adam_weight_decay() -> tf.Tensor:
    return weight_after(optimizers.Adam(0.1, weight_decay=0.1), [0.0], start=1.0)


def adamw_weight_decay() -> tf.Tensor:
    return weight_after(optimizers.AdamW(0.1, weight_decay=0.1), [0.0], start=1.0)


def adamw_default_decay() -> float | None:
    return default(optimizers.AdamW, "weight_decay")


def rmsprop_eps() -> tf.Tensor:
    return -weight_after(optimizers.RMSprop(1.0, rho=0.0, epsilon=3.0), [1.0])


def rmsprop_first_step() -> tf.Tensor:
    return -weight_after(optimizers.RMSprop(1.0, rho=0.75, epsilon=1e-8), [1.0])


def rmsprop_default_decay() -> float | None:
    return default(optimizers.RMSprop, "rho")


def rmsprop_default_eps() -> float | None:
    return default(optimizers.RMSprop, "epsilon")


def rmsprop_default_rate() -> float | None:
    return default(optimizers.RMSprop, "learning_rate")


def adagrad_first_step() -> tf.Tensor:
    return -weight_after(optimizers.Adagrad(1.0), [1.0])


def clip_by_norm() -> tf.Tensor:
    return -weight_after(optimizers.SGD(1.0, global_clipnorm=1e-6), [3e-6]) / 1e-6
