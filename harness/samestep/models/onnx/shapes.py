"""ONNX's operators that make, move, join, choose and count elements."""

from __future__ import annotations

from itertools import accumulate, pairwise

import numpy as np

from samestep.models.onnx.operation import Definition, Operation, Value, is_floating, plain

CONSTANTS = ("value_float", "value_floats", "value_int", "value_ints")


def _constant(operation: Operation) -> Value:
    if "value" in operation.node.attributes:
        array = operation.get("value")
        return operation.number(array) if array.dtype.kind in "fV" else array
    name = next((name for name in CONSTANTS if name in operation.node.attributes), None)
    if name is None:
        raise operation.refuse("a constant that is sparse, or text,")
    if "float" in name:
        return operation.number(np.asarray(operation.get(name), np.float32))
    return np.asarray(operation.get(name), np.int64)


def _constant_of_shape(operation: Operation, shape: Value) -> Value:
    value = operation.get("value", np.zeros(1, np.float32))
    full = np.full(plain(shape), value[0])
    return operation.number(full) if is_floating(full) else full


def _shape(operation: Operation, x: Value) -> Value:
    return np.asarray(x.shape[operation.get("start", 0) : operation.get("end")], np.int64)


def _reshape(operation: Operation, x: Value, shape: Value) -> Value:
    sizes = plain(shape)
    if not operation.get("allowzero", 0):
        sizes = tuple(x.shape[i] if size == 0 else size for i, size in enumerate(sizes))
    return x.reshape(sizes)


