"""Collectives over the axis of a vmap: what JAX leaves of them reduces an axis of the array that is there.

A collective over a named axis has one device here, and changes nothing: several devices are refused before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jax import lax

_REDUCED: dict[str, Callable[..., Any]] = {
    "psum": lax.reduce_sum,
    "pmax": lax.reduce_max,
    "pmin": lax.reduce_min,
}
_REDUCED["psum_invariant"] = _REDUCED["psum"]


def mapped_axes(equation: Any) -> tuple[int, ...]:
    """Return the axes of the operands that a collective reduces; none where it is over devices."""
    axes = equation.params.get("axes", ()) if equation.primitive.name in _REDUCED else ()
    return tuple(axis for axis in axes if isinstance(axis, int))


def is_grouped(equation: Any) -> bool:
    """Return whether a collective is one of parts of its axis."""
    return equation.params.get("axis_index_groups") is not None


def reduction(equation: Any) -> Any:
    """Return the closed jaxpr that reduces the operands along their mapped axes."""
    reduce, axes = _REDUCED[equation.primitive.name], mapped_axes(equation)
    shapes = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in equation.invars]
    return jax.make_jaxpr(lambda *xs: [reduce(x, axes) for x in xs])(*shapes)
