"""One side of a comparison, whatever framework it is written in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from samestep.agreement.arithmetic.program import Contract, Program, Refused
from samestep.errors import SamestepError
from samestep.models.question import Question, Steps
from samestep.models.tensors import TensorKey, Tensors
from samestep.models.twice import Twice


class ModelError(SamestepError):
    """A side cannot be run, or not compared: one line that names the side, the value and the next step."""

    __module__ = "samestep"  # where users have it from


def first_line(error: BaseException) -> str:
    """Return the first line of an exception's message that is not blank, to be part of a message."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "without a message")


@dataclass(frozen=True)
class Layer:
    """A named part of a model: its ``name``, and the ``kind`` of thing that it is (``LayerNorm``).

    ``settings`` are the numbers and words that it was made with, where they can be read (eps, momentum).
    """

    name: str
    kind: str
    settings: Mapping[str, object]


def lies_in(name: str, layer: str) -> bool:
    """Return whether a parameter, state or layer of that name lies in ``layer``, by its path."""
    return name.startswith((f"{layer}.", f"{layer}/"))


def innermost(layers: Iterable[str], name: str) -> str | None:
    """Return the innermost of the layers that ``name`` lies in; None where it lies in none."""
    return max((layer for layer in layers if lies_in(name, layer)), key=len, default=None)


class Subject(Protocol):
    """A model with its parameters and state, as one framework runs it.

    ``framework`` is torch, jax, keras, tensorflow or numpy. Nothing that is done here changes the user's own
    object: models are copied, or their state is put back. Names are the framework's own, joined by "." in
    PyTorch and Keras and by "/" in JAX.
    """

    @property
    def framework(self) -> str:
        """The framework's name, as above."""
        ...

    def describe(self) -> str:
        """Return what it is in a few words: "torch.nn.Module Net, eval mode"."""
        ...

    def parameters(self) -> Mapping[str, np.ndarray]:
        """Return the trainable parameters, by name, as NumPy arrays; a tied one once, by its first name."""
        ...

    def frozen(self) -> frozenset[str]:
        """Return the names of those parameters that are said to have no gradient."""
        ...

    def state(self) -> Mapping[str, np.ndarray]:
        """Return what is not trained but changes or counts: buffers, running statistics, carries."""
        ...

    def layers(self) -> Sequence[Layer]:
        """Return the layers in the order of their calls, after the first run; empty where none is named."""
        ...

    def with_values(self, parameters: Mapping[str, np.ndarray], state: Mapping[str, np.ndarray]) -> Subject:
        """Return this model with other values of some of its parameters and state.

        Raises `ModelError` for a name that it does not have, or another shape.
        """
        ...

    def cast(self, dtype: str) -> Subject:
        """Return this model with its floating parameters and state rounded to ``dtype``, to run in it.

        ``dtype`` is one of `samestep.models.dtypes.ROUNDING`. Raises `ModelError` where the framework has no
        such dtype, or the model cannot be cast.
        """
        ...

    def run(self, question: Question) -> Tensors:
        """Return the tensors of one run as the model really runs: its own dtypes, device, compiled or not.

        Raises `ModelError` for what the model itself raises, with the exception as its cause.
        """
        ...

    def run_twice(self, question: Question) -> Twice:
        """Return two such runs, of which the second goes on from what the first one left outside the state.

        Raises `ModelError` for what the first one raises.
        """
        ...

    def program(self, question: Question, contract: Contract | None = None) -> Program[TensorKey]:
        """Return the same run for the engine; its keys are `TensorKey`s, the same ones as `run` gives.

        Replicas round as the ``contract`` says; None is float32, where exact runs are all that is foreseen: a
        first replica may then cost another run. Raises `samestep.agreement.arithmetic.program.Refused` where
        the framework has no engine, with the reason.
        """
        ...

    def run_steps(self, optimizer: object, steps: Steps) -> Tensors:
        """Return the updates of an optimiser of this framework, as it really runs. Raises `ModelError`."""
        ...

    def steps_program(self, optimizer: object, steps: Steps) -> Program[TensorKey]:
        """Return the same steps for the engine. Raises `Refused`."""
        ...

    def optimizer_settings(self, optimizer: object) -> Layer | None:
        """Return what an optimiser of this framework is: its kind ("adamw") and settings by name (lr, eps).

        None where that cannot be told; a diagnosis then says less.
        """
        ...


class WithoutOptimizers:
    """A `Subject` of a framework without optimisers, as far as those go; ``NO_OPTIMIZERS`` is the message."""

    NO_OPTIMIZERS: ClassVar[str]

    def run_steps(self, optimizer: object, steps: Steps) -> Tensors:
        """Raise `ModelError`: there are no optimizers."""
        raise ModelError(self.NO_OPTIMIZERS)

    def steps_program(self, optimizer: object, steps: Steps) -> Program[TensorKey]:
        """Raise `Refused`: there are no optimizers."""
        raise Refused(self.NO_OPTIMIZERS)

    def optimizer_settings(self, optimizer: object) -> Layer | None:
        """Return none: there are no optimizers."""
        return None
