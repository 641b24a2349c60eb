"""The engine for ONNX graphs: each operator as the standard defines it, in NumPy, on any array type.

onnxruntime computes the same operators in float32, fused and reordered. Here they run on the array type that
follows rounding (`samestep.agreement.arithmetic.numpy_program`), which gives their exact values in float64.
What has no definition here is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx

from samestep.agreement.arithmetic.program import Refused
from samestep.agreement.arithmetic.unknown_operation import UnknownOperation
from samestep.models.onnx.elementwise import ELEMENTWISE
from samestep.models.onnx.graph import Graph, Node, nodes_of
from samestep.models.onnx.normalisations import NORMALISATIONS
from samestep.models.onnx.operation import Operation, Value
from samestep.models.onnx.products import PRODUCTS
from samestep.models.onnx.recurrent import RECURRENT
from samestep.models.onnx.resizing import RESIZING
from samestep.models.onnx.shapes import SHAPES
from samestep.models.onnx.windows import WINDOWS
from samestep.models.subject import first_line

#: The standard's operators that are defined here.
OPERATORS = {**ELEMENTWISE, **PRODUCTS, **NORMALISATIONS, **SHAPES, **WINDOWS, **RESIZING, **RECURRENT}

#: From a name and its value to what goes on in its place.
Visit = Callable[[str, Value], Value]


def as_it_is(name: str, value: Value) -> Value:
    """Return the value."""
    return value


@dataclass(frozen=True)
class Interpreter:
    """A graph's nodes one after the other.

    ``exact`` makes a value of an array that every implementation holds alike, ``number`` one of a constant of
    the graph, which float32 has rounded. ``visit`` sees every result under its name.
    """

    graph: Graph
    exact: Callable[[np.ndarray], Value]
    number: Callable[[np.ndarray], Value]
    visit: Visit = field(default=as_it_is)

    def run(self, given: Mapping[str, Value]) -> dict[str, Value]:
        """Return all values by name, from the inputs and initializers. Raises `Refused`."""
        values = {"": None, **given}
        for node in self.graph.nodes:
            self._do(node, values)
        return values

    def _do(self, node: Node, values: dict[str, Value]) -> None:
        if node.domain or (node.operator not in OPERATORS and node.operator != "If"):
            domain = f"{node.domain}." if node.domain else ""
            raise Refused(f"ONNX operator {domain}{node.operator} has no rule (node {node.name})")
        operands = [values[name] for name in node.inputs]
        try:
            results = self._results(node, operands, values)
        except Refused:
            raise
        except UnknownOperation as unknown:
            raise Refused(f"ONNX operator {node.place} uses {unknown}") from None
        except Exception as error:  # whatever NumPy raises on operands that a definition does not foresee
            raise Refused(f"ONNX operator {node.place}: {first_line(error)}") from error
        several = results if isinstance(results, tuple | list) else (results,)
        for name, result in zip(node.outputs, several, strict=False):
            if name:
                values[name] = self.visit(name, result)

    def _results(self, node: Node, operands: list[Value], values: Mapping[str, Value]) -> Any:
        if node.operator == "If":
            return self._branch(node, operands[0], values)
        return OPERATORS[node.operator](Operation(node, self.graph.opset, self.exact, self.number), *operands)

    def _branch(self, node: Node, condition: Value, values: Mapping[str, Value]) -> tuple[Value, ...]:
        """The results of the branch that is taken; the condition must not hang on rounding."""
        branch: onnx.GraphProto = node.attributes["then_branch" if _decided(condition) else "else_branch"]
        inner = dict(values)
        for tensor in branch.initializer:
            inner[tensor.name] = lifted(onnx.numpy_helper.to_array(tensor), self.number)
        for one in nodes_of(branch):
            self._do(one, inner)
        return tuple(inner[x.name] for x in branch.output)


def lifted(array: np.ndarray, number: Callable[[np.ndarray], Value]) -> Value:
    """Return a constant of the graph as a value; integers, strings and bools stay plain arrays."""
    return number(array) if array.dtype.kind in "fV" else array


def _decided(condition: Any) -> bool:
    return bool(np.asarray(condition).reshape(()))
