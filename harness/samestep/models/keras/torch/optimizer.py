"""Steps of a Keras optimizer on PyTorch, for PyTorch's engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from samestep.agreement.arithmetic.program import Program, shortest_decimal
from samestep.models.tensors import TensorKey
from samestep.models.torch.programs import Computation, UpdatesProgram, program_of


class Steps(Computation, Protocol):
    """`samestep.models.keras.optimizer.KerasSteps`."""

    @property
    def given(self) -> Mapping[TensorKey, np.ndarray]: ...
    def fix_rate(self, change: Callable[[float], float | None]) -> None: ...


def steps_program(made: Callable[[], Steps]) -> Program[TensorKey]:
    """Return the program of optimizer steps, which ``made`` makes before every run. Raises `Refused`."""

    def decimal_rate() -> Steps:
        steps = made()
        steps.fix_rate(shortest_decimal)  # Keras holds it in a variable: float32's 0.001
        return steps

    return UpdatesProgram(program_of(decimal_rate), made().given)
