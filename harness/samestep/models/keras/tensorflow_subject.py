"""A TensorFlow model as one side of a comparison: it is run, and no engine follows it yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from samestep.agreement.arithmetic.program import Contract, Program, Refused
from samestep.models.keras.optimizer import run_steps, settings_of
from samestep.models.keras.tensorflow_network import Function, Module, Network, Values
from samestep.models.keras.tensorflow_step import Observer, run_step
from samestep.models.keras.tensorflow_values import to_array
from samestep.models.nested import Nested
from samestep.models.question import Question, Steps
from samestep.models.subject import Layer, ModelError, first_line
from samestep.models.tensors import TensorKey, Tensors
from samestep.models.twice import Twice

NO_ENGINE = "TensorFlow code has no engine: give it as the candidate, or write it in Keras, JAX or PyTorch"


@dataclass(frozen=True)
class TensorFlowSubject:
    """A ``network`` with other ``values`` in place of some of its own, by name."""

    network: Network
    values: Values = field(default_factory=dict)
    framework: str = "tensorflow"
    _called: list[str] = field(default_factory=list, repr=False, compare=False)

    def describe(self) -> str:
        """Return what it is in a few words."""
        return self.network.describe()

    def parameters(self) -> Mapping[str, np.ndarray]:
        """Return the trainable parameters by name."""
        return self._arrays(self.network.parameters(), "parameter")

    def frozen(self) -> frozenset[str]:
        """Return none: what is not trainable is state."""
        return frozenset()

    def state(self) -> Mapping[str, np.ndarray]:
        """Return the other variables, or a function's state, by name."""
        return self._arrays(self.network.state(), "state")

    def layers(self) -> Sequence[Layer]:
        """Return the layers in the order of their calls, after the first run."""
        return self.network.described(self._called)

    def with_values(
        self, parameters: Mapping[str, np.ndarray], state: Mapping[str, np.ndarray]
    ) -> TensorFlowSubject:
        """Return this model with other values of some of its parameters and state. Raises `ModelError`."""
        for values, own, kind in (
            (parameters, self.network.parameters(), "parameter"),
            (state, self.network.state(), "state"),
        ):
            _check(values, own, kind)
        return replace(self, values={**self.values, **parameters, **state}, _called=[])

    def cast(self, dtype: str) -> TensorFlowSubject:
        """Raise `ModelError`: TensorFlow's variables keep their dtype."""
        raise ModelError(f"a TensorFlow model is asked in its own dtype: make it in {dtype}")

    def run(self, question: Question) -> Tensors:
        """Return the tensors of one run, with a tf.GradientTape. Raises `ModelError`."""
        tf.random.set_seed(question.seed)
        observer = Observer(question)
        try:
            with self.network.lent(self.values, observer.mark) as instance:
                tensors = run_step(instance, question, observer)
        except ModelError:
            raise
        except Exception as error:  # whatever the user's model raises
            text = f"{self.describe()} raises {type(error).__name__}: {first_line(error)}"
            raise ModelError(text) from error
        self._called[:] = observer.calls
        return tensors

    def run_twice(self, question: Question) -> Twice:
        """Return two such runs. Raises `ModelError`."""
        return Twice(self.run(question), self.run(question))

    def program(self, question: Question, contract: Contract | None = None) -> Program[TensorKey]:
        """Raise `Refused`: a walker of TensorFlow's graphs would stand here."""
        raise Refused(NO_ENGINE)

    def run_steps(self, optimizer: object, steps: Steps) -> Tensors:
        """Return the updates of a Keras optimizer on TensorFlow. Raises `ModelError`."""
        if keras.backend.backend() != "tensorflow":
            raise ModelError(
                f"Keras's optimizers run on {keras.backend.backend()} here: set KERAS_BACKEND=tensorflow"
            )
        return run_steps(self.network.parameters(), optimizer, steps)

    def steps_program(self, optimizer: object, steps: Steps) -> Program[TensorKey]:
        """Raise `Refused`."""
        raise Refused(NO_ENGINE)

    def optimizer_settings(self, optimizer: object) -> Layer | None:
        """Return the class of a Keras optimizer and its configuration."""
        return settings_of(optimizer)

    def _arrays(self, tensors: Mapping[str, Any], kind: str) -> Mapping[str, np.ndarray]:
        return {
            name: np.array(self.values[name]) if name in self.values else to_array(tensor, f"{kind} {name}")
            for name, tensor in tensors.items()
        }


def _check(values: Values, own: Mapping[str, Any], kind: str) -> None:
    for name, value in values.items():
        if name not in own:
            raise ModelError(f"the model has no {kind} {name}; there are {', '.join(own) or 'none'}")
        if np.shape(value) != tuple(own[name].shape):
            raise ModelError(f"{kind} {name} has the shape {tuple(own[name].shape)}, not {np.shape(value)}")


def from_function(call: Callable[..., Any], params: Nested = None, state: Nested = None) -> TensorFlowSubject:
    """Return the side for a function of tensors with its arrays, which are copied. Raises `ModelError`."""
    return TensorFlowSubject(Function(call, params, state))


def recognise(model: object) -> TensorFlowSubject | None:
    """Return the side for a tf.Module that can be called, or a tf.function; None for anything else."""
    if isinstance(model, tf.Module) and callable(model):
        return TensorFlowSubject(Module(model))
    if isinstance(model, tf.types.experimental.PolymorphicFunction):
        return from_function(model)
    return None
