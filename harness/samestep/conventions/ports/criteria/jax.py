"""JAX: optax's losses."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax

cross_entropy = optax.softmax_cross_entropy_with_integer_labels


def from_logits(logits: jax.Array, labels: jax.Array) -> jax.Array:
    return cross_entropy(logits, labels).mean()


def ignored_labels(logits: jax.Array, labels: jax.Array) -> jax.Array:
    return (cross_entropy(logits, labels) * (labels != 0)).mean()


def ignored_labels_matched(logits: jax.Array, labels: jax.Array) -> jax.Array:
    return cross_entropy(logits, labels).mean(where=labels != 0)


def class_weights(logits: jax.Array, labels: jax.Array) -> jax.Array:
    weights = jnp.array([1.0, 2.0, 4.0])[labels]
    return (weights * cross_entropy(logits, labels)).mean()


def class_weights_matched(logits: jax.Array, labels: jax.Array) -> jax.Array:
    weights = jnp.array([1.0, 2.0, 4.0])[labels]
    return (weights * cross_entropy(logits, labels)).sum() / weights.sum()


def squared_error(x: jax.Array, y: jax.Array) -> jax.Array:
    return optax.l2_loss(x, y).mean()


def squared_error_matched(x: jax.Array, y: jax.Array) -> jax.Array:
    return optax.squared_error(x, y).mean()


def smooth_l1(x: jax.Array, y: jax.Array) -> jax.Array:
    return optax.huber_loss(x, y, delta=0.5).mean()


def smooth_l1_matched(x: jax.Array, y: jax.Array) -> jax.Array:
    return optax.huber_loss(x, y, delta=0.5).mean() / 0.5


def divergence(p: jax.Array, q: jax.Array) -> jax.Array:
    return optax.kl_divergence(jnp.log(q), p).mean()


def label_smoothing(logits: jax.Array, labels: jax.Array) -> jax.Array:
    smoothed = optax.smooth_labels(jax.nn.one_hot(labels, 3), 0.1)
    return optax.softmax_cross_entropy(logits, smoothed).mean()


def cosine(x: jax.Array, y: jax.Array) -> jax.Array:
    return optax.cosine_similarity(x, y)
