"""What a model without named layers can show instead: the values that it computes on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from samestep.models.question import Question
from samestep.models.subject import Layer, Subject


@dataclass(frozen=True)
class ValueOnTheWay:
    """One value: its ``number`` in the order of the operations, the ``place`` in the code, and the array."""

    number: int
    place: str
    array: np.ndarray


@runtime_checkable
class Followed(Protocol):
    """A subject whose code is followed operation by operation."""

    def values_on_the_way(self, question: Question) -> Sequence[ValueOnTheWay]:
        """Return every floating value of one run in the order of the operations. Raises `ModelError`."""
        ...

    def with_layers(self, layers: Mapping[int, Layer]) -> Subject:
        """Return this model with the values of these numbers as the outputs of ``layers``."""
        ...
