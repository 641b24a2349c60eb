"""What TensorFlow can run: a function, a tf.Module, or a Keras model on its backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from samestep.models.keras.network import KerasNetwork, Mark
from samestep.models.keras.tensorflow_values import to_tensor, with_own
from samestep.models.nested import Nested, leaves, outputs_and_state, replaced
from samestep.models.subject import Layer, ModelError

#: The values of some parameters and states, by name, in place of a model's own.
Values = Mapping[str, np.ndarray]


@dataclass
class Instance:
    """A model ready to be called once; ``parameters`` is what gradients are taken for, by name.

    ``state`` returns the state by name, after the call the new one.
    """

    parameters: Mapping[str, Any]
    call: Callable[..., Any]
    state: Callable[[], Mapping[str, Any]]


class Network(Protocol):
    """A user's model, which is never changed."""

    def describe(self) -> str:
        """Return what it is in a few words."""
        ...

    def parameters(self) -> Mapping[str, Any]:
        """Return its parameters' values by name."""
        ...

    def state(self) -> Mapping[str, Any]:
        """Return its state by name."""
        ...

    def described(self, names: list[str]) -> list[Layer]:
        """Return its layers of these names."""
        ...

    def lent(self, values: Values, mark: Mark) -> AbstractContextManager[Instance]:
        """Lend it with ``values`` in place of some of its own; it is put back on leaving."""
        ...


class KerasOnTensorFlow:
    """A Keras model, called eagerly as ``model(x)`` is."""

    def __init__(self, network: KerasNetwork) -> None:
        self.network = network
        self.describe = network.describe
        self.described = network.described

    def parameters(self) -> Mapping[str, Any]:
        """Return the parameters' values by path."""
        return {name: variable.value for name, variable in self.network.parameters.items()}

    def state(self) -> Mapping[str, Any]:
        """Return the values of the other variables by path."""
        return {name: variable.value for name, variable in self.network.state.items()}

    @contextmanager
    def lent(self, values: Values, mark: Mark) -> Iterator[Instance]:
        """Lend the model as a function of constant tensors."""
        parameters = with_own(values, self.parameters(), "parameter")
        after = with_own(values, self.state(), "state")

        def call(*inputs: Any, **keywords: Any) -> Any:
            outputs, state = self.network.call({**parameters, **after}, inputs, keywords, mark)
            after.update(state)
            return outputs

        yield Instance(parameters, call, lambda: after)


class Function:
    """``call(*inputs)``, ``call(params, *inputs)``, ``call(params, state, *inputs) -> (outputs, state)``."""

    def __init__(self, call: Callable[..., Any], params: Nested = None, held: Nested = None) -> None:
        if params is None and held is not None:
            raise ModelError("a state needs params: call(params, state, *inputs); give params={} for none")
        self.call, self.params, self.held = call, replaced(params, _held), replaced(held, _held)
        self.name = str(getattr(call, "__name__", type(call).__name__))

    def describe(self) -> str:
        """Return what it is in a few words."""
        kind = "tf.function" if hasattr(self.call, "get_concrete_function") else "TensorFlow function"
        return f"{kind} {self.name}"

    def parameters(self) -> Mapping[str, Any]:
        """Return the arrays of params, by path."""
        return leaves(self.params)

    def state(self) -> Mapping[str, Any]:
        """Return the arrays of state, by path."""
        return leaves(self.held)

    def described(self, names: list[str]) -> list[Layer]:
        """Return none: a function's parts have no names."""
        return []

    @contextmanager
    def lent(self, values: Values, mark: Mark) -> Iterator[Instance]:
        """Lend the function with its arrays."""
        parameters = with_own(values, self.parameters(), "parameter")
        after = with_own(values, self.state(), "state")
        params = replaced(self.params, lambda path, _: parameters[path])
        held = replaced(self.held, lambda path, _: after[path])

        def call(*inputs: Any, **keywords: Any) -> Any:
            returned = self.call(*(n for n in (params, held) if n is not None), *inputs, **keywords)
            outputs, state = outputs_and_state(returned, self.held, self.name)
            after.update(leaves(state))
            return outputs

        yield Instance(parameters, call, lambda: after)


class Module:
    """A tf.Module that can be called; its variables are put back after each run."""

    def __init__(self, module: tf.Module) -> None:
        self.module = module
        variables = _variables(module)
        self.trained = {name: v for name, v in variables.items() if v.trainable}
        self.others = {name: v for name, v in variables.items() if not v.trainable}

    def describe(self) -> str:
        """Return what it is in a few words."""
        return f"tf.Module {type(self.module).__name__}"

    def parameters(self) -> Mapping[str, Any]:
        """Return the trainable variables, by the attributes that hold them: layers/0/w."""
        return self.trained

    def state(self) -> Mapping[str, Any]:
        """Return the other variables."""
        return self.others

    def described(self, names: list[str]) -> list[Layer]:
        """Return none: a tf.Module's parts are not observed."""
        return []

    @contextmanager
    def lent(self, values: Values, mark: Mark) -> Iterator[Instance]:
        """Lend the module itself, with ``values`` assigned to its variables."""
        variables = {**self.trained, **self.others}
        before = {name: tf.identity(variable) for name, variable in variables.items()}
        try:
            for name, value in with_own(values, variables, "variable").items():
                variables[name].assign(value)
            yield Instance(self.trained, self.module, lambda: self.others)
        finally:
            for name, variable in variables.items():
                variable.assign(before[name])


def _variables(module: tf.Module) -> dict[str, tf.Variable]:
    """The variables of a tf.Module by path; a shared one once, by its first."""
    found = module._flatten(predicate=lambda value: isinstance(value, tf.Variable), with_path=True)
    named: dict[int, tuple[str, tf.Variable]] = {}
    for path, variable in found:
        named.setdefault(id(variable), ("/".join(map(str, path)), variable))
    return dict(named.values())


def _held(path: str, leaf: Any) -> tf.Tensor:
    """A copy of an array as a tensor; NumPy's float64 in float32, as every framework holds it."""
    if isinstance(leaf, tf.Tensor | tf.Variable):
        return tf.identity(leaf)
    tensor = to_tensor(leaf, path or "the value")
    return tf.cast(tensor, tf.float32) if tensor.dtype == tf.float64 else tensor
