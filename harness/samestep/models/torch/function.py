"""A function on tensors, with its parameters and its state nested in dicts, lists and tuples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from samestep.models.found_framework import values_named
from samestep.models.nested import Nested, leaves, outputs_and_state, replaced
from samestep.models.subject import ModelError
from samestep.models.torch.instance import Instance, Values
from samestep.models.torch.values import to_tensor


class FunctionNetwork:
    """A function of tensors that takes its params and its state first, where it has them."""

    compiled = False

    def __init__(self, call: Callable[..., Any], params: Nested = None, held: Nested = None) -> None:
        if params is None and held is not None:
            raise ModelError("a state needs params: call(params, state, *inputs); give params={} for none")
        self.call, self.params, self.held = call, _tensors(params), _tensors(held)
        self.name = getattr(call, "__name__", type(call).__name__)

    def describe(self) -> str:
        """Return what it is in a few words."""
        return f"PyTorch function {self.name}"

    def parameters(self) -> Mapping[str, torch.Tensor]:
        """Return the arrays of params, by path."""
        return _leaves(self.params)

    def frozen(self) -> frozenset[str]:
        """Return the arrays without floating numbers; of all others gradients are taken."""
        return frozenset(name for name, x in self.parameters().items() if not x.is_floating_point())

    def state(self) -> Mapping[str, torch.Tensor]:
        """Return the arrays of state, by path."""
        return _leaves(self.held)

    def tied(self) -> Mapping[str, str]:
        """Return none: every array has one path."""
        return {}

    def modules(self) -> Mapping[str, torch.nn.Module]:
        """Return none: a function's parts have no names."""
        return {}

    def copy(self, values: Values) -> Instance:
        """Return the function with copies of its arrays, of which floating params want gradients."""

        def fresh(tensor: torch.Tensor, name: str) -> torch.Tensor:
            copied = torch.empty_like(tensor, requires_grad=False)
            with torch.no_grad():
                return copied.copy_(to_tensor(values[name], name) if name in values else tensor)

        def parameter(name: str, leaf: Any) -> Any:
            if not isinstance(leaf, torch.Tensor):
                return leaf
            return fresh(leaf, name).requires_grad_(leaf.is_floating_point())

        def carried(name: str, leaf: Any) -> Any:
            return fresh(leaf, name) if isinstance(leaf, torch.Tensor) else leaf

        params, held = replaced(self.params, parameter), replaced(self.held, carried)
        after = {"state": held}

        def call(*inputs: torch.Tensor, **keywords: torch.Tensor) -> Nested:
            first = [nested for nested in (params, held) if nested is not None]
            returned = self.call(*first, *inputs, **keywords)
            outputs, after["state"] = outputs_and_state(returned, self.held, self.name)
            return outputs

        return Instance(
            _leaves(params), call, lambda: _leaves(after["state"]), leaves_only=True,
            attributes=lambda: values_named(self.call),
        )  # fmt: skip

    def cast(self, dtype: torch.dtype) -> FunctionNetwork:
        """Return the function with floating arrays in ``dtype``."""

        def rounded(name: str, leaf: Any) -> Any:
            floating = isinstance(leaf, torch.Tensor) and leaf.is_floating_point()
            return leaf.detach().to(dtype) if floating else leaf

        return FunctionNetwork(self.call, replaced(self.params, rounded), replaced(self.held, rounded))

    @contextmanager
    def native(self, values: Values) -> Iterator[Instance]:
        """Lend a copy."""
        yield self.copy(values)


def _tensors(nested: Nested) -> Nested:
    """The same nesting with tensors for NumPy arrays, float64 ones in float32 as the other side has them."""

    def convert(name: str, leaf: Any) -> Any:
        if not isinstance(leaf, np.ndarray | np.generic):
            return leaf
        tensor = to_tensor(leaf, name)
        return tensor.float() if tensor.dtype == torch.float64 else tensor

    return replaced(nested, convert)


def _leaves(nested: Nested) -> dict[str, torch.Tensor]:
    return {name: leaf for name, leaf in leaves(nested).items() if isinstance(leaf, torch.Tensor)}
