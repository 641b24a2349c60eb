"""ONNX's Resize: along each axis a choice of elements, or weighted sums of two or four of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from samestep.agreement.arithmetic.program import intended_number
from samestep.models.onnx.operation import Definition, Operation, Value, plain

#: From the places of the result, its size, the operand's size, and the ratio of the two, to the operand's.
COORDINATES: dict[str, Callable[[np.ndarray, int, int, float], np.ndarray]] = {
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
    mode, where = (
        operation.get("mode", "nearest"),
        operation.get("coordinate_transformation_mode", "half_pixel"),
    )
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
        if out == size and scale == 1:
            continue
        at = COORDINATES[where](np.arange(out), out, size, scale)
        x = _chosen(operation, x, axis, at) if mode == "nearest" else _weighted(operation, x, axis, at, mode)
    return x


def _number(scales: Value, i: int) -> float:
    """A ratio as it was meant: 1/3, which float32 has rounded."""
    held = float(np.asarray(getattr(scales, "value", scales), np.float64)[i])
    meant = intended_number(held)
    return held if meant is None else meant


def _chosen(operation: Operation, x: Value, axis: int, at: np.ndarray) -> Value:
    nearest = NEAREST[operation.get("nearest_mode", "round_prefer_floor")](at).astype(np.int64)
    return np.take(x, np.clip(nearest, 0, x.shape[axis] - 1), axis=axis)


def _weighted(operation: Operation, x: Value, axis: int, at: np.ndarray, mode: str) -> Value:
    """Every element of the result as a sum over the operand's: (..., out) from (..., size)."""
    size, low = x.shape[axis], np.floor(at).astype(np.int64)
    weights = _linear(at - low) if mode == "linear" else _cubic(operation, at - low)
    rows = np.eye(size)
    matrix = np.zeros_like(rows[np.clip(low, 0, size - 1)])  # (out, size)
    for offset, weight in weights.items():
        places = low + offset
        if operation.get("exclude_outside", 0):
            weight = np.where((places >= 0) & (places < size), weight, 0.0)
        matrix += weight[:, None] * rows[np.clip(places, 0, size - 1)]
    if operation.get("exclude_outside", 0):
        matrix /= matrix.sum(axis=1, keepdims=True)
    return np.moveaxis(np.moveaxis(x, axis, -1) @ operation.exact(matrix.T), -1, axis)


def _linear(part: np.ndarray) -> dict[int, np.ndarray]:
    return {0: 1 - part, 1: part}


def _cubic(operation: Operation, part: np.ndarray) -> dict[int, np.ndarray]:
    held = float(operation.get("cubic_coeff_a", -0.75))
    meant = intended_number(held)
    a = held if meant is None else meant

    def near(d: np.ndarray) -> np.ndarray:
        return np.asarray(((a + 2) * d - (a + 3)) * d * d + 1)

    def far(d: np.ndarray) -> np.ndarray:
        return np.asarray(((a * d - 5 * a) * d + 8 * a) * d - 4 * a)

    return {-1: far(part + 1), 0: near(part), 1: near(1 - part), 2: far(2 - part)}


RESIZING: dict[str, Definition] = {"Resize": _resize}
