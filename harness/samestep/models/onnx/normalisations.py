"""ONNX's normalisations, in two passes, and its dropout, which does nothing outside of training."""

from __future__ import annotations

import numpy as np

from samestep.models.onnx.operation import Definition, Operation, Value

EPSILON = 1e-5


def _per_channel(x: Value, vector: Value) -> Value:
    return vector.reshape((-1, *[1] * (x.ndim - 2)))


def _batch(operation: Operation, x: Value, scale: Value, bias: Value, mean: Value, variance: Value) -> Value:
    if operation.get("training_mode", 0):
        raise operation.refuse("training_mode=1")
    scale, bias, mean, variance = (_per_channel(x, vector) for vector in (scale, bias, mean, variance))
    return (x - mean) / np.sqrt(variance + operation.constant("epsilon", EPSILON)) * scale + bias


def _normal(operation: Operation, x: Value, axes: tuple[int, ...]) -> tuple[Value, Value, Value]:
    """The normalised values, the mean, and the reciprocal of the deviation."""
    mean = x.mean(axis=axes, keepdims=True)
    centred = x - mean
    variance = np.mean(centred * centred, axis=axes, keepdims=True)
    deviation = np.sqrt(variance + operation.constant("epsilon", EPSILON))
    return centred / deviation, mean, 1 / deviation


def _layer(operation: Operation, x: Value, scale: Value, bias: Value = None) -> tuple[Value, ...]:
    axes = tuple(range(operation.get("axis", -1) % x.ndim, x.ndim))
    normal, mean, inverse = _normal(operation, x, axes)
    scaled = normal * scale
    return scaled if bias is None else scaled + bias, mean, inverse


def _root_mean_square(operation: Operation, x: Value, scale: Value) -> Value:
    axes = tuple(range(operation.get("axis", -1) % x.ndim, x.ndim))
    size = np.mean(x * x, axis=axes, keepdims=True) + operation.constant("epsilon", EPSILON)
    return x / np.sqrt(size) * scale


def _instance(operation: Operation, x: Value, scale: Value, bias: Value) -> Value:
    normal, _, _ = _normal(operation, x, tuple(range(2, x.ndim)))
    return normal * _per_channel(x, scale) + _per_channel(x, bias)


def _group(operation: Operation, x: Value, scale: Value, bias: Value) -> Value:
    if operation.opset < 21:
        raise operation.refuse("the version before opset 21, which was withdrawn,")
    rows, groups = x.shape[0], operation.get("num_groups")
    normal, _, _ = _normal(operation, x.reshape((rows, groups, -1)), (2,))
    return normal.reshape(x.shape) * _per_channel(x, scale) + _per_channel(x, bias)


def _dropout(operation: Operation, x: Value, ratio: Value = None, training: Value = None) -> Value:
    if training is not None and bool(np.asarray(training)):
        raise operation.refuse("training mode")
    return x


NORMALISATIONS: dict[str, Definition] = {
    "BatchNormalization": _batch, "LayerNormalization": _layer, "RMSNormalization": _root_mean_square,
    "InstanceNormalization": _instance, "GroupNormalization": _group, "Dropout": _dropout,
}  # fmt: skip
