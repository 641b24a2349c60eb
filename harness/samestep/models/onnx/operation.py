"""What an operator's definition is given: the node's attributes, and how constants become values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from samestep.agreement.arithmetic.program import Refused
from samestep.models.onnx.graph import Node

#: An array that follows its rounding, or a plain one of integers, bools or constants.
Value = Any


@dataclass(frozen=True)
class Operation:
    """A ``node`` under a version of the standard (``opset``).

    ``exact`` makes a value of an array that is no rounded number, ``number`` of a constant of the graph.
    """

    node: Node
    opset: int
    exact: Callable[[np.ndarray], Value]
    number: Callable[[np.ndarray], Value]

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute, or its default."""
        return self.node.attributes.get(name, default)

    def constant(self, name: str, default: float) -> Value:
        """Return a floating attribute (an eps, a slope) as a value: the standard holds it in float32."""
        return self.number(np.asarray(self.get(name, default)))

    def axes(self, given: Value = None, name: str = "axes") -> tuple[int, ...] | None:
        """Return axes, which newer versions take as an input and older ones as an attribute; None for all."""
        axes = self.get(name) if given is None else given
        return None if axes is None else plain(axes)

    def refuse(self, what: str) -> Refused:
        """Return the refusal of a setting of this operator, to be raised."""
        return Refused(f"ONNX operator {self.node.place}: {what} has no rule")


#: From an operation and its operands to its result, or several.
Definition = Callable[..., Value | Sequence[Value]]


def plain(integers: Value) -> tuple[int, ...]:
    """Return shapes, axes and counts as Python integers. Raises `Refused` for computed floats."""
    return tuple(int(n) for n in np.asarray(integers).reshape(-1))


def is_floating(value: Value) -> bool:
    """Return whether a value has floating numbers."""
    return bool(value.dtype.kind in "fV")
