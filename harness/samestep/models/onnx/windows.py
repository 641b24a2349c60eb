"""ONNX's convolutions and pools, over any number of spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from samestep.models.onnx.operation import Definition, Operation, Value

Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Window:
    """How a kernel of ``shape`` moves over spatial axes: steps, gaps, and padding before and after each."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: Pairs

    @classmethod
    def of(cls, operation: Operation, shape: Sequence[int], sizes: Sequence[int]) -> Window:
        """Return the window of an operator's attributes over axes of these sizes."""
        ones = [1] * len(shape)
        strides, dilations = operation.get("strides", ones), operation.get("dilations", ones)
        reach = [(k - 1) * d + 1 for k, d in zip(shape, dilations, strict=True)]
        auto, flat = operation.get("auto_pad", "NOTSET"), operation.get("pads", [0] * 2 * len(shape))
        pads = list(zip(flat[: len(shape)], flat[len(shape) :], strict=True))
        if auto.startswith("SAME"):
            pads = []
            for size, stride, extent in zip(sizes, strides, reach, strict=True):
                total = max((-(-size // stride) - 1) * stride + extent - size, 0)
                half = total // 2, total - total // 2
                pads.append(half if auto == "SAME_UPPER" else half[::-1])
        elif auto == "VALID":
            pads = [(0, 0)] * len(shape)
        return cls(tuple(shape), tuple(strides), tuple(dilations), tuple(pads))

    def reaching(self, sizes: Sequence[int]) -> Window:
        """Return the window with padding for a last, incomplete place (ceil_mode), if it begins inside."""
        pads = []
        for size, k, stride, d, (before, after) in zip(
            sizes, self.shape, self.strides, self.dilations, self.pads, strict=True
        ):
            room = size + before + after - (k - 1) * d - 1
            places = -(-room // stride)
            places -= places * stride >= size + before
            pads.append((before, after + max(places * stride - room, 0)))
        return Window(self.shape, self.strides, self.dilations, tuple(pads))

    def over(self, x: Value) -> Value:
        """Return what the kernel sees of padded x (n, c, *sizes): (n, c, *places, *shape)."""
        reach = tuple((k - 1) * d + 1 for k, d in zip(self.shape, self.dilations, strict=True))
        seen = sliding_window_view(x, reach, axis=tuple(range(2, x.ndim)))
        steps = [slice(None, None, n) for n in (*self.strides, *self.dilations)]
        return seen[(slice(None), slice(None), *steps)]


def _padded(x: Value, pads: Pairs) -> Value:
    return np.pad(x, ((0, 0), (0, 0), *pads)) if any(map(any, pads)) else x


def _correlated(seen: Value, kernel: Value, groups: int) -> Value:
    """The sums of products of patches (n, c, *places, *shape) and a kernel (m, c / groups, *shape)."""
    n, c = seen.shape[:2]
    axes = kernel.ndim - 2
    places = seen.shape[2 : 2 + axes]
    split = seen.reshape((n, groups, c // groups, *seen.shape[2:]))
    order = (1, 0, *range(3, 3 + axes), 2, *range(3 + axes, 3 + 2 * axes))
    rows = split.transpose(order).reshape((groups, n * prod(places), -1))
    columns = kernel.reshape((groups, kernel.shape[0] // groups, -1)).transpose(0, 2, 1)
    made = (rows @ columns).reshape((groups, n, *places, -1))
    return made.transpose(1, 0, made.ndim - 1, *range(2, 2 + axes)).reshape((n, kernel.shape[0], *places))


def _with_bias(made: Value, bias: Value) -> Value:
    return made if bias is None else made + bias.reshape((-1, *[1] * (made.ndim - 2)))


def _convolution(operation: Operation, x: Value, kernel: Value, bias: Value = None) -> Value:
    window = Window.of(operation, kernel.shape[2:], x.shape[2:])
    seen = window.over(_padded(x, window.pads))
    return _with_bias(_correlated(seen, kernel, operation.get("group", 1)), bias)


def _transposed(operation: Operation, x: Value, kernel: Value, bias: Value = None) -> Value:
    if operation.get("auto_pad", "NOTSET") != "NOTSET" or operation.get("output_shape"):
        raise operation.refuse("auto_pad or output_shape")
    groups, shape = operation.get("group", 1), kernel.shape[2:]
    window = Window.of(operation, shape, x.shape[2:])
    spread, cut, pads = x, [slice(None), slice(None)], []
    for axis, (k, stride, d, (before, after), more) in enumerate(
        zip(
            shape, window.strides, window.dilations, window.pads,
            operation.get("output_padding", [0] * len(shape)), strict=True,
        ),
        start=2,
    ):  # fmt: skip
        spread = _with_gaps(spread, axis, stride)
        edges = (k - 1) * d - before, (k - 1) * d - after + more
        pads.append(tuple(max(edge, 0) for edge in edges))
        cut.append(slice(max(-edges[0], 0), min(edges[1], 0) or None))
    turned = kernel[(slice(None), slice(None), *[slice(None, None, -1)] * len(shape))]
    split = turned.reshape((groups, kernel.shape[0] // groups, *kernel.shape[1:]))
    swapped = split.transpose(0, 2, 1, *range(3, split.ndim)).reshape((-1, split.shape[1], *shape))
    once = Window(window.shape, (1,) * len(shape), window.dilations, ())
    return _with_bias(_correlated(once.over(_padded(spread, tuple(pads))[tuple(cut)]), swapped, groups), bias)


def _with_gaps(x: Value, axis: int, stride: int) -> Value:
    """The elements of an axis with stride - 1 zeros between them."""
    if stride == 1:
        return x
    size = x.shape[axis]
    widths = [(0, 0)] * (x.ndim + 1)
    widths[axis + 1] = (0, stride - 1)
    wide = np.pad(np.expand_dims(x, axis + 1), widths)
    joined = wide.reshape((*x.shape[:axis], size * stride, *x.shape[axis + 1 :]))
    return joined[(*[slice(None)] * axis, slice(0, size * stride - stride + 1))]


def _pool_window(operation: Operation, x: Value) -> Window:
    window = Window.of(operation, operation.get("kernel_shape"), x.shape[2:])
    return window.reaching(x.shape[2:]) if operation.get("ceil_mode", 0) else window


def _max_pool(operation: Operation, x: Value) -> Value:
    if len(operation.node.outputs) > 1 and operation.node.outputs[1]:
        raise operation.refuse("the indices as a second output")
    window = _pool_window(operation, x)
    padded = np.pad(x, ((0, 0), (0, 0), *window.pads), constant_values=-np.inf)
    return np.max(window.over(padded), axis=tuple(range(-len(window.shape), 0)))


def _average_pool(operation: Operation, x: Value) -> Value:
    window, axes = _pool_window(operation, x), tuple(range(2 - x.ndim, 0))
    total = np.sum(window.over(_padded(x, window.pads)), axis=axes)
    if operation.get("count_include_pad", 0):
        if operation.get("ceil_mode", 0):
            raise operation.refuse("count_include_pad with ceil_mode")
        return total / prod(window.shape)
    ones = _padded(np.ones((1, 1, *x.shape[2:]), np.int64), window.pads)
    return total / operation.exact(window.over(ones).sum(axis=axes).astype(np.float64))


def _global(operation: Operation, x: Value) -> Value:
    pooled = np.max if operation.node.operator == "GlobalMaxPool" else np.mean
    return pooled(x, axis=tuple(range(2, x.ndim)), keepdims=True)


WINDOWS: dict[str, Definition] = {
    "Conv": _convolution, "ConvTranspose": _transposed, "MaxPool": _max_pool, "AveragePool": _average_pool,
    "GlobalAveragePool": _global, "GlobalMaxPool": _global,
}  # fmt: skip
