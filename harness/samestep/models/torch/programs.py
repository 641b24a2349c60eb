"""What the engine is given to run: each time a computation of its own, made anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
import torch

from samestep.agreement.arithmetic.program import Contract, Finding, Level, Literal, Nudge, Program
from samestep.agreement.arithmetic.torch.program import TorchProgram
from samestep.models.tensors import TensorKey
from samestep.models.torch.optimizer_steps import Arrays, updates


class Computation(Protocol):
    """What can be run once."""

    def run(self) -> dict[TensorKey, torch.Tensor]:
        """Return its tensors."""
        ...

    def held(self) -> Iterable[torch.Tensor]:
        """Return the tensors that the other side has as well, bit for bit."""
        ...


def program_of(
    made: Callable[[], Computation], contract: Contract | None = Contract.FLOAT32, seed: int = 0
) -> TorchProgram:
    """Return the program of a computation, which ``made`` makes before every run; it does not outlive it."""
    current: list[Computation] = []

    def reset() -> None:
        current[:] = [made()]

    def run() -> dict[TensorKey, torch.Tensor]:
        try:
            return current[0].run()
        finally:
            current.clear()

    return TorchProgram(run, reset, contract, held=lambda: current[0].held(), seed=seed)


class UpdatesProgram:
    """New minus given values of an optimizer's steps, subtracted outside of the arithmetic that is followed.

    ``after`` computes the parameters after each step, ``given`` holds those before it, by the same keys."""

    def __init__(self, after: Program[TensorKey], given: Arrays) -> None:
        self._after, self._given = after, given

    def exact(self, nudge: Nudge | None = None) -> Mapping[TensorKey, np.ndarray]:
        """Return the updates in float64, without rounding. Raises `Refused`."""
        return updates(self._after.exact(nudge), self._given)

    def replica(self, seed: int, level: Level = Level.OWN) -> Mapping[TensorKey, np.ndarray]:
        """Return the updates in float64, each operation with its random rounding error. Raises `Refused`."""
        return updates(self._after.replica(seed, level), self._given)

    @property
    def literals(self) -> Sequence[Literal]:
        """The literals of the steps, hyperparameters among them."""
        return self._after.literals

    @property
    def constants(self) -> Mapping[str, np.ndarray]:
        """The captured constant arrays of the steps."""
        return self._after.constants

    @property
    def findings(self) -> Sequence[Finding]:
        """What was seen in the runs so far."""
        return self._after.findings

    @property
    def terms(self) -> Mapping[TensorKey, int]:
        """The length of the longest sum on the way to each update."""
        return self._after.terms

    @property
    def uniform(self) -> bool:
        """Whether all rounding is float32's."""
        return self._after.uniform

    @property
    def signature(self) -> str:
        """The signature of the steps; the given values are among its arrays."""
        return self._after.signature
