"""The value that stands in a layer's place although it is another one: with it, all that follows is right.

The model with layers runs again and goes on, after the layer, from a value of the code that names none. If
both then give the same outputs, the mistake lies in what leads to that value, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, zip_longest

import numpy as np

from samestep.models.judging import Comparison
from samestep.models.nearness import is_near
from samestep.models.on_the_way import ValueOnTheWay
from samestep.models.pairing.layer_search import ways
from samestep.models.recorded.recorded_subject import RecordedSubject
from samestep.models.tensors import Role, TensorKey, Tensors

#: Runs at most: a layer has few values of its size after it that are not its own continuation.
RUNS = 24


def find_in_place(
    comparison: Comparison, layer: str, shape: tuple[int, ...], values: Sequence[ValueOnTheWay]
) -> ValueOnTheWay | None:
    """Return the value that the outputs follow from in the place of ``layer``; None where none is found.

    ``layer`` is of the side that has layers, and of this ``shape``. Raises `ModelError`.
    """
    if isinstance(comparison.sides.reference, RecordedSubject) and not _names_layers(comparison):
        return None  # a record does not go on from any value
    for value, arranged in islice(_arranged(values, shape), RUNS):
        if _outputs_follow(comparison, layer, arranged):
            return value
    return None


def _arranged(
    values: Sequence[ValueOnTheWay], shape: tuple[int, ...]
) -> Iterator[tuple[ValueOnTheWay, np.ndarray]]:
    """Every value that can be read as an array of ``shape``: all in one way, then in another; each once."""
    seen = set()
    readings = [(value, ways("value", value.array, shape)) for value in values]
    for turn in zip_longest(*(found for _, found in readings)):
        for (value, _), way in zip(readings, turn, strict=True):
            arranged = None if way is None else way.arrangement.apply([value.array])
            if arranged is not None and arranged.tobytes() not in seen:
                seen.add(arranged.tobytes())
                yield value, arranged


def _outputs_follow(comparison: Comparison, layer: str, value: np.ndarray) -> bool:
    """Whether both sides give the same outputs, to half of the digits, if one goes on from ``value``."""
    sides, asked, links = comparison.sides, comparison.asked, comparison.links
    mine, theirs = comparison.run.exact or comparison.run.tensors, comparison.programs.own
    forced = {TensorKey(Role.LAYER, layer): value}
    if _names_layers(comparison):
        mine = sides.candidate.run(replace(asked.candidate, forced=forced, backward=False))
    else:
        theirs = sides.reference.run(replace(asked.reference, forced=forced, backward=False))
    got, expected = links.comparable(_outputs(mine)), links.apply(_outputs(theirs))
    both = got.keys() & expected.keys()
    return bool(both) and all(is_near(got[key], expected[key]) for key in both)


def _names_layers(comparison: Comparison) -> bool:
    mine = comparison.run.exact or comparison.run.tensors
    return any(key.role is Role.LAYER for key in mine)


def _outputs(tensors: Tensors) -> Tensors:
    return {key: x for key, x in tensors.items() if key.role is Role.OUTPUT}
