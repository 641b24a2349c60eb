"""Arrays into JAX and out of it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np


def native(array: np.ndarray) -> jax.Array:
    """Return a copy of the array."""
    return jnp.asarray(array)


def plain(array: jax.Array) -> np.ndarray:
    """Return the array as one of NumPy."""
    return np.asarray(array)
