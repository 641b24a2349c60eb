"""ONNX's products, sums over axes, and what is made of sums of exponentials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from samestep.models.onnx.operation import Definition, Operation, Value


def _gemm(operation: Operation, a: Value, b: Value, c: Value = None) -> Value:
    left = a.T if operation.get("transA", 0) else a
    product = left @ (b.T if operation.get("transB", 0) else b)
    alpha, beta = operation.get("alpha", 1.0), operation.get("beta", 1.0)
    product = product if alpha == 1 else operation.constant("alpha", 1.0) * product
    if c is None or beta == 0:
        return product
    return product + (c if beta == 1 else operation.constant("beta", 1.0) * c)


def _einsum(operation: Operation, *operands: Value) -> Value:
    return np.einsum(operation.get("equation"), *operands)


def _reduced(function: Callable[..., Any]) -> Definition:
    def reduce(operation: Operation, x: Value, given: Value = None) -> Value:
        axes = operation.axes(given)
        if not axes:
            if operation.get("noop_with_empty_axes", 0):
                return x
            axes = None
        return function(x, axis=axes, keepdims=bool(operation.get("keepdims", 1)))

    return reduce


def _log_sum_exp(x: Value, axis: Any, keepdims: bool) -> Value:
    return special.logsumexp(x, axis=axis, keepdims=keepdims)


def _exponentials(function: Callable[..., Any]) -> Definition:
    """A softmax over one axis; before opset 13 over all axes from it on."""

    def definition(operation: Operation, x: Value) -> Value:
        if operation.opset >= 13:
            return function(x, axis=operation.get("axis", -1))
        axis = operation.get("axis", 1) % x.ndim
        rows = x.reshape((int(np.prod(x.shape[:axis], dtype=np.int64)), -1))
        return function(rows, axis=-1).reshape(x.shape)

    return definition


def _cumulative_sum(operation: Operation, x: Value, axis: Value) -> Value:
    if operation.get("exclusive", 0):
        raise operation.refuse("an exclusive sum")
    (along,) = np.asarray(axis).reshape(-1)
    if not operation.get("reverse", 0):
        return np.cumsum(x, axis=int(along))
    return np.flip(np.cumsum(np.flip(x, int(along)), axis=int(along)), int(along))


def _argument(function: Callable[..., Any]) -> Definition:
    def definition(operation: Operation, x: Value) -> Value:
        if operation.get("select_last_index", 0):
            raise operation.refuse("the last of equal elements")
        axis = operation.get("axis", 0)
        found = function(x, axis=axis)
        return np.expand_dims(found, axis) if operation.get("keepdims", 1) else found

    return definition


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "ReduceSum": np.sum, "ReduceMean": np.mean, "ReduceMax": np.max, "ReduceMin": np.min,
    "ReduceProd": np.prod, "ReduceLogSumExp": _log_sum_exp,
    "ReduceSumSquare": lambda x, **kwargs: np.sum(x * x, **kwargs),
    "ReduceL1": lambda x, **kwargs: np.sum(np.abs(x), **kwargs),
    "ReduceL2": lambda x, **kwargs: np.sqrt(np.sum(x * x, **kwargs)),
    "ReduceLogSum": lambda x, **kwargs: np.log(np.sum(x, **kwargs)),
}  # fmt: skip

PRODUCTS: dict[str, Definition] = {
    **{name: _reduced(function) for name, function in REDUCTIONS.items()},
    "MatMul": lambda operation, a, b: a @ b,
    "Gemm": _gemm, "Einsum": _einsum, "CumSum": _cumulative_sum,
    "Softmax": _exponentials(special.softmax), "LogSoftmax": _exponentials(special.log_softmax),
    "ArgMax": _argument(np.argmax), "ArgMin": _argument(np.argmin),
}  # fmt: skip
