"""Exported models as candidates: good exports agree in both questions, and mistakes are placed."""

from __future__ import annotations

import copy
from functools import partial

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

import onnx
import onnxruntime
import torch
from onnx import helper, numpy_helper
from torch import nn
from torch.nn import functional

import samestep
from tests.models.onnx.graphs import exported, with_array, with_attribute

RNG = np.random.default_rng(0)
ROWS = RNG.standard_normal((4, 12)).astype(np.float32)
SEQUENCE = RNG.standard_normal((2, 5, 8)).astype(np.float32)
IMAGES = RNG.standard_normal((2, 3, 7, 7)).astype(np.float32)
TOKENS = RNG.integers(0, 11, (2, 5))
NOT_ASKED = "whether it is the same function"

compare = partial(samestep.compare, variants=False, replicas=8)


class Block(nn.Module):
    """A transformer's block, with PyTorch's fused attention."""

    def __init__(self):
        super().__init__()
        self.norm, self.qkv, self.out = nn.LayerNorm(8), nn.Linear(8, 24), nn.Linear(8, 8)
        self.mlp = nn.Sequential(nn.LayerNorm(8), nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))

    def forward(self, x):
        q, k, v = self.qkv(self.norm(x)).view(*x.shape[:2], 3, 2, 4).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(x.shape))
        return x + self.mlp(x)


class Language(nn.Module):
    """Integers in, with positions that the graph computes from their shape."""

    def __init__(self):
        super().__init__()
        self.words, self.places, self.block = nn.Embedding(11, 8), nn.Embedding(9, 8), Block()

    def forward(self, tokens):
        return self.block(self.words(tokens) + self.places(torch.arange(tokens.shape[1])))


class Images(nn.Module):
    """A convolution whose BatchNorm the exporter folds into it, a pool, and a resize."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.pool = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.MaxPool2d(2)
        for values in (self.norm.weight, self.norm.bias, self.norm.running_mean, self.norm.running_var):
            values.data.uniform_(0.5, 2.0)

    def forward(self, x):
        pooled = self.pool(torch.relu(self.norm(self.conv(x))))
        return functional.interpolate(pooled, size=(5, 8), mode="bilinear", align_corners=True)


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.cells, self.head = getattr(nn, kind)(8, 6, batch_first=True), nn.Linear(6, 3)

    def forward(self, x):
        return self.head(self.cells(x)[0])


class Named(nn.Module):
    """Two inputs by name, a mask among them, and two outputs by name."""

    def __init__(self):
        super().__init__()
        self.line = nn.Linear(8, 8)

    def forward(self, x, mask):
        scores = self.line(x).masked_fill(~mask[..., None], -torch.inf)
        return {"weights": torch.softmax(scores, dim=1), "largest": scores.amax(dim=1)}


def mlp():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(12, 16), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 5))


def made(module, *arguments):
    torch.manual_seed(0)
    return module(*arguments)


@pytest.mark.parametrize(
    ("module", "inputs"),
    [
        (made(Block), (SEQUENCE,)),
        (made(Language), (TOKENS,)),
        (made(Images), (IMAGES,)),
        (made(Recurrent, "LSTM"), (SEQUENCE,)),
        (made(Recurrent, "GRU"), (SEQUENCE,)),
        (made(Named), (SEQUENCE, RNG.random((2, 5)) < 0.7)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_good_export_agrees_and_both_questions_are_asked(module, inputs):
    result = compare(exported(module, *inputs), module.eval(), inputs)
    assert result.verdict == "agree", result.explain()
    assert not any(NOT_ASKED in line for line in result.coverage.not_asked)
    assert "gradients of parameters: the candidate gives none" in result.coverage.not_asked
    assert any(key.role.name == "LAYER" for key in (tensor.key for tensor in result.judged))


def test_an_export_folds_a_batchnorm_and_writes_a_gelu_by_the_opset():
    operators = [{node.op_type for node in exported(module, inputs).graph.node}
                 for module, inputs in ((made(Images), IMAGES), (mlp(), ROWS))]  # fmt: skip
    assert "BatchNormalization" not in operators[0]
    assert "Erf" in operators[1] or "Gelu" in operators[1]


def test_the_newer_exporter_names_modules_and_their_classes():
    pytest.importorskip("onnxscript")
    module = mlp().eval()
    program = torch.onnx.export(
        module, (torch.tensor(ROWS),), dynamic_shapes=[{0: torch.export.Dim("rows")}], verbose=False
    )
    result = compare(program, module, (ROWS,))
    assert result.verdict == "agree"
    assert result.coverage.seen == ("4 layers", "1 output")
    other = with_attribute(program.model_proto, "Gelu", "approximate", "tanh")
    first = compare(other, module, (ROWS,)).first
    assert (first.layer, first.kind) == ("1", "GELU")


def weight_named(model, shape):
    """The first array of a shape: its name and its values."""
    tensor = next(tensor for tensor in model.graph.initializer if tuple(tensor.dims) == shape)
    return tensor.name, numpy_helper.to_array(tensor)


def transposed(model):
    name, weight = weight_named(model, (8, 8))
    return with_array(model, name, weight.T)


def gates_exchanged(model):
    """PyTorch's order of the gates, i f g o, in the place of ONNX's, i o f c, in the input's weight."""
    name, weight = weight_named(model, (1, 24, 8))
    return with_array(model, name, weight.reshape(1, 4, 6, 8)[:, [0, 2, 3, 1]].reshape(1, 24, 8))


