"""A Keras layer or model as a pure function of its variables, on whatever backend this process has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import keras

from samestep.models.keras.names import SEED, described, layers_of, modes, variables_of
from samestep.models.subject import Layer, ModelError

#: ``mark(layer, outputs) -> outputs`` is called for each layer, and may exchange what it returns.
Mark = Callable[[Layer, Any], Any]
#: A backend's own tensors by the path of a variable.
Values = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class KerasNetwork:
    """``layer``, called with ``fixed`` keywords, such as training=True."""

    layer: keras.Layer
    fixed: Mapping[str, Any] = field(default_factory=dict)
    names: Sequence[str] | None = None  # of its layers, where they are not to be their paths

    def __post_init__(self) -> None:
        if not self.layer.built:
            raise ModelError(f"{self.name} has no variables yet: call it once, or its build(input_shape)")
        _ = self.parameters, self.state

    @property
    def name(self) -> str:
        """Its class and its name: Functional 'encoder'."""
        return f"Keras {type(self.layer).__name__} {self.layer.name!r}"

    def describe(self) -> str:
        """Return what it is, its mode and its backend."""
        return f"{self.name}, {modes(self.fixed)}, {keras.backend.backend()} backend"

    @cached_property
    def parameters(self) -> dict[str, keras.Variable]:
        """The parameters by path, frozen ones included."""
        return variables_of(self.layer)[0]

    @cached_property
    def state(self) -> dict[str, keras.Variable]:
        """The other variables by path, such as running statistics."""
        return variables_of(self.layer)[1]

    @property
    def variables(self) -> list[keras.Variable]:
        """All variables that have a name here, in the model's own order."""
        return [v for v in self.layer.variables if not v.path.endswith(SEED)]

    @cached_property
    def layers(self) -> dict[str, keras.Layer]:
        """The layers by path."""
        layers = layers_of(self.layer)
        return layers if self.names is None else dict(zip(self.names, layers.values(), strict=True))

    def described(self, names: Sequence[str]) -> list[Layer]:
        """Return the layers of these names with their settings."""
        return [described(name, self.layers[name]) for name in names]

    def call(
        self, values: Values, inputs: Sequence[Any], keywords: Mapping[str, Any], mark: Mark | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Return the outputs with ``values`` for the variables, and the new state; nothing is changed."""
        variables = {**self.parameters, **self.state}
        mapping = [(variables[name], value) for name, value in values.items()]
        first, named = self._arguments(inputs, keywords)
        with keras.StatelessScope(state_mapping=mapping) as scope, self._marked(mark):
            outputs = self.layer(*first, **named, **self.fixed)
        return outputs, {name: scope.get_current_value(variable) for name, variable in self.state.items()}

    def _arguments(
        self, inputs: Sequence[Any], keywords: Mapping[str, Any]
    ) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """Several inputs of a functional model are one argument: a list, or a dict by their names."""
        entries = getattr(self.layer, "inputs", None) if isinstance(self.layer, keras.Model) else None
        if entries is None:
            return inputs, keywords
        if keywords and not inputs and set(keywords) <= {entry.name for entry in entries}:
            return [dict(keywords)], {}
        return ([list(inputs)], keywords) if len(inputs) > 1 else (inputs, keywords)

    @contextmanager
    def _marked(self, mark: Mark | None) -> Iterator[None]:
        """Let ``mark`` see what each layer returns: every layer's call goes through Operation's."""
        if mark is None:
            yield
            return
        names = {id(layer): name for name, layer in self.layers.items()}
        plain = keras.Operation.__call__

        def call(operation: keras.Operation, *args: Any, **kwargs: Any) -> Any:
            outputs = plain(operation, *args, **kwargs)
            name = names.get(id(operation))
            return outputs if name is None else mark(described(name, operation), outputs)

        keras.Operation.__call__ = call
        try:
            yield
        finally:
            keras.Operation.__call__ = plain
