"""Primitives as NumPy functions in float64: each maker takes an equation's parameters, once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import scipy.special

from samestep.agreement.arithmetic.jaxpr import windows

Array = np.ndarray
Params = Mapping[str, Any]
Kernel = Callable[..., Any]
Maker = Callable[[Params], Kernel]


def _plain(function: Kernel) -> Maker:
    return lambda params: function


def _integer_pow(params: Params) -> Kernel:
    y = params["y"]
    if y == 2:
        return np.square
    return (lambda a: a**y) if y >= 0 else (lambda a: 1.0 / a**-y)


def _select(params: Params) -> Kernel:
    def select(which: Array, *cases: Array) -> Array:
        return np.where(which, cases[1], cases[0]) if which.dtype == bool else np.choose(which, cases)

    return select


def _broadcast(params: Params) -> Kernel:
    shape, dims = tuple(params["shape"]), tuple(params["broadcast_dimensions"])

    def broadcast(a: Array) -> Array:
        a = np.asarray(a)
        aligned = [1] * len(shape)
        for i, d in enumerate(dims):
            aligned[d] = a.shape[i]
        return np.broadcast_to(a.reshape(aligned), shape)

    return broadcast


def _reshape(params: Params) -> Kernel:
    shape, before = tuple(params["new_sizes"]), params.get("dimensions")
    if before is not None:  # the axes are put into this order first
        return lambda a: np.asarray(a).transpose(before).reshape(shape)
    return lambda a: np.asarray(a).reshape(shape)


def _transpose(params: Params) -> Kernel:
    axes = tuple(params["permutation"])
    return lambda a: np.asarray(a).transpose(axes)


def _over_axes(function: Kernel) -> Maker:
    def make(params: Params) -> Kernel:
        axes = tuple(params["axes"])
        return lambda a: function(a, axis=axes)

    return make


def _sum(params: Params) -> Kernel:
    axes = tuple(params["axes"])
    return lambda a: np.add.reduce(a, axis=axes, dtype=a.dtype)


def _arg_extreme(function: Kernel) -> Maker:
    def make(params: Params) -> Kernel:
        (axis,) = params["axes"]
        return lambda a: function(a, axis=axis).astype(params["index_dtype"])

    return make


def _slice(params: Params) -> Kernel:
    starts, stops = params["start_indices"], params["limit_indices"]
    steps = params["strides"] or [1] * len(starts)
    where = tuple(slice(*bounds) for bounds in zip(starts, stops, steps, strict=True))
    return lambda a: a[where]


def _split(params: Params) -> Kernel:
    edges = np.cumsum(params["sizes"])[:-1]
    return lambda a: np.split(a, edges, params["axis"])


def _iota(params: Params) -> Kernel:
    shape, dimension = tuple(params["shape"]), params["dimension"]
    aligned = [-1 if d == dimension else 1 for d in range(len(shape))]
    return lambda *_: np.broadcast_to(np.arange(shape[dimension]).reshape(aligned), shape)


def _accumulate(ufunc: np.ufunc) -> Maker:
    def make(params: Params) -> Kernel:
        axis, backwards = params["axis"], params["reverse"]

        def run(a: Array) -> Any:
            if not backwards:
                return ufunc.accumulate(a, axis=axis, dtype=a.dtype)
            return np.flip(ufunc.accumulate(np.flip(a, axis), axis=axis, dtype=a.dtype), axis)

        return run

    return make


def _dynamic_slice(params: Params) -> Kernel:
    sizes = params["slice_sizes"]
    return lambda a, *starts: a[_window(a.shape, sizes, starts)]


def _dynamic_update_slice(params: Params) -> Kernel:
    def update(a: Array, new: Array, *starts: Array) -> Any:
        out = a.copy()
        out[_window(a.shape, new.shape, starts)] = new
        return out

    return update


def _window(shape: Any, sizes: Any, starts: Any) -> tuple[slice, ...]:
    """Slices of ``sizes`` at ``starts``, moved inside as XLA does."""
    inside = [min(max(int(s), 0), n - m) for n, m, s in zip(shape, sizes, starts, strict=True)]
    return tuple(slice(s, s + m) for s, m in zip(inside, sizes, strict=True))


def matrices(dimension_numbers: Any, a: Array, b: Array) -> tuple[Array, Array, tuple[int, ...]]:
    """Return the operands of a product as stacks of matrices, and the shape of the result."""
    (left_sum, right_sum), (left_batch, right_batch) = dimension_numbers
    left = [d for d in range(a.ndim) if d not in left_sum and d not in left_batch]
    right = [d for d in range(b.ndim) if d not in right_sum and d not in right_batch]
    batch = tuple(a.shape[d] for d in left_batch)
    rows, columns = tuple(a.shape[d] for d in left), tuple(b.shape[d] for d in right)
    n = math.prod(a.shape[d] for d in left_sum)
    a = a.transpose(*left_batch, *left, *left_sum).reshape(*batch, math.prod(rows), n)
    b = b.transpose(*right_batch, *right_sum, *right).reshape(*batch, n, math.prod(columns))
    return a, b, (*batch, *rows, *columns)


def _dot(params: Params, shapes: Sequence[tuple[int, ...]]) -> Kernel:
    """A product of matrices, whose transpositions are known beforehand."""
    dimension_numbers = params["dimension_numbers"]
    if dimension_numbers[1] == ((), ()) and [len(shape) for shape in shapes] == [2, 2]:
        (((left,), (right,)), _) = (
            dimension_numbers if len(dimension_numbers[0][0]) == 1 else (((2,), (2,)), 0)
        )
        if left < 2:
            return lambda a, b: (a if left == 1 else a.T) @ (b if right == 0 else b.T)

    def dot(a: Array, b: Array) -> Any:
        left, right, shape = matrices(dimension_numbers, a, b)
        return (left @ right).reshape(shape)

    return dot


#: Primitive -> maker that takes the operands' shapes as well; it may return None.
SHAPED: dict[str, Callable[[Params, Sequence[tuple[int, ...]]], Kernel | None]] = {
    "dot_general": _dot,
    "pad": windows.pad_maker,
    "conv_general_dilated": windows.convolution,
    "reduce_window_sum": windows.pool_maker(np.add, 0.0),
    "reduce_window_max": windows.pool_maker(np.maximum, -np.inf),
    "reduce_window_min": windows.pool_maker(np.minimum, np.inf),
    "select_and_scatter_add": windows.select_and_scatter_add,
}

#: Primitive -> maker. Division and powers of integers and whatever else is not here is bound.
MAKERS: dict[str, Maker] = {
    **{name: _plain(ufunc) for name, ufunc in {
        "add": np.add, "add_any": np.add, "sub": np.subtract, "mul": np.multiply, "max": np.maximum,
        "min": np.minimum, "neg": np.negative, "abs": np.abs, "exp": np.exp, "exp2": np.exp2, "log": np.log,
        "log1p": np.log1p, "expm1": np.expm1, "tanh": np.tanh, "logistic": scipy.special.expit,
        "sqrt": np.sqrt, "square": np.square, "sin": np.sin, "cos": np.cos, "tan": np.tan,
        "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2, "sinh": np.sinh,
        "cosh": np.cosh, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "cbrt": np.cbrt,
        "erf": scipy.special.erf, "erfc": scipy.special.erfc, "erf_inv": scipy.special.erfinv,
        "lgamma": scipy.special.gammaln, "digamma": scipy.special.digamma,
        "bessel_i0e": scipy.special.i0e, "bessel_i1e": scipy.special.i1e,
        "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
        "ge": np.greater_equal, "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
        "not": np.invert, "is_finite": np.isfinite, "floor": np.floor, "ceil": np.ceil,
    }.items()},
    **{name: _plain(lambda a: a) for name in (
        "stop_gradient", "copy", "copy_p", "sharding_constraint", "name", "mesh_cast", "pvary",
        "pbroadcast", "reshard", "samestep_tag", "samestep_tag_tangent",
    )},
    "rsqrt": _plain(lambda a: 1.0 / np.sqrt(a)),
    "reduce_precision": _plain(np.copy),
    "clamp": _plain(lambda low, x, high: np.clip(x, low, high)),
    **dict.fromkeys(  # collectives over one device, and moves to it
        ("device_put", "optimization_barrier", "psum", "psum_invariant", "pmax", "pmin"),
        _plain(lambda *operands: list(operands)),
    ),
    "integer_pow": _integer_pow,
    "select_n": _select,
    "broadcast_in_dim": _broadcast,
    "reshape": _reshape,
    "transpose": _transpose,
    "squeeze": lambda params: lambda a: np.squeeze(a, tuple(params["dimensions"])),
    "expand_dims": lambda params: lambda a: np.expand_dims(a, tuple(params["dimensions"])),
    "rev": lambda params: lambda a: np.flip(a, tuple(params["dimensions"])),
    "concatenate": lambda params: lambda *parts: np.concatenate(parts, params["dimension"]),
    "slice": _slice,
    "split": _split,
    "reduce_sum": _sum,
    "reduce_max": _over_axes(np.maximum.reduce),
    "reduce_min": _over_axes(np.minimum.reduce),
    "reduce_prod": _over_axes(np.multiply.reduce),
    "reduce_and": _over_axes(np.bitwise_and.reduce),
    "reduce_or": _over_axes(np.bitwise_or.reduce),
    "reduce_xor": _over_axes(np.bitwise_xor.reduce),
    "argmax": _arg_extreme(np.argmax),
    "argmin": _arg_extreme(np.argmin),
    "cumsum": _accumulate(np.add),
    "cumprod": _accumulate(np.multiply),
    "cummax": _accumulate(np.maximum),
    "cummin": _accumulate(np.minimum),
    "cumlogsumexp": _accumulate(np.logaddexp),
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update_slice,
}  # fmt: skip
