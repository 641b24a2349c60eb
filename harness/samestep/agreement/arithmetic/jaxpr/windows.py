"""Primitives that look through windows, in NumPy: convolutions, pools, their gradients, and padding.

Each maker takes an equation's parameters and the shapes of its operands, once. None is returned where NumPy
has no simple form; the primitive itself is bound then.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

Array = np.ndarray
Shape = tuple[int, ...]
Kernel = Callable[..., Any]
Params = Mapping[str, Any]


def padding(config: Sequence[tuple[int, int, int]], shape: Shape) -> Kernel:
    """Return ``pad(a, value)`` for edges (low, high, between); negative edges cut off."""
    sizes, into, of = [], [], []
    for n, (low, high, inside) in zip(shape, config, strict=True):
        step = inside + 1
        size = max(low + high + n + max(n - 1, 0) * inside, 0)
        first = -(min(low, 0) // step)  # the first element that is not cut off
        start = low + first * step
        count = max(min(len(range(start, size, step)), n - first), 0)
        sizes.append(size)
        into.append(slice(start, start + count * step, step))
        of.append(slice(first, first + count))
    target, source = tuple(into), tuple(of)

    def pad(a: Array, value: Any) -> Array:
        out = np.zeros(sizes, a.dtype) if value == 0 else np.full(sizes, value, a.dtype)
        out[target] = a[source]
        return out

    return pad


def pad_maker(params: Params, shapes: Sequence[Shape]) -> Kernel:
    """`lax.pad`."""
    return padding(params["padding_config"], shapes[0])


def _convolution_layout(params: Params) -> tuple[Shape, Shape, Shape]:
    dims = params["dimension_numbers"]
    out_spec = tuple(dims.out_spec)
    return tuple(dims.lhs_spec), tuple(dims.rhs_spec), tuple(out_spec.index(d) for d in range(len(out_spec)))


def convolution(params: Params, shapes: Sequence[Shape]) -> Kernel | None:
    """`lax.conv_general_dilated` as a product of matrices, for one group of the batch."""
    if params["batch_group_count"] != 1 or 0 in (*shapes[0], *shapes[1]):
        return None
    to_left, to_right, to_out = _convolution_layout(params)
    left, right = (tuple(shape[d] for d in to) for shape, to in zip(shapes, (to_left, to_right), strict=True))
    inside = [dilation - 1 for dilation in params["lhs_dilation"]]
    edges = [(low, high, n) for (low, high), n in zip(params["padding"], inside, strict=True)]
    plain = all(edge == (0, 0, 0) for edge in edges)
    pad = padding([(0, 0, 0), (0, 0, 0), *edges], left)
    padded = [max(low + high + n + (n - 1) * inside, 0)
              for n, (low, high, inside) in zip(left[2:], edges, strict=True)]  # fmt: skip
    window, steps, spread = right[2:], params["window_strides"], params["rhs_dilation"]
    space = tuple((size - (k - 1) * d - 1) // s + 1
                  for size, k, d, s in zip(padded, window, spread, steps, strict=True))  # fmt: skip
    if min(space, default=1) <= 0:
        return None
    groups, batch, channels, filters = params["feature_group_count"], left[0], right[1], right[0]
    rows, terms = math.prod(space), channels * math.prod(window)

    def convolve(a: Array, b: Array) -> Any:
        a = a.transpose(to_left)
        a = a if plain else pad(a, 0.0)
        n, c, *inner = a.strides
        seen = as_strided(
            a,
            (groups, channels, *window, batch, *space),
            (c * channels, c, *(x * d for x, d in zip(inner, spread, strict=True)), n,
             *(x * s for x, s in zip(inner, steps, strict=True))),
        )  # fmt: skip
        columns = seen.reshape(groups, terms, batch * rows)
        kernel = b.transpose(to_right).reshape(groups, filters // groups, terms)
        out = (kernel @ columns).reshape(filters, batch, *space)
        return out.swapaxes(0, 1).transpose(to_out)

    return convolve


def offsets(params: Params, shape: Shape) -> tuple[Kernel, list[tuple[slice, ...]], Shape]:
    """Return how to pad, and the elements of the padded array at each place of the window, in order."""
    window, steps = params["window_dimensions"], params["window_strides"]
    spread = params.get("window_dilation") or (1,) * len(shape)
    config = [(low, high, 0) for low, high in params["padding"]]
    padded = [n + low + high for n, (low, high, _) in zip(shape, config, strict=True)]
    counts = tuple(max((size - (k - 1) * d - 1) // s + 1, 0)
                   for size, k, d, s in zip(padded, window, spread, steps, strict=True))  # fmt: skip
    places = [
        tuple(slice(o * d, o * d + (count - 1) * s + 1, s)
              for o, d, s, count in zip(offset, spread, steps, counts, strict=True))
        for offset in itertools.product(*(range(k) for k in window))
    ]  # fmt: skip
    return padding(config, shape), places, counts


def pool_maker(ufunc: np.ufunc, initial: float) -> Callable[[Params, Sequence[Shape]], Kernel | None]:
    """`lax.reduce_window` with one operation."""

    def make(params: Params, shapes: Sequence[Shape]) -> Kernel | None:
        if any(d != 1 for d in params.get("base_dilation") or ()):
            return None
        pad, places, counts = offsets(params, shapes[0])
        if 0 in counts:
            return None

        def pool(a: Array) -> Array | None:
            a = pad(a, initial)
            out = a[places[0]].copy()
            for place in places[1:]:
                ufunc(out, a[place], out=out)
            return out

        return pool

    return make


def select_and_scatter_add(params: Params, shapes: Sequence[Shape]) -> Kernel | None:
    """The gradient of a max pool: each result's share goes to the first largest element of its window."""
    source_shape, shape = shapes
    if params["select_prim"].name != "ge":
        return None
    pad, places, counts = offsets(params, shape)
    if counts != tuple(source_shape) or 0 in counts:
        return None
    low = [edges[0] for edges in params["padding"]]
    inside = tuple(slice(edge, edge + n) for edge, n in zip(low, shape, strict=True))
    valid = pad(np.ones(shape, bool), False)

    def scatter(source: Array, operand: Array) -> Array:
        seen = pad(operand, -np.inf)
        best, chosen = np.full(counts, -np.inf), np.full(counts, -1)
        for index, place in enumerate(places):
            new = seen[place]
            better = (new > best) | ((chosen < 0) & valid[place])
            chosen[better] = index
            best = np.where(better, new, best)
        out = np.zeros(seen.shape)
        for index, place in enumerate(places):
            out[place] += np.where(chosen == index, source, 0.0)
        return out[inside].copy()

    return scatter
