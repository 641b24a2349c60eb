"""ONNX's Resize: along each axis a choice of elements, or weighted sums of two or four of them.

Coordinates are computed, and so are weights: in float32 both round. Which elements are taken is decided by
the exact coordinates.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from samestep.agreement.arithmetic.program import intended_number
from samestep.models.onnx.operation import Definition, Operation, Value, plain

#: From the places of the result, its size, the operand's size, and the ratio of the two, to the operand's.
COORDINATES: dict[str, Callable[[Value, int, int, Value], Value]] = {
    "half_pixel": lambda i, out, size, scale: (i + 0.5) / scale - 0.5,
    "pytorch_half_pixel": lambda i, out, size, scale: (i + 0.5) / scale - 0.5 if out > 1 else i * 0.0,
    "align_corners": lambda i, out, size, scale: i * (size - 1) / (out - 1) if out > 1 else i * 0.0,
    "asymmetric": lambda i, out, size, scale: i / scale,
}

NEAREST: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def _resize(
    operation: Operation, x: Value, roi: Value = None, scales: Value = None, sizes: Value = None
) -> Value:
    where = operation.get("coordinate_transformation_mode", "half_pixel")
    if operation.opset < 11 or operation.get("antialias", 0) or where not in COORDINATES:
        raise operation.refuse(f"opset {operation.opset} with antialias, or coordinates {where},")
    if operation.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise operation.refuse("keep_aspect_ratio_policy")
    axes = operation.axes() or tuple(range(x.ndim))
    wanted = None if sizes is None or not sizes.size else plain(sizes)
    for i, axis in enumerate(axes):
        size = x.shape[axis]
        scale = wanted[i] / size if wanted else _number(scales, i)
        out = wanted[i] if wanted else int(np.floor(size * scale))
        if out != size or scale != 1:
            x = _along(operation, x, axis, out, scale, COORDINATES[where])
    return x


def _number(scales: Value, i: int) -> float:
    """A ratio as it was meant: 1/3, which float32 has rounded."""
    held = float(np.asarray(getattr(scales, "value", scales), np.float64)[i])
    meant = intended_number(held)
    return held if meant is None else meant


def _along(
    operation: Operation, x: Value, axis: int, out: int, scale: float, coordinates: Callable[..., Value]
) -> Value:
    size, places = x.shape[axis], np.arange(out, dtype=np.float64)
    exact = coordinates(places, out, size, scale)
    if operation.get("mode", "nearest") == "nearest":
        nearest = NEAREST[operation.get("nearest_mode", "round_prefer_floor")](exact).astype(np.int64)
        return np.take(x, np.clip(nearest, 0, size - 1), axis=axis)
    one = operation.exact(np.asarray(1.0))
    rounded = coordinates(operation.exact(places), out, size, one * (scale * size) / size)
    low = np.floor(exact).astype(np.int64)
    weighted = _linear if operation.get("mode") == "linear" else _cubic
    matrix = _matrix(operation, weighted(operation, rounded - low), low, size)
    return np.moveaxis(np.moveaxis(x, axis, -1) @ matrix.T, -1, axis)


def _matrix(operation: Operation, weights: dict[int, Value], low: np.ndarray, size: int) -> Value:
    """Every element of the result as a sum over the operand's: shape (out, size)."""
    rows, matrix = np.eye(size), 0.0
    outside = bool(operation.get("exclude_outside", 0))
    for offset, weight in weights.items():
        places = low + offset
        taken = rows[np.clip(places, 0, size - 1)]
        if outside:
            taken = taken * ((places >= 0) & (places < size))[:, None]
        matrix = matrix + weight[:, None] * taken
    return matrix / np.sum(matrix, axis=1, keepdims=True) if outside else matrix


def _linear(operation: Operation, part: Value) -> dict[int, Value]:
    return {0: 1 - part, 1: part}


def _cubic(operation: Operation, part: Value) -> dict[int, Value]:
    a = operation.constant("cubic_coeff_a", -0.75)

    def near(d: Value) -> Value:
        return ((a + 2) * d - (a + 3)) * d * d + 1

    def far(d: Value) -> Value:
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    return {-1: far(part + 1), 0: near(part), 1: near(1 - part), 2: far(2 - part)}


RESIZING: dict[str, Definition] = {"Resize": _resize}
