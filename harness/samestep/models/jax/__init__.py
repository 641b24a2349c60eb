"""JAX models as reference and candidate: plain functions, Flax Linen and NNX, Equinox, optax."""

from __future__ import annotations

from samestep.models.jax.recognition import recognise
from samestep.models.jax.subject import JaxSubject

__all__ = ["JaxSubject", "from_function", "recognise"]

from_function = JaxSubject.from_function
