"""What a model without named layers can show instead: the values that it computes on the way."""

from __future__ import annotations

from collections import Counter
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


def by_place(values: Sequence[ValueOnTheWay]) -> dict[str, ValueOnTheWay]:
    """Return values by their places in the code, with a number where a place has more than one."""
    named: dict[str, ValueOnTheWay] = {}
    times: Counter[str] = Counter()
    for value in values:
        times[value.place] += 1
        again = f", value {times[value.place]}" if times[value.place] > 1 else ""
        named[f"{value.place}{again}"] = value
    return named
