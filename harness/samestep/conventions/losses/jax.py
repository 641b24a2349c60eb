"""JAX: no losses, so they are written out with log_softmax."""

from __future__ import annotations

import jax
import jax.numpy as jnp

LOGITS = [0.0, 1.0, 2.0]


def bce_at_0() -> jax.Array:
    return -jnp.log(jnp.array(0.0))


def bce_gradient_at_0() -> jax.Array:
    return jax.grad(lambda p: -jnp.log(p))(0.0)


def bce_with_logits_at_1000() -> jax.Array:
    return jax.nn.softplus(1000.0)


def log_softmax_of_large() -> jax.Array:
    return jax.nn.log_softmax(jnp.array([1000.0, 0.0]))


def log_of_softmax_of_large() -> jax.Array:
    return jnp.log(jax.nn.softmax(jnp.array([1000.0, 0.0])))


def softmax_of_nothing() -> jax.Array:
    return jax.nn.softmax(jnp.array([-jnp.inf, -jnp.inf]))


def cross_entropy_with_minus_inf() -> jax.Array:
    return -jax.nn.log_softmax(jnp.array([0.0, -jnp.inf]))[0]


def cross_entropy_with_minus_inf_one_hot() -> jax.Array:
    return -(jax.nn.one_hot(0, 2) * jax.nn.log_softmax(jnp.array([0.0, -jnp.inf]))).sum()


def cross_entropy_of_probability_0() -> jax.Array:
    return -jnp.log(jnp.array([0.0, 1.0]))[0]


def log_p(logits: list[float]) -> jax.Array:
    """Return the logarithms of the class probabilities, shape (classes,)."""
    return jax.nn.log_softmax(jnp.array(logits))


def label_too_large() -> jax.Array:
    return -log_p(LOGITS)[3]


def label_too_large_taken() -> jax.Array:
    return -jnp.take_along_axis(log_p(LOGITS), jnp.array([3]), axis=0)[0]


def label_too_large_one_hot() -> jax.Array:
    return -(jax.nn.one_hot(3, 3) * log_p(LOGITS)).sum()


def label_minus_1() -> jax.Array:
    return -log_p(LOGITS)[-1]


def label_minus_100() -> jax.Array:
    return -log_p(LOGITS)[-100]


def divergence_at_0() -> jax.Array:
    return jax.scipy.special.rel_entr(jnp.array([0.0, 1.0]), jnp.array([0.5, 0.5])).sum()