MISTAKES = {
    "eps": (
        Block, (), SEQUENCE, lambda m: with_attribute(m, "LayerNormalization", "epsilon", 1.01e-5), "norm",
    ),
    "transposed": (Block, (), SEQUENCE, transposed, "out"),
    "gates": (Recurrent, ("LSTM",), SEQUENCE, gates_exchanged, "cells"),
    "resize": (
        Images, (), IMAGES,
        lambda m: with_attribute(m, "Resize", "coordinate_transformation_mode", "half_pixel"), None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_graph_is_placed(mistake):
    module, arguments, inputs, planted, layer = MISTAKES[mistake]
    reference = made(module, *arguments).eval()
    result = compare(planted(exported(reference, inputs)), reference, (inputs,))
    assert result.verdict == "disagree"
    assert result.first.layer == layer
    assert result.first.exact


def test_paths_sessions_and_external_data(tmp_path):
    module = mlp().eval()
    model, path = exported(module, ROWS), tmp_path / "net.onnx"
    onnx.save(model, path, save_as_external_data=True, size_threshold=0, location="net.data")
    session = onnxruntime.InferenceSession(str(path))
    for candidate in (path, str(path), session):
        result = compare(candidate, module, (ROWS,))
        assert result.verdict == "agree"
        assert not any(NOT_ASKED in line for line in result.coverage.not_asked)


def test_a_graph_is_a_reference_with_layers_of_its_own():
    module = mlp().eval()
    model = exported(module, ROWS)
    assert compare(module, model, (ROWS,)).verdict == "agree"
    other = copy.deepcopy(module)
    other[2].eps = 1e-4
    result = compare(other, model, (ROWS,))
    assert (result.verdict, result.first.layer) == ("disagree", "2")
    assert "output" in str(samestep.limits(model, (ROWS,)))


def test_float16_is_weaker_arithmetic_of_the_same_function():
    half = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 5)).half()
    model = exported(half, ROWS.astype(np.float16))
    reference = copy.deepcopy(half).float().eval()  # the same weights, which float16 holds
    result = compare(model, reference, (ROWS,))
    assert result.verdict == "weaker"
    assert compare(model, reference, (ROWS,), contract="weaker").passed
    with pytest.raises(samestep.ModelError, match="has its dtypes in it: export it in float16"):
        compare(exported(reference, ROWS), reference, (ROWS,), dtypes=("float16",))


def test_int8_is_another_function_and_is_not_asked_in_float64(tmp_path):
    quantization = pytest.importorskip("onnxruntime.quantization")
    onnx.save(exported(mlp(), ROWS), tmp_path / "net.onnx")
    quantization.quantize_dynamic(tmp_path / "net.onnx", tmp_path / "int8.onnx")
    result = compare(tmp_path / "int8.onnx", mlp().eval(), (ROWS,))
    assert result.verdict == "disagree"
    assert any("DynamicQuantizeLinear has no rule" in line for line in result.coverage.not_asked)


def test_float64_graphs_are_compared_as_float32_holds_them():
    wide = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 5)).double().eval()
    model = exported(wide, ROWS.astype(np.float64))
    assert compare(model, copy.deepcopy(wide).float(), (ROWS,)).verdict == "agree"


def test_the_branch_that_is_taken_is_followed():
    branches = [
        helper.make_graph(
            [helper.make_node("Mul", ["x", name], [f"{name}_out"])], name,
            [], [helper.make_tensor_value_info(f"{name}_out", 1, None)],
            [numpy_helper.from_array(np.float32(factor), name)],
        )
        for name, factor in (("twice", 2.0), ("half", 0.5))
    ]  # fmt: skip
    node = helper.make_node("If", ["which"], ["y"], then_branch=branches[0], else_branch=branches[1])
    graph = helper.make_graph(
        [node], "branches",
        [helper.make_tensor_value_info("x", 1, (4, 12)), helper.make_tensor_value_info("which", 9, ())],
        [helper.make_tensor_value_info("y", 1, None)],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    for which, factor in ((True, 2.0), (False, 0.5)):
        result = compare(model, lambda x, which, factor=factor: factor * x, (ROWS, np.asarray(which)))
        assert result.verdict == "agree"
        assert not any(NOT_ASKED in line for line in result.coverage.not_asked)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ((ROWS, ROWS), "candidate: the ONNX graph takes 0, and is given 2 by position"),
        ({"x": ROWS}, "candidate: the ONNX graph takes 0, and is given x"),
        ((ROWS.astype(np.int64),), "candidate: input 0 is int64, and the ONNX graph takes float32"),
    ],
)
def test_inputs_that_the_graph_does_not_take(inputs, words):
    model = exported(mlp(), ROWS)
    model.graph.input[0].name, old = "0", model.graph.input[0].name
    for node in model.graph.node:
        node.input[:] = ["0" if name == old else name for name in node.input]
    with pytest.raises(samestep.ModelError, match=words):
        compare(model, mlp(), inputs)


def test_what_is_no_model_is_one_line(tmp_path):
    (tmp_path / "text.onnx").write_text("this is no protobuf")
    for candidate, words in (
        (tmp_path / "missing.onnx", "there is no file .*missing.onnx"),
        (tmp_path / "text.onnx", "text.onnx cannot be read as an ONNX model"),
        (onnx.ModelProto(), "the ONNX model has no nodes"),
    ):
        with pytest.raises(samestep.ModelError, match=f"candidate: .*{words}"):
            compare(candidate, mlp(), (ROWS,))
