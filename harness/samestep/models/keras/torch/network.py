"""A Keras model on PyTorch as a network of `samestep.models.torch`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from samestep.models.subject import ModelError
from samestep.models.torch.instance import Instance, Values
from samestep.models.torch.values import to_tensor


class Stateless(Protocol):
    """What is needed of `samestep.models.keras.network.KerasNetwork`."""

    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def state(self) -> Mapping[str, Any]: ...
    @property
    def layers(self) -> Mapping[str, Any]: ...
    def describe(self) -> str: ...
    def call(
        self, values: Mapping[str, Any], inputs: Sequence[Any], keywords: Mapping[str, Any], mark: Any = None
    ) -> tuple[Any, dict[str, Any]]: ...


@dataclass
class KerasOnTorch:
    """A Keras model, whose layers are modules: PyTorch's own hooks see them."""

    keras: Stateless
    compiled: bool = False

    def describe(self) -> str:
        """Return what it is in a few words."""
        return self.keras.describe()

    def parameters(self) -> Mapping[str, torch.Tensor]:
        """Return the values of the parameters, by path."""
        return _values(self.keras.parameters)

    def frozen(self) -> frozenset[str]:
        """Return the parameters that are not trainable."""
        return frozenset(name for name, v in self.keras.parameters.items() if not v.trainable)

    def state(self) -> Mapping[str, torch.Tensor]:
        """Return the values of the other variables, by path."""
        return _values(self.keras.state)

    def tied(self) -> Mapping[str, str]:
        """Return none: a shared variable has one path."""
        return {}

    def modules(self) -> Mapping[str, torch.nn.Module]:
        """Return the layers by path."""
        return self.keras.layers

    def cast(self, dtype: torch.dtype) -> KerasOnTorch:
        """Raise `ModelError`: a Keras model's dtype policy is fixed when it is made."""
        raise ModelError(f"a Keras model is asked in its own dtype: make it in {dtype}")

    def copy(self, values: Values) -> Instance:
        """Return the model on copies of its variables' values; the model itself is not changed."""

        def fresh(name: str, tensor: torch.Tensor) -> torch.Tensor:
            given = to_tensor(values[name], name).to(tensor) if name in values else tensor
            return given.detach().clone()

        parameters = {name: fresh(name, t).requires_grad_() for name, t in self.parameters().items()}
        after = {name: fresh(name, t) for name, t in self.state().items()}

        def call(*inputs: torch.Tensor, **keywords: torch.Tensor) -> Any:
            outputs, state = self.keras.call({**parameters, **after}, inputs, keywords)
            after.update(state)
            return outputs

        return Instance(parameters, call, lambda: after, self.modules())

    @contextmanager
    def native(self, values: Values) -> Iterator[Instance]:
        """Lend a copy."""
        yield self.copy(values)


def _values(variables: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    return {name: variable.value.detach() for name, variable in variables.items()}
