"""An ONNX model as plain data: nodes in their order, initializers as arrays, inputs and outputs by name.

Nothing of the user's proto is changed. Functions of the model itself are inlined. See
https://onnx.ai/onnx/repo-docs/IR.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from samestep.models.subject import ModelError, first_line

#: Operators of the standard have this domain, or the empty one.
STANDARD = "ai.onnx"

#: The inputs of a BatchNormalization that are running statistics, by their place.
STATISTICS = (3, 4)


@dataclass(frozen=True)
class Node:
    """One operation: its ``operator``, what goes in and comes out by name ("" for what is left out).

    ``domain`` is "" for the standard's operators. ``attributes`` are Python numbers, strings, lists of them,
    arrays, and graphs; ``notes`` are what an exporter wrote beside it.
    """

    operator: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    notes: Mapping[str, str]

    @property
    def place(self) -> str:
        """How a message names the node."""
        return f"{self.operator} {self.name or self.outputs[0]}"


@dataclass(frozen=True)
class Graph:
    """A model's graph; ``proto`` is the model with its functions inlined and its data loaded."""

    proto: onnx.ModelProto

    @classmethod
    def load(cls, path: Path) -> Graph:
        """Return the model of a file, external data included. Raises `ModelError`."""
        if not path.is_file():
            raise ModelError(f"there is no file {path}")
        try:
            return cls.of(onnx.load(path))
        except ModelError:
            raise
        except Exception as error:  # whatever protobuf and the loader of external data raise
            raise ModelError(f"{path} cannot be read as an ONNX model: {first_line(error)}") from error

    @classmethod
    def of(cls, proto: onnx.ModelProto) -> Graph:
        """Return the graph of a model. Raises `ModelError` for one without nodes."""
        if not proto.graph.node:
            raise ModelError("the ONNX model has no nodes: give one that was loaded or exported")
        return cls(onnx.inliner.inline_local_functions(proto) if proto.functions else proto)

    @property
    def name(self) -> str:
        """The graph's own name."""
        return self.proto.graph.name or "graph"

    @property
    def opset(self) -> int:
        """The version of the standard's operators."""
        versions = {x.domain: x.version for x in self.proto.opset_import}
        return int(versions.get("", versions.get(STANDARD, 1)))

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes, each after those whose results it takes."""
        return nodes_of(self.proto.graph)

    @cached_property
    def initializers(self) -> dict[str, np.ndarray]:
        """All arrays that the graph holds, by name; bfloat16 and narrower as ml_dtypes has them."""
        return {x.name: numpy_helper.to_array(x) for x in self.proto.graph.initializer}

    @cached_property
    def inputs(self) -> dict[str, np.dtype]:
        """The names and dtypes of what a caller gives, in order. Raises `ModelError` for another kind."""
        return {x.name: _dtype(x) for x in self.proto.graph.input if x.name not in self.initializers}

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """The names of what a run returns, in order."""
        return tuple(x.name for x in self.proto.graph.output)

    @cached_property
    def statistics(self) -> frozenset[str]:
        """The names of the initializers that are running statistics."""
        normalised = (node for node in self.nodes if node.operator == "BatchNormalization")
        return frozenset(node.inputs[place] for node in normalised for place in STATISTICS)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the floating initializers that are no single numbers: weights, statistics and tables."""
        return {name: x for name, x in self.initializers.items() if x.ndim and x.dtype.kind in "fV"}

    def with_initializers(self, values: Mapping[str, np.ndarray]) -> Graph:
        """Return the graph with other arrays of the same names, in their own dtypes."""
        proto = onnx.ModelProto()
        proto.CopyFrom(self.proto)
        for tensor in proto.graph.initializer:
            if tensor.name in values:
                own = self.initializers[tensor.name].dtype
                tensor.CopyFrom(numpy_helper.from_array(values[tensor.name].astype(own), tensor.name))
        return Graph(proto)

    def showing(self, values: tuple[str, ...]) -> onnx.ModelProto:
        """Return the model with these values as its outputs."""
        proto = onnx.ModelProto()
        proto.CopyFrom(self.proto)
        del proto.graph.output[:]
        proto.graph.output.extend(onnx.ValueInfoProto(name=value) for value in values)
        return proto


def nodes_of(graph: onnx.GraphProto) -> tuple[Node, ...]:
    """Return the nodes of a graph, or of a branch, as plain data."""
    return tuple(
        Node(
            node.op_type, "" if node.domain == STANDARD else node.domain, node.name,
            tuple(node.input), tuple(node.output),
            {x.name: _attribute(x) for x in node.attribute},
            {x.key: x.value for x in node.metadata_props},
        )
        for node in graph.node
    )  # fmt: skip


def _attribute(attribute: onnx.AttributeProto) -> Any:
    value = helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    if isinstance(value, bytes):
        return value.decode()
    return [x.decode() if isinstance(x, bytes) else x for x in value] if isinstance(value, list) else value


def _dtype(value: onnx.ValueInfoProto) -> np.dtype:
    if value.type.WhichOneof("value") != "tensor_type":
        raise ModelError(f"input {value.name} of the ONNX model is no tensor: only tensors can be given")
    dtype: np.dtype = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
    return dtype
