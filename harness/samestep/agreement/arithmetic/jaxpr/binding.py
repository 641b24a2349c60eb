"""What NumPy lacks is computed by the primitive itself, one operation at a time, in JAX's float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

try:
    from jax import enable_x64 as _enable_x64
except ImportError:  # before JAX 0.8
    from jax.experimental import enable_x64 as _enable_x64

#: Their jaxpr of one update is traced at the user's dtype, so they are called anew.
_SCATTERS = {
    "scatter_add": lax.scatter_add,
    "scatter_mul": lax.scatter_mul,
    "scatter_min": lax.scatter_min,
    "scatter_max": lax.scatter_max,
}
#: Parameters that say how a device computes, and not what.
_DEVICE = ("precision", "accuracy", "sharding", "out_sharding")


def wide(on: bool) -> Any:
    """Return the context in which JAX has float64, or has not."""
    return _enable_x64(on)


def is_float(dtype: Any) -> bool:
    """Return whether a dtype is real floating, bfloat16 included; False for PRNG keys."""
    return bool(jnp.issubdtype(dtype, jnp.floating))


def is_complex(dtype: Any) -> bool:
    """Return whether a dtype is complex; False for PRNG keys."""
    return bool(jnp.issubdtype(dtype, jnp.complexfloating))


def is_key(value: Any) -> bool:
    """Return whether a value is an array of PRNG keys, which NumPy does not know."""
    return bool(jnp.issubdtype(getattr(value, "dtype", None), jax.dtypes.extended))


def lifted(value: Any, dtype: Any = None) -> Any:
    """Return a value as NumPy holds it here: floats in float64, complex128, PRNG keys as they are.

    ``dtype`` is the one that the code gives it, which it is rounded to first.
    """
    if is_key(value):
        return value
    array = np.asarray(value) if dtype is None else np.asarray(value).astype(dtype)
    if is_complex(array.dtype):
        return array.astype(np.complex128)
    return array.astype(np.float64) if is_float(array.dtype) else array


def widened(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return an equation's parameters with float64 in place of every float, and nothing of devices."""
    wide = {}
    for name, value in params.items():
        is_dtype = isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic))
        wide[name] = np.dtype(np.float64) if is_dtype and is_float(value) else value
        if is_dtype and is_complex(value):
            wide[name] = np.dtype(np.complex128)
    return {**wide, **{name: None for name in _DEVICE if name in wide}}


def bound(equation: Any) -> Callable[..., Any]:
    """Return the equation's primitive as a function of NumPy arrays, in float64: an array, or a list."""
    primitive = equation.primitive
    params = primitive.get_bind_params(widened(equation.params))
    subfuns, params = params if isinstance(params, tuple) else ((), params)
    scatter = _SCATTERS.get(primitive.name.replace("-", "_"))

    def call(*operands: Any) -> Any:
        if scatter is not None:
            kept = {name: params[name] for name in ("indices_are_sorted", "unique_indices", "mode")}
            return lifted(scatter(*operands, params["dimension_numbers"], **kept))
        out = primitive.bind(*subfuns, *operands, **params)
        return [lifted(o) for o in out] if primitive.multiple_results else lifted(out)

    return lambda *operands: call(*[o if is_key(o) else jnp.asarray(o) for o in operands])


def at_own_dtype(equation: Any) -> Callable[..., Any]:
    """Return a primitive that means a dtype's own bits (a bitcast), applied at its traced dtypes."""
    params = equation.primitive.get_bind_params(equation.params)
    params = params[-1] if isinstance(params, tuple) else params
    dtypes = [variable.aval.dtype for variable in equation.invars]

    def call(*operands: Any) -> Any:
        own = [o if is_key(o) else jnp.asarray(o).astype(d) for o, d in zip(operands, dtypes, strict=True)]
        return lifted(equation.primitive.bind(*own, **params))

    return call


def listed(out: Any) -> Sequence[Any]:
    """Return a primitive's results as a sequence, whether it has one or several."""
    return out if isinstance(out, (list, tuple)) else (out,)
