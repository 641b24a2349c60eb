"""A Keras model as one side of a comparison, run by the framework of its backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from samestep.agreement.arithmetic.program import Contract, Program
from samestep.models.keras.network import KerasNetwork
from samestep.models.keras.optimizer import KerasSteps, run_steps, settings_of
from samestep.models.question import Question, Steps
from samestep.models.subject import Layer, ModelError, Subject
from samestep.models.tensors import TensorKey, Tensors
from samestep.models.twice import Twice

if TYPE_CHECKING:
    from samestep.models.keras.stand_in import StandIn


@dataclass(frozen=True)
class KerasSubject:
    """A Keras model, and the ``inner`` side that runs it as a function of its variables."""

    network: KerasNetwork
    inner: Subject
    framework: str = "keras"
    opened: list[StandIn] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def open(
        cls, layer: keras.Layer, fixed: Mapping[str, Any], names: Sequence[str] | None = None
    ) -> KerasSubject:
        """Return the side for a layer or model, called with ``fixed`` keywords. Raises `ModelError`.

        ``names`` are those of its layers, outer ones first, where they are not to be their paths.
        """
        network = KerasNetwork(layer, fixed, names)
        return cls(network, _on_backend(network))

    def describe(self) -> str:
        """Return what it is, its mode and its backend."""
        return self.network.describe()

    def parameters(self) -> Mapping[str, np.ndarray]:
        """Return the parameters by the path of their variable, frozen ones included."""
        return self.inner.parameters()

    def frozen(self) -> frozenset[str]:
        """Return the parameters that are not trainable."""
        variables = self.network.parameters.items()
        return frozenset(name for name, variable in variables if not variable.trainable)

    def state(self) -> Mapping[str, np.ndarray]:
        """Return the other variables by path, but for random seeds."""
        return self.inner.state()

    def layers(self) -> Sequence[Layer]:
        """Return the layers in the order of their calls, after the first run."""
        return self.network.described([layer.name for layer in self.inner.layers()])

    def with_values(
        self, parameters: Mapping[str, np.ndarray], state: Mapping[str, np.ndarray]
    ) -> KerasSubject:
        """Return this model with other values of some of its variables. Raises `ModelError`."""
        return replace(self, inner=self.inner.with_values(parameters, state))

    def cast(self, dtype: str) -> KerasSubject:
        """Raise `ModelError`: a Keras model's dtype policy is fixed when it is made."""
        raise ModelError(f"a Keras model is asked in its own dtype: make it with dtype={dtype!r}")

    def run(self, question: Question) -> Tensors:
        """Return the tensors of one run on the model's own backend. Raises `ModelError`."""
        return self.inner.run(question)

    def run_twice(self, question: Question) -> Twice:
        """Return two such runs. Raises `ModelError`."""
        return self.inner.run_twice(question)

    def program(self, question: Question, contract: Contract | None = None) -> Program[TensorKey]:
        """Return the same run for the backend's engine; for TensorFlow's the JAX backend stands in.

        There it is checked against the run on TensorFlow, but for questions with forced layers, which follow
        one that was checked. Raises `Refused`.
        """
        if self.backend != "tensorflow":
            return self.inner.program(question, contract)
        native = None if question.forced else self.run(question)
        return self._stand_in.program(question, contract, self.parameters(), self.state(), native)

    def run_steps(self, optimizer: object, steps: Steps) -> Tensors:
        """Return the updates of a Keras optimizer. Raises `ModelError`."""
        return run_steps(self.network.parameters, optimizer, steps)

    def steps_program(self, optimizer: object, steps: Steps) -> Program[TensorKey]:
        """Return the same steps for the backend's engine. Raises `Refused`."""
        made = partial(KerasSteps, self.network.parameters, optimizer, steps)
        if self.backend == "torch":
            from samestep.models.keras.torch import optimizer as on_torch

            return on_torch.steps_program(made)
        if self.backend == "jax":
            from samestep.models.keras.jax import optimizer as on_jax

            return on_jax.steps_program(made())
        return self._stand_in.steps_program(optimizer, steps, self.run_steps(optimizer, steps))

    def optimizer_settings(self, optimizer: object) -> Layer | None:
        """Return the class of a Keras optimizer and its configuration."""
        return settings_of(optimizer)

    @property
    def _stand_in(self) -> StandIn:
        """The model in the process of the JAX backend, made once. Raises `Refused`."""
        from samestep.models.keras.stand_in import StandIn

        if not self.opened:
            self.opened.append(StandIn(self.network))
        return self.opened[0]

    @property
    def backend(self) -> str:
        """The backend of this process."""
        return str(keras.backend.backend())


def _on_backend(network: KerasNetwork) -> Subject:
    backend = keras.backend.backend()
    if backend == "torch":
        from samestep.models.keras.torch.network import KerasOnTorch
        from samestep.models.torch import TorchSubject

        return TorchSubject(KerasOnTorch(network))
    if backend == "jax":
        from samestep.models.jax.subject import JaxSubject
        from samestep.models.keras.jax.definition import define

        return JaxSubject(define(network))
    if backend == "tensorflow":
        from samestep.models.keras.tensorflow_network import KerasOnTensorFlow
        from samestep.models.keras.tensorflow_subject import TensorFlowSubject

        return TensorFlowSubject(KerasOnTensorFlow(network))
    raise ModelError(
        f"Keras's {backend} backend has no gradients: set KERAS_BACKEND to jax, torch or tensorflow"
    )
