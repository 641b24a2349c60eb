"""A model as something to be timed: its forward pass, and its training step as its framework makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from samestep.models.question import Question

#: The learning rate of a training step where no optimiser is given: weights hardly move, however many steps
#: are timed, so that none of them overflows.
RATE = 2.0**-20


@dataclass(frozen=True)
class Recipe:
    """How a model is called: the ``question`` has the names of its inputs, the loss and the targets, and the
    cotangent where there is no loss; ``optimizer`` is its framework's, None for SGD at `RATE`."""

    question: Question
    optimizer: object = None


class TimedModel(Protocol):
    """A model behind the functions that an implementation of a workload has; arrays are the framework's own.

    ``train_step`` returns (state, loss), where the loss is the sum of outputs times the fixed cotangents if
    none was given; a framework without gradients lacks it.
    """

    def asarray(self, array: np.ndarray) -> Any:
        """Return an input as the model takes it."""
        ...

    def adopt(self, params: Mapping[str, Any]) -> Any:
        """Return the state at the start, the model's own weights; ``params`` is empty."""
        ...

    def export(self, state: Any) -> Mapping[str, Any]:
        """Return the weights of a state by name."""
        ...

    def forward(self, state: Any, *inputs: Any) -> Any:
        """Return the one output, or all outputs by name."""
        ...
