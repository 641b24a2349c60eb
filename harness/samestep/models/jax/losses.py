"""The losses of `samestep.models.losses` in JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from samestep.models.jax.trees import Array
from samestep.models.losses import NAMES, check_shape
from samestep.models.subject import ModelError


def cross_entropy(logits: Array, classes: Array) -> Array:
    """Mean over all targets of -log softmax(logits)[class]; logits (..., classes), integer classes (...)."""
    check_shape(logits.shape[:-1], classes.shape)
    if not jnp.issubdtype(classes.dtype, jnp.integer):
        raise ModelError("the loss 'cross_entropy' needs integer classes as targets")
    picked = jnp.take_along_axis(jax.nn.log_softmax(logits), classes[..., None], axis=-1)
    return -jnp.mean(picked)


def mse(outputs: Array, targets: Array) -> Array:
    check_shape(outputs.shape, targets.shape)
    return jnp.mean((outputs - targets) ** 2)


def l1(outputs: Array, targets: Array) -> Array:
    check_shape(outputs.shape, targets.shape)
    return jnp.mean(jnp.abs(outputs - targets))


def binary_cross_entropy(logits: Array, targets: Array) -> Array:
    """Mean of max(x, 0) - x t + log(1 + exp(-|x|)), targets in [0, 1]."""
    check_shape(logits.shape, targets.shape)
    return jnp.mean(jnp.maximum(logits, 0) - logits * targets + jnp.log1p(jnp.exp(-jnp.abs(logits))))


_BY_NAME = dict(zip(NAMES, (cross_entropy, mse, l1, binary_cross_entropy), strict=True))


def named_loss(name: str) -> Callable[[Any, Array], Array]:
    """Return the loss called ``name``. Raises `ModelError` for another one."""
    if name not in _BY_NAME:
        raise ModelError(f"no loss is called {name!r}: there are {', '.join(NAMES)}, or pass a function")
    return _BY_NAME[name]
