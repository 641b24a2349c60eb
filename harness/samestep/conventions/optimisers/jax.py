"""JAX: jax.example_libraries.optimizers, which is part of JAX; most people use Optax."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.example_libraries import optimizers

from samestep.conventions.answers import default


def weight_after(optimiser: optimizers.Optimizer, grads: list[float]) -> jax.Array:
    """Return one weight after a step with each gradient, from 0."""
    init, update, params = optimiser
    state = init(jnp.zeros(1))
    for step, grad in enumerate(grads):
        state = update(step, jnp.array([grad]), state)
    return params(state)[0]


def doubling(step: int) -> jax.Array:
    return jnp.where(step == 0, 1.0, 2.0)


def momentum_with_two_rates() -> jax.Array:
    return weight_after(optimizers.momentum(doubling, mass=0.5), [1.0, 1.0])


def nesterov_with_two_rates() -> jax.Array:
    return weight_after(optimizers.nesterov(doubling, mass=0.5), [1.0, 1.0])


def adam_small_gradient() -> jax.Array:
    return -weight_after(optimizers.adam(1.0, eps=1e-8), [1e-7])


def adam_small_gradient_default_eps() -> jax.Array:
    return -weight_after(optimizers.adam(1.0), [1e-7])


def adam_default_eps() -> float | None:
    return default(optimizers.adam, "eps")


def rmsprop_eps() -> jax.Array:
    return -weight_after(optimizers.rmsprop(1.0, gamma=0.0, eps=3.0), [1.0])


def rmsprop_first_step() -> jax.Array:
    return -weight_after(optimizers.rmsprop(1.0, gamma=0.75, eps=1e-8), [1.0])


def rmsprop_default_decay() -> float | None:
    return default(optimizers.rmsprop, "gamma")


def rmsprop_default_eps() -> float | None:
    return default(optimizers.rmsprop, "eps")


def adagrad_first_step() -> jax.Array:
    return -weight_after(optimizers.adagrad(1.0, momentum=0.0), [1.0])


def clip_by_norm() -> jax.Array:
    return optimizers.clip_grads(jnp.array([3e-6]), 1e-6)[0] / 1e-6
