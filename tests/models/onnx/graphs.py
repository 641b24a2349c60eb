"""ONNX graphs that tests make by hand: one node, or a module as PyTorch's older, quick exporter writes it."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

#: The version of the standard's operators that tests are written in.
OPSET = 22


def one_node(
    operator: str, inputs: Mapping[str, np.ndarray], constants: Mapping[str, np.ndarray], **attributes: Any
) -> onnx.ModelProto:
    """A graph of one node that takes the inputs, then the constants (None leaves one out)."""
    outputs = attributes.pop("outputs", ("out",))
    opset = attributes.pop("opset", OPSET)
    names = [name if array is not None else "" for name, array in {**inputs, **constants}.items()]
    graph = helper.make_graph(
        [helper.make_node(operator, names, list(outputs), name="node", **attributes)],
        "one_node",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
            for name, x in inputs.items()
        ],
        [onnx.ValueInfoProto(name=name) for name in outputs if name],
        [numpy_helper.from_array(x, name) for name, x in constants.items() if x is not None],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def exported(module: Any, *inputs: np.ndarray) -> onnx.ModelProto:
    """A module in evaluation mode as a graph."""
    import torch

    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the newer exporter takes seconds; one test has it
        torch.onnx.export(module.eval(), tuple(map(torch.tensor, inputs)), file, dynamo=False)
    return onnx.load_from_string(file.getvalue())


def with_attribute(model: onnx.ModelProto, operator: str, name: str, value: Any) -> onnx.ModelProto:
    """The same graph with another attribute of its first node of that operator."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    node = next(node for node in changed.graph.node if node.op_type == operator)
    kept = [attribute for attribute in node.attribute if attribute.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, helper.make_attribute(name, value)])
    return changed


def with_array(model: onnx.ModelProto, name: str, array: np.ndarray) -> onnx.ModelProto:
    """The same graph with another array of that name."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    (tensor,) = (tensor for tensor in changed.graph.initializer if tensor.name == name)
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), name))
    return changed
