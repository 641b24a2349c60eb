"""Inputs whose axes are of one length fit several layouts: nothing raises where a port takes them in another.

With as many channels as rows and columns, an array (batch, channels, rows, columns) passes for (batch, rows,
columns, channels). So after a difference the candidate is asked on the inputs in other orders of these axes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations

import numpy as np

from samestep.models.judging import Comparison
from samestep.models.nearness import is_near
from samestep.models.question import Question
from samestep.models.subject import ModelError
from samestep.models.tensors import Role, TensorKey

#: Arrays of more axes than this are not tried under every order.
MOST_AXES = 4

Order = tuple[int, ...]


def other_axis_order(comparison: Comparison) -> str | None:
    """Return the order of the inputs' axes in which the candidate agrees; None where there is none."""
    question = comparison.asked.candidate
    for order in _orders(question):
        asked = replace(question, loss=None, targets=None, backward=False)
        try:
            tensors = comparison.sides.candidate.run(asked.with_inputs(_turned(question, order)))
        except ModelError:  # what is left of the shapes does not fit: it is no other layout
            continue
        for key, expected in comparison.expected.exact.items():
            got = tensors.get(TensorKey(Role.OUTPUT, key.name))
            if key.role is not Role.OUTPUT or got is None or expected.dtype.kind != "f":
                continue
            if any(is_near(way, expected) for way in _ways(got, order)):
                return (
                    f"the outputs are the reference's if the axes of the inputs are permuted by {order}: "
                    "they are of one length, so that no shape tells the layouts apart"
                )
    return None


def _orders(question: Question) -> Iterator[Order]:
    """Orders of the axes after the first that keep the shape of an input, the plain one aside."""
    shapes = {x.shape for x in question.inputs if x.dtype.kind == "f" and 2 < x.ndim <= MOST_AXES}
    for shape in shapes if len(shapes) == 1 else ():
        for rest in [*permutations(range(1, len(shape)))][1:]:
            order = (0, *rest)
            if tuple(shape[axis] for axis in order) == shape:
                yield order


def _turned(question: Question, order: Order) -> list[np.ndarray]:
    turns = len(order)
    return [
        np.ascontiguousarray(x.transpose(order)) if x.dtype.kind == "f" and x.ndim == turns else x
        for x in question.inputs
    ]


def _ways(got: np.ndarray, order: Order) -> Iterator[np.ndarray]:
    """An output as it is, and with its axes put back."""
    yield got
    if got.ndim == len(order):
        yield got.transpose(np.argsort(order))
