"""ONNX's elementwise operators."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
from onnx import helper
from scipy import special

from samestep.models.onnx.operation import Definition, Operation, Value, is_floating


def _plain(function: Callable[..., Any]) -> Definition:
    return lambda operation, *operands: function(*operands)


def _folded(function: Callable[..., Any]) -> Definition:
    return lambda operation, *operands: reduce(function, operands)


def _mean(operation: Operation, *operands: Value) -> Value:
    return reduce(np.add, operands) / len(operands)


def _divide(operation: Operation, a: Value, b: Value) -> Value:
    if is_floating(a):
        return a / b
    return np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))  # towards 0


def _modulo(operation: Operation, a: Value, b: Value) -> Value:
    if is_floating(a):
        raise operation.refuse("the remainder of floating numbers")
    return np.fmod(a, b) if operation.get("fmod", 0) else np.remainder(a, b)


def _power(operation: Operation, base: Value, exponent: Value) -> Value:
    return base**exponent if is_floating(base) else np.power(base, exponent).astype(base.dtype)


def _cast(operation: Operation, value: Value, *like: Value) -> Value:
    """A cast between floating dtypes is none here: the function's own mathematics is what is asked for."""
    to = like[0].dtype if like else np.dtype(helper.tensor_dtype_to_np_dtype(operation.get("to")))
    if to.kind in "fV":
        return value if is_floating(value) else operation.exact(np.asarray(value).astype(np.float64))
    return value.astype(to)


def _clip(operation: Operation, value: Value, low: Value = None, high: Value = None) -> Value:
    if operation.opset < 11:
        low, high = operation.get("min"), operation.get("max")
    above = value if low is None else np.maximum(value, low)
    return above if high is None else np.minimum(above, high)


def _leaky_relu(operation: Operation, x: Value) -> Value:
    return np.where(x < 0, operation.constant("alpha", 0.01) * x, x)


def _prelu(operation: Operation, x: Value, slope: Value) -> Value:
    return np.where(x < 0, slope * x, x)


def _elu(operation: Operation, x: Value) -> Value:
    return np.where(x < 0, operation.constant("alpha", 1.0) * np.expm1(np.minimum(x, 0)), x)


def _celu(operation: Operation, x: Value) -> Value:
    alpha = operation.constant("alpha", 1.0)
    return np.maximum(x, 0) + np.minimum(alpha * np.expm1(np.minimum(x, 0) / alpha), 0)


def _selu(operation: Operation, x: Value) -> Value:
    alpha = operation.constant("alpha", 1.67326319217681884765625)
    gamma = operation.constant("gamma", 1.05070102214813232421875)
    return gamma * np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x)


def _hard_sigmoid(operation: Operation, x: Value) -> Value:
    line = operation.constant("alpha", 0.2) * x + operation.constant("beta", 0.5)
    return np.minimum(np.maximum(line, 0), 1)


def _hard_swish(operation: Operation, x: Value) -> Value:
    return x * np.minimum(np.maximum(x / 6 + 0.5, 0), 1)


def _gelu(operation: Operation, x: Value) -> Value:
    if operation.get("approximate", "none") == "tanh":
        return 0.5 * x * (1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * (x * x * x))))
    return 0.5 * x * (1 + special.erf(x * 0.5**0.5))


def _softplus(operation: Operation, x: Value) -> Value:
    return np.logaddexp(0.0, x)


def _is_infinite(operation: Operation, x: Value) -> Value:
    signs = (operation.get("detect_positive", 1), operation.get("detect_negative", 1))
    if signs != (1, 1):
        raise operation.refuse("one sign of infinity")
    return np.isinf(x)


UNARY: dict[str, Any] = {
    "Abs": np.abs, "Neg": np.negative, "Exp": np.exp, "Log": np.log, "Sqrt": np.sqrt, "Sin": np.sin,
    "Cos": np.cos, "Tanh": np.tanh, "Sinh": np.sinh, "Cosh": np.cosh, "Asin": np.arcsin, "Acos": np.arccos,
    "Atan": np.arctan, "Asinh": np.arcsinh, "Acosh": np.arccosh, "Atanh": np.arctanh, "Erf": special.erf,
    "Sigmoid": special.expit, "Floor": np.floor, "Ceil": np.ceil, "Round": np.rint, "Sign": np.sign,
    "IsNaN": np.isnan, "Not": np.logical_not, "Reciprocal": lambda x: 1 / x,
    "Tan": lambda x: np.sin(x) / np.cos(x),
    "Relu": lambda x: np.maximum(x, 0), "Softsign": lambda x: x / (1 + np.abs(x)),
    "Mish": lambda x: x * np.tanh(np.logaddexp(0.0, x)), "Identity": lambda x: x,
}  # fmt: skip

BINARY: dict[str, Any] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "And": np.logical_and, "Or": np.logical_or,
    "Xor": np.logical_xor, "Equal": np.equal, "Greater": np.greater, "Less": np.less,
    "GreaterOrEqual": np.greater_equal, "LessOrEqual": np.less_equal,
}  # fmt: skip

ELEMENTWISE: dict[str, Definition] = {
    **{name: _plain(function) for name, function in {**UNARY, **BINARY, "Where": np.where}.items()},
    **{name: _folded(f) for name, f in {"Sum": np.add, "Max": np.maximum, "Min": np.minimum}.items()},
    "Mean": _mean, "Div": _divide, "Mod": _modulo, "Pow": _power, "Cast": _cast, "CastLike": _cast,
    "Clip": _clip, "LeakyRelu": _leaky_relu, "PRelu": _prelu, "Elu": _elu, "Celu": _celu, "Selu": _selu,
    "HardSigmoid": _hard_sigmoid, "HardSwish": _hard_swish, "Gelu": _gelu, "Softplus": _softplus,
    "IsInf": _is_infinite,
}  # fmt: skip
