"""Which JAX model an object is, told without importing a library that nobody uses."""

from __future__ import annotations

import sys
from typing import Any

from samestep.models.jax.subject import JaxSubject
from samestep.models.subject import ModelError

#: What to pass in place of a module whose parameters a function of JAX hides.
INSTEAD = {"equinox": "equinox.filter_vmap or filter_jit", "flax.nnx": "the module itself"}


def recognise(model: Any) -> JaxSubject | None:
    """Return the subject for a Flax or Equinox module, or a pair of one with its variables or state.

    None for anything else, plain functions included. Raises `ModelError` for a module that hides its
    parameters: an unbound Linen module, and one inside `jax.vmap` or `jax.jit`.
    """
    first, second = model if isinstance(model, tuple) and len(model) == 2 else (model, None)
    if _is(first, "flax.linen", "Module"):
        return JaxSubject.from_linen(first, second)
    if second is not None and _is(getattr(first, "__self__", None), "flax.linen", "Module"):
        return JaxSubject.from_function(first, second)
    if _is(first, "equinox", "Module") and (second is None or _is(second, "equinox", "nn.State")):
        return JaxSubject.from_equinox(first, second)
    if _is(model, "flax.nnx", "Module"):
        return JaxSubject.from_nnx(model)
    inner = getattr(model, "__wrapped__", None)
    for package, instead in INSTEAD.items():
        if _is(inner, package, "Module"):
            name = type(inner).__name__
            raise ModelError(f"jax.vmap and jax.jit hide the parameters of {name}: use {instead}")
    return None


def _is(value: Any, package: str, name: str) -> bool:
    """Whether ``value`` is an instance of a class of a package that has been imported."""
    found: Any = sys.modules.get(package)
    for part in name.split("."):
        found = getattr(found, part, None)
    return isinstance(found, type) and isinstance(value, found)
