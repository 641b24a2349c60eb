"""A tensor that is wrong, and what is known of where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from samestep.agreement.reference.expectation import Expectation
from samestep.agreement.reference.run import Point, Reference
from samestep.spec import Case


class Guess(NamedTuple):
    """A mistake that could have been made: its kind, its words and its result.

    ``tensor`` is what the mistake would give, in the shape and the units of the tensor that is wrong.
    """

    kind: str
    text: str
    tensor: np.ndarray


@dataclass(frozen=True)
class Mismatch:
    """A wrong tensor: what the candidate ``got`` and what was ``expected``.

    Both are arrays of one shape and the same units. ``first`` holds what the candidate gave at step 0, by
    tensor.
    """

    reference: Reference
    case: Case
    expectation: Expectation
    tensor: str
    got: np.ndarray
    expected: np.ndarray
    first: Mapping[str, np.ndarray]

    @property
    def point(self) -> Point:
        """The inputs of the call, cut to the steps that it made."""
        losses = self.expectation.exact.all.get("losses")
        steps = 1 if losses is None else len(losses)
        return self.reference.first_steps(self.expectation.task, self.expectation.point, steps)

    @property
    def axes(self) -> Mapping[str, str]:
        """The letters of every array's axes."""
        return self.reference.spec.axes(self.case)

    @property
    def before(self) -> np.ndarray | None:
        """The param that the step moved, in float64; None for a tensor that is no param."""
        params = self.expectation.point.params
        if self.tensor not in self.expectation.exact.state or self.tensor not in params:
            return None
        return np.asarray(params[self.tensor], np.float64)

    def reference_at(self, point: Point) -> np.ndarray | None:
        """Return the reference's tensor at another point; None where it takes no such batch."""
        try:
            tensor = self.reference.exact(self.expectation.task, point).all[self.tensor]
        except (ValueError, IndexError):
            return None
        return tensor if tensor.shape == self.got.shape else None
