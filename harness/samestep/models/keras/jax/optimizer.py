"""Steps of a Keras optimizer on JAX, for the JAX engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from samestep.agreement.arithmetic.jaxpr.program import JaxProgram
from samestep.agreement.arithmetic.program import Program
from samestep.models.tensors import TensorKey


class PureSteps(Protocol):
    """`samestep.models.keras.optimizer.KerasSteps`."""

    @property
    def values(self) -> list[dict[str, Any]]: ...
    @property
    def gradients(self) -> list[dict[str, Any]]: ...
    def updates(self, params: Sequence[Any], gradients: Sequence[Any]) -> dict[TensorKey, Any]: ...


def steps_program(made: PureSteps) -> Program[TensorKey]:
    """Return the program of optimizer steps, a function of values and gradients. Raises `Refused`."""
    return JaxProgram(made.updates, (made.values, made.gradients))
