"""A Keras model on JAX as a definition of `samestep.models.jax`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from samestep.models.jax.definition import Call, Definition
from samestep.models.jax.trees import Arrays, Tree


class Stateless(Protocol):
    """What is needed of `samestep.models.keras.network.KerasNetwork`."""

    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def state(self) -> Mapping[str, Any]: ...
    def describe(self) -> str: ...
    def call(
        self, values: Arrays, inputs: Sequence[Any], keywords: Mapping[str, Any], mark: Any = None
    ) -> tuple[Any, dict[str, Any]]: ...


def define(network: Stateless) -> Definition:
    """Return the definition of a Keras model: names are the paths of its variables and layers."""
    tree, parameters = Tree.of({name: variable.value for name, variable in network.parameters.items()})
    state = {name: variable.value for name, variable in network.state.items()}

    def apply(given: Call) -> tuple[Any, Arrays]:
        return network.call(
            {**given.parameters, **given.state}, given.inputs, given.keywords, given.layers.mark
        )

    return Definition(network.describe(), parameters, state, {}, tree, apply)
