"""TensorFlow: tf.compat.v1.train, its own optimisers; tf.keras.optimizers are Keras's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from samestep.conventions.answers import default

train = tf.compat.v1.train


def weight_after(
    make: Callable[[Callable[[], float]], tf.compat.v1.train.Optimizer],
    grads: list[float],
    rates: Sequence[float] = (1.0,),
) -> tf.Tensor:
    """Return one weight after a step with each gradient, each at its own rate, from 0."""
    w = tf.Variable([0.0])
    rate = iter(rates)
    optimiser = make(lambda: next(rate))
    for grad in grads:
        optimiser.apply_gradients([(tf.constant([grad]), w)])
    return w[0]


def momentum_with_two_rates() -> tf.Tensor:
    return weight_after(lambda rate: train.MomentumOptimizer(rate, 0.5), [1.0, 1.0], [1.0, 2.0])


def nesterov_with_two_rates() -> tf.Tensor:
    return weight_after(
        lambda rate: train.MomentumOptimizer(rate, 0.5, use_nesterov=True), [1.0, 1.0], [1.0, 2.0]
    )


def adam_small_gradient() -> tf.Tensor:
    return -weight_after(lambda rate: train.AdamOptimizer(rate, epsilon=1e-8), [1e-7])


def adam_small_gradient_default_eps() -> tf.Tensor:
    return -weight_after(train.AdamOptimizer, [1e-7])


def adam_default_eps() -> float | None:
    return default(train.AdamOptimizer, "epsilon")


def adam_default_rate() -> float | None:
    return default(train.AdamOptimizer, "learning_rate")


def rmsprop_eps() -> tf.Tensor:
    return -weight_after(lambda rate: train.RMSPropOptimizer(rate, decay=0.0, epsilon=3.0), [1.0])


def rmsprop_first_step() -> tf.Tensor:
    return -weight_after(lambda rate: train.RMSPropOptimizer(rate, decay=0.75, epsilon=1e-8), [1.0])


def rmsprop_default_decay() -> float | None:
    return default(train.RMSPropOptimizer, "decay")


def rmsprop_default_eps() -> float | None:
    return default(train.RMSPropOptimizer, "epsilon")


def adagrad_first_step() -> tf.Tensor:
    return -weight_after(train.AdagradOptimizer, [1.0])


def clip_by_norm() -> tf.Tensor:
    (clipped,), _ = tf.clip_by_global_norm([tf.constant([3e-6])], 1e-6)
    return clipped[0] / 1e-6
