"""A NumPy function as something to be timed: NumPy has no gradients, so its forward pass alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from samestep.models.nested import Nested, leaves
from samestep.models.numpy import NumpySubject
from samestep.models.timed_model import Recipe


@dataclass(frozen=True)
class TimedFunction:
    """``call(params, *inputs)``, or with a state ``call(params, state, *inputs)``."""

    subject: NumpySubject
    recipe: Recipe

    def asarray(self, array: np.ndarray) -> np.ndarray:
        return array

    def adopt(self, params: Mapping[str, np.ndarray]) -> Nested:
        return self.subject.values

    def export(self, state: Nested) -> Mapping[str, np.ndarray]:
        return leaves(state)

    def forward(self, state: Nested, *inputs: np.ndarray) -> Nested:
        first = [one for one in (state, self.subject.held) if one is not None]
        keywords = self.recipe.question.keywords
        positions = len(inputs) - len(keywords)
        returned = self.subject.call(
            *first, *inputs[:positions], **dict(zip(keywords, inputs[positions:], strict=True))
        )
        found = leaves(returned if self.subject.held is None else returned[0])
        return found[""] if list(found) == [""] else found


def timed(subject: NumpySubject, recipe: Recipe) -> TimedFunction:
    """Return a NumPy function as something to be timed."""
    return TimedFunction(subject, recipe)
