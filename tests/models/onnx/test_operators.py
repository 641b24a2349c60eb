"""Every operator's definition against onnxruntime's: its float32 results lie within the limits of it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from samestep.agreement.arithmetic.program import Refused
from samestep.agreement.limits import elementwise_limit
from samestep.models.onnx import recognise
from samestep.models.onnx.interpreter import OPERATORS
from samestep.models.question import Question
from tests.models.onnx.graphs import one_node

REPLICAS = 16
RNG = np.random.default_rng(0)


def normal(*shape, scale=1.0):
    return (scale * RNG.standard_normal(shape)).astype(np.float32)


def positive(*shape):
    return RNG.uniform(0.1, 2.0, shape).astype(np.float32)


def inner(*shape):
    return RNG.uniform(-0.9, 0.9, shape).astype(np.float32)


def ints(*values):
    return np.asarray(values, np.int64)


def floats(*values):
    return np.asarray(values, np.float32)


X, Y = normal(3, 4), normal(3, 4)
IMAGE, SIGNAL = normal(2, 4, 9, 8), normal(2, 4, 11)
MASK, WHOLE = X > 0, RNG.integers(1, 9, (3, 4))
SEQUENCE = normal(5, 2, 6)


def unary(x, *operators, **attributes):
    return [(operator, {"x": x}, {}, attributes) for operator in operators]


def binary(x, y, *operators):
    return [(operator, {"x": x, "y": y}, {}, {}) for operator in operators]


def recurrent(operator, gates, directions=1, **attributes):
    constants = {
        "w": normal(directions, gates * 3, 6, scale=0.5),
        "r": normal(directions, gates * 3, 3, scale=0.5),
        "b": normal(directions, 2 * gates * 3, scale=0.5),
    }
    outputs = ("y", "h", "c") if operator == "LSTM" else ("y", "h")
    return (operator, {"x": SEQUENCE}, constants, {"hidden_size": 3, "outputs": outputs, **attributes})


def resized(mode, coordinates, sizes, **attributes):
    constants = {"roi": None, "scales": None, "sizes": ints(2, 4, *sizes)}
    return ("Resize", {"x": IMAGE}, constants,
            {"mode": mode, "coordinate_transformation_mode": coordinates, **attributes})  # fmt: skip


def convolved(x, weight, bias=None, operator="Conv", **attributes):
    return (operator, {"x": x}, {"w": weight, **({} if bias is None else {"b": bias})}, attributes)


CASES = [
    *unary(
        X, "Abs", "Neg", "Exp", "Sin", "Cos", "Tan", "Tanh", "Sinh", "Cosh", "Atan", "Asinh", "Erf",
        "Sigmoid", "Floor", "Ceil", "Round", "Sign", "Reciprocal", "Relu", "Softsign", "Mish", "Identity",
        "Softplus", "LeakyRelu", "Elu", "Celu", "Selu", "HardSigmoid", "HardSwish", "Gelu", "Dropout",
        "Shape", "Size", "Flatten", "Transpose", "Softmax", "LogSoftmax", "ArgMax", "ArgMin", "IsNaN",
        "IsInf",
    ),
    *unary(X, "Gelu", approximate="tanh"),
    *unary(X, "Elu", "Celu", "LeakyRelu", "Selu", alpha=0.3),
    *unary(positive(3, 4), "Log", "Sqrt"),
    *unary(inner(3, 4), "Asin", "Acos", "Atanh"),
    *unary(1 + positive(3, 4), "Acosh"),
    *unary(MASK, "Not"),
    *unary(X, "Softmax", opset=11, axis=0),
    *unary(X, "Cast", to=7), *unary(WHOLE, "Cast", to=1), *unary(X, "Cast", to=11),
    *unary(IMAGE, "GlobalAveragePool", "GlobalMaxPool"),
    *unary(IMAGE, "DepthToSpace", blocksize=2), *unary(IMAGE, "DepthToSpace", blocksize=2, mode="CRD"),
    *unary(normal(2, 4, 6, 8), "SpaceToDepth", blocksize=2),
    *binary(X, Y, "Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean", "Equal", "Greater", "Less",
            "GreaterOrEqual", "LessOrEqual", "PRelu"),
    *binary(MASK, ~MASK, "And", "Or", "Xor"),
    *binary(WHOLE, ints(3, -2, 5, 7), "Add", "Div", "Mod", "Mul"),
    *binary(positive(3, 4), Y, "Pow"),
    *binary(X, normal(4, 5), "MatMul"),
    *binary(normal(2, 1, 3, 4), normal(5, 4, 2), "MatMul"),
    ("Where", {"m": MASK, "x": X, "y": Y}, {}, {}),
    ("CastLike", {"x": WHOLE, "y": Y}, {}, {}),
    ("Clip", {"x": X}, {"low": floats(-0.5)[0], "high": floats(0.7)[0]}, {}),
    ("Gemm", {"x": X}, {"b": normal(5, 4), "c": normal(5)}, {"transB": 1, "alpha": 0.7, "beta": 1.3}),
    ("Einsum", {"x": X, "y": Y}, {}, {"equation": "ij,kj->ik"}),
    *[(f"Reduce{name}", {"x": X if name != "LogSum" else positive(3, 4)}, {"axes": ints(1)}, {})
      for name in ("Sum", "Mean", "Max", "Min", "Prod", "LogSumExp", "SumSquare", "L1", "L2", "LogSum")],
    ("ReduceSum", {"x": X}, {}, {"keepdims": 0}),
    ("CumSum", {"x": X}, {"axis": ints(1)[0]}, {}),
    ("CumSum", {"x": X}, {"axis": ints(1)[0]}, {"reverse": 1}),
    ("LayerNormalization", {"x": X}, {"s": positive(4), "b": normal(4)}, {"epsilon": 1e-3}),
    ("RMSNormalization", {"x": X}, {"s": positive(4)}, {"opset": 23}),
    ("BatchNormalization", {"x": IMAGE},
     {"s": positive(4), "b": normal(4), "m": normal(4), "v": positive(4)}, {}),
    ("InstanceNormalization", {"x": IMAGE}, {"s": positive(4), "b": normal(4)}, {}),
    ("GroupNormalization", {"x": IMAGE}, {"s": positive(4), "b": normal(4)}, {"num_groups": 2}),
    ("Constant", {}, {}, {"value_floats": [0.1, 0.2]}), ("Constant", {}, {}, {"value_int": 3}),
    ("ConstantOfShape", {"s": ints(2, 3)}, {}, {}),
    ("Reshape", {"x": X}, {"s": ints(0, 2, -1)}, {}), ("Squeeze", {"x": X[None]}, {"a": ints(0)}, {}),
    ("Unsqueeze", {"x": X}, {"a": ints(0, 3)}, {}),
    ("Concat", {"x": X, "y": Y}, {}, {"axis": 1}),
    ("Split", {"x": X}, {"s": ints(1, 3)}, {"axis": 1, "outputs": ("y", "z")}),
    ("Slice", {"x": X}, {"s": ints(-1, 1), "e": ints(-10, 100), "a": ints(0, 1), "t": ints(-1, 2)}, {}),
    ("Gather", {"x": X}, {"i": ints(2, -1, 0)}, {"axis": 1}),
    ("GatherElements", {"x": X}, {"i": np.zeros((3, 2), np.int64)}, {"axis": 1}),
    ("GatherND", {"x": X}, {"i": ints(2, 0)[None]}, {}),
    ("ScatterND", {"x": X}, {"i": ints(2, 0)[:, None], "u": normal(2, 4)}, {}),
    ("Expand", {"x": normal(3, 1)}, {"s": ints(2, 1, 4)}, {}), ("Tile", {"x": X}, {"r": ints(2, 1)}, {}),
    ("Pad", {"x": X}, {"p": ints(1, 0, 0, 2), "v": floats(0.3)[0]}, {}),
    ("Pad", {"x": X}, {"p": ints(1, 0, 0, 2)}, {"mode": "reflect"}),
    ("Range", {"a": ints(1)[0], "b": ints(9)[0], "c": ints(2)[0]}, {}, {}),
    ("Trilu", {"x": X}, {"k": ints(1)[0]}, {"upper": 0}),
    ("OneHot", {"i": ints(0, 2, -1)}, {"d": ints(3)[0], "v": floats(-0.1, 0.7)}, {}),
    convolved(IMAGE, normal(6, 2, 3, 2), normal(6), group=2, strides=[2, 1], pads=[1, 0, 2, 1],
              dilations=[1, 2]),
    convolved(SIGNAL, normal(3, 4, 3), auto_pad="SAME_UPPER", strides=[2]),
    convolved(SIGNAL, normal(3, 4, 2), auto_pad="SAME_LOWER"),
    convolved(normal(1, 2, 4, 5, 3), normal(3, 2, 2, 2, 2)),
    convolved(IMAGE, normal(4, 3, 3, 2), normal(6), "ConvTranspose", group=2, strides=[2, 3],
              pads=[1, 0, 0, 1], output_padding=[1, 0], dilations=[1, 2]),
    convolved(SIGNAL, normal(4, 2, 1), operator="ConvTranspose", strides=[2], pads=[1, 2]),
    *unary(IMAGE, "MaxPool", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1], ceil_mode=1),
    *unary(IMAGE, "MaxPool", kernel_shape=[2, 2], dilations=[2, 3]),
    *unary(IMAGE, "AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
    *unary(IMAGE, "AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1),
    resized("nearest", "asymmetric", (18, 5), nearest_mode="floor"),
    resized("nearest", "half_pixel", (4, 16)),
    resized("linear", "half_pixel", (5, 19)), resized("linear", "align_corners", (12, 3)),
    resized("linear", "pytorch_half_pixel", (1, 20)),
    resized("cubic", "half_pixel", (13, 11), cubic_coeff_a=-0.75),
    resized("cubic", "align_corners", (7, 15), cubic_coeff_a=-0.5, exclude_outside=1),
    recurrent("LSTM", 4), recurrent("LSTM", 4, 2, direction="bidirectional"),
    recurrent("GRU", 3), recurrent("GRU", 3, linear_before_reset=1, direction="reverse"),
    recurrent("RNN", 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("operator", "inputs", "constants", "attributes"),
    CASES,
    ids=[f"{number}-{case[0]}" for number, case in enumerate(CASES)],
)
def test_onnxruntime_lies_within_the_limits_of_the_definition(operator, inputs, constants, attributes):
    subject = recognise(one_node(operator, inputs, constants, **attributes))
    question = Question(tuple(inputs.values()))
    got, program = subject.run(question), subject.program(question)
    exact = program.exact()
    assert list(exact) == list(got)
    replicas = [program.replica(seed) for seed in range(REPLICAS)]
    for key, value in exact.items():
        assert got[key].shape == value.shape
        if value.dtype.kind != "f":
            assert np.array_equal(got[key], value)
            continue
        squares = [np.square(replica[key] - value) for replica in replicas]
        assert np.all(
            np.abs(got[key] - value) <= elementwise_limit(REPLICAS) * np.sqrt(np.mean(squares, axis=0))
        )


def test_every_definition_is_tried():
    assert {case[0] for case in CASES} == OPERATORS.keys()


@pytest.mark.parametrize(
    ("operator", "inputs", "constants", "attributes", "words"),
    [
        ("Det", {"x": normal(3, 3)}, {}, {}, "ONNX operator Det has no rule"),
        ("AveragePool", {"x": IMAGE}, {}, {"kernel_shape": [2, 2], "ceil_mode": 1, "count_include_pad": 1},
         "AveragePool node: count_include_pad with ceil_mode has no rule"),
        ("Resize", {"x": IMAGE}, {"roi": None, "scales": None, "sizes": ints(2, 4, 5, 5)},
         {"mode": "linear", "antialias": 1}, "antialias"),
        ("TopK", {"x": X}, {"k": ints(2)}, {"outputs": ("y", "i")}, "ONNX operator TopK has no rule"),
    ],
)  # fmt: skip
def test_what_has_no_definition_is_refused_by_name(operator, inputs, constants, attributes, words):
    subject = recognise(one_node(operator, inputs, constants, **attributes))
    with pytest.raises(Refused, match=words):
        subject.program(Question(tuple(inputs.values()))).exact()