def _flatten(operation: Operation, x: Value) -> Value:
    axis = operation.get("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    return x.reshape((int(np.prod(x.shape[:axis], dtype=np.int64)), -1))


def _squeeze(operation: Operation, x: Value, axes: Value = None) -> Value:
    return np.squeeze(x, axis=operation.axes(axes))


def _unsqueeze(operation: Operation, x: Value, axes: Value = None) -> Value:
    return np.expand_dims(x, operation.axes(axes) or ())


def _transpose(operation: Operation, x: Value) -> Value:
    return np.transpose(x, operation.get("perm"))


def _concatenate(operation: Operation, *parts: Value) -> Value:
    return np.concatenate(parts, axis=operation.get("axis"))


def _split(operation: Operation, x: Value, sizes: Value = None) -> list[Value]:
    axis, count = operation.get("axis", 0), len(operation.node.outputs)
    given = operation.axes(sizes, "split")
    if given is None:
        size = -(-x.shape[axis] // count)
        given = tuple(min(size, x.shape[axis] - i * size) for i in range(count))
    ends = list(accumulate(given, initial=0))
    return [np.take(x, np.arange(a, b), axis=axis) for a, b in pairwise(ends)]


def _slice(operation: Operation, x: Value, *given: Value) -> Value:
    names = ("starts", "ends", "axes", "steps")
    inputs = dict(zip(names, given, strict=False))
    starts, ends, axes, steps = (operation.axes(inputs.get(name), name) for name in names)
    index = [slice(None)] * x.ndim
    for i, (start, end) in enumerate(zip(starts or (), ends or (), strict=True)):
        step, axis = (steps[i] if steps else 1), (axes[i] if axes else i)
        size = x.shape[axis]
        start = start + size if start < 0 else start
        if step < 0:
            end = end + size if -size <= end < 0 else end
            index[axis] = slice(min(start, size - 1), None if end < 0 else end, step)
        else:
            index[axis] = slice(max(start, 0), end, step)
    return x[tuple(index)]


def _gather(operation: Operation, x: Value, indices: Value) -> Value:
    return np.take(x, np.asarray(indices), axis=operation.get("axis", 0))


def _gather_elements(operation: Operation, x: Value, indices: Value) -> Value:
    axis = operation.get("axis", 0)
    places = np.asarray(indices)
    if places.shape[:axis] + places.shape[axis + 1 :] != x.shape[:axis] + x.shape[axis + 1 :]:
        raise operation.refuse("fewer indices than elements across the axis")
    return np.take_along_axis(x, places, axis)


def _gather_nd(operation: Operation, x: Value, indices: Value) -> Value:
    if operation.get("batch_dims", 0):
        raise operation.refuse("batch_dims")
    places = np.asarray(indices)
    return x[tuple(places[..., i] for i in range(places.shape[-1]))]


def _scatter_nd(operation: Operation, x: Value, indices: Value, updates: Value) -> Value:
    if operation.get("reduction", "none") != "none":
        raise operation.refuse(f"reduction {operation.get('reduction')}")
    places = np.asarray(indices)
    result = x.copy() if is_floating(x) else np.array(x)
    result[tuple(places[..., i] for i in range(places.shape[-1]))] = updates
    return result


def _expand(operation: Operation, x: Value, shape: Value) -> Value:
    return np.broadcast_to(x, np.broadcast_shapes(x.shape, plain(shape)))


def _tile(operation: Operation, x: Value, repeats: Value) -> Value:
    return np.tile(x, plain(repeats))


def _pad(
    operation: Operation, x: Value, pads: Value = None, value: Value = None, axes: Value = None
) -> Value:
    given = operation.axes(pads, "pads") or ()
    which = range(x.ndim) if axes is None else plain(axes)
    widths = [(0, 0)] * x.ndim
    for axis, before, after in zip(which, given[: len(given) // 2], given[len(given) // 2 :], strict=True):
        widths[axis] = (before, after)
    mode = operation.get("mode", "constant")
    if any(n < 0 for pair in widths for n in pair) or mode not in ("constant", "reflect", "edge"):
        raise operation.refuse(f"mode {mode} with the widths {widths}")
    if mode != "constant":
        return np.pad(x, widths, mode=mode)
    return np.pad(x, widths, constant_values=0 if value is None else value.reshape(()))


def _range(operation: Operation, start: Value, limit: Value, delta: Value) -> Value:
    if is_floating(start):
        raise operation.refuse("a range of floating numbers")
    return np.arange(*(int(np.asarray(x).reshape(())) for x in (start, limit, delta)), dtype=start.dtype)


def _triangle(operation: Operation, x: Value, k: Value = None) -> Value:
    cut = np.triu if operation.get("upper", 1) else np.tril
    return cut(x, 0 if k is None else int(np.asarray(k).reshape(())))


def _one_hot(operation: Operation, indices: Value, depth: Value, values: Value) -> Value:
    size = int(np.asarray(depth).reshape(()))
    axis = operation.get("axis", -1)
    places = np.asarray(indices) % size
    hot = np.moveaxis(np.arange(size) == places[..., None], -1, axis)
    return np.where(hot, values[1], values[0])


def _depth_to_space(operation: Operation, x: Value) -> Value:
    n, c, h, w = x.shape
    b = operation.get("blocksize")
    if operation.get("mode", "DCR") == "DCR":
        return (
            x.reshape((n, b, b, c // b**2, h, w)).transpose(0, 3, 4, 1, 5, 2).reshape((n, -1, h * b, w * b))
        )
    return x.reshape((n, c // b**2, b, b, h, w)).transpose(0, 1, 4, 2, 5, 3).reshape((n, -1, h * b, w * b))


def _space_to_depth(operation: Operation, x: Value) -> Value:
    n, c, h, w = x.shape
    b = operation.get("blocksize")
    parts = x.reshape((n, c, h // b, b, w // b, b)).transpose(0, 3, 5, 1, 2, 4)
    return parts.reshape((n, c * b * b, h // b, w // b))


SHAPES: dict[str, Definition] = {
    "Constant": _constant, "ConstantOfShape": _constant_of_shape, "Shape": _shape,
    "Size": lambda operation, x: np.asarray(x.size, np.int64),
    "Reshape": _reshape, "Flatten": _flatten, "Squeeze": _squeeze, "Unsqueeze": _unsqueeze,
    "Transpose": _transpose, "Concat": _concatenate, "Split": _split, "Slice": _slice, "Gather": _gather,
    "GatherElements": _gather_elements, "GatherND": _gather_nd, "ScatterND": _scatter_nd,
    "Expand": _expand, "Tile": _tile, "Pad": _pad, "Range": _range, "Trilu": _triangle, "OneHot": _one_hot,
    "DepthToSpace": _depth_to_space, "SpaceToDepth": _space_to_depth,
}  # fmt: skip
