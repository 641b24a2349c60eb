"""JAX: jax.example_libraries.optimizers, what it ships itself; most people use Optax."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax.example_libraries import optimizers

from samestep.conventions.answers import default


def moved(optimiser: Any, grads: Any) -> Any:
    """Where a weight is after a step with each gradient."""
    init, update, params = optimiser
    state = init(jnp.zeros(1))
    for step, grad in enumerate(grads):
        state = update(step, jnp.array([grad]), state)
    return params(state)[0]


def doubling(step: Any) -> Any:
    return jnp.where(step == 0, 1.0, 2.0)


def momentum_with_two_rates() -> Any:
    return moved(optimizers.momentum(doubling, mass=0.5), [1.0, 1.0])


def nesterov_with_two_rates() -> Any:
    return moved(optimizers.nesterov(doubling, mass=0.5), [1.0, 1.0])


def adam_small_gradient() -> Any:
    return -moved(optimizers.adam(1.0, eps=1e-8), [1e-7])


def adam_small_gradient_default_eps() -> Any:
    return -moved(optimizers.adam(1.0), [1e-7])


def adam_default_eps() -> Any:
    return default(optimizers.adam, "eps")


def rmsprop_eps() -> Any:
    return -moved(optimizers.rmsprop(1.0, gamma=0.0, eps=3.0), [1.0])


def rmsprop_first_step() -> Any:
    return -moved(optimizers.rmsprop(1.0, gamma=0.75, eps=1e-8), [1.0])


def rmsprop_default_decay() -> Any:
    return default(optimizers.rmsprop, "gamma")


def rmsprop_default_eps() -> Any:
    return default(optimizers.rmsprop, "eps")


def adagrad_first_step() -> Any:
    return -moved(optimizers.adagrad(1.0, momentum=0.0), [1.0])


def clip_by_norm() -> Any:
    return optimizers.clip_grads(jnp.array([3e-6]), 1e-6)[0] / 1e-6
