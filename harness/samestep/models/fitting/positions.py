"""Mistakes of order: axes swapped, rows in another order, shifted, reversed, cut into other pieces."""

from __future__ import annotations

from itertools import permutations
from math import lgamma, log

import numpy as np

from samestep.models.fitting.difference import Difference, Models, fixed

#: Elements, and rows, above which the order of rows is not searched for.
MOST_ELEMENTS, MOST_ROWS = 10**6, 512


def transposed(d: Difference) -> Models:
    """The tensor with its axes in another order, brought back to its shape."""
    shape = d.expected.shape
    if not 2 <= len(shape) <= 4:
        return
    for order in list(permutations(range(len(shape))))[1:]:
        other = d.expected.transpose(order)
        if len(set(shape)) > 1 and sum(n > 1 for n in shape) < 2:
            continue
        words = f"{d.what} is transposed" if len(shape) == 2 else f"the axes of {d.what} are permuted {order}"
        cut = "" if other.shape == shape else ", then cut into its shape"
        yield fixed(other.reshape(shape), words + cut)
        if cut:
            back = d.expected.reshape(other.shape).transpose(np.argsort(order))
            yield fixed(back, f"{d.what} is cut into the shape {other.shape}, then its axes are permuted")


def flattened(d: Difference) -> Models:
    """Features flattened in another order: height, width, channels for channels, height, width."""
    for given in d.inputs[:1]:
        if given.size == d.expected.size and given.ndim > d.expected.ndim:
            for order in permutations(range(1, given.ndim)):
                words = f"the input is flattened in the order of its axes (0, {', '.join(map(str, order))})"
                yield fixed(given.transpose((0, *order)).reshape(d.expected.shape), words)


def reversed_axis(d: Difference) -> Models:
    """The tensor reversed along one axis."""
    for axis in range(d.expected.ndim):
        if d.expected.shape[axis] > 2:
            yield fixed(np.flip(d.expected, axis), f"{d.what} is reversed along axis {axis}")


def shifted(d: Difference) -> Models:
    """The tensor shifted by one along one axis; what comes in at the edge may be anything."""
    for axis in range(d.expected.ndim):
        if d.expected.shape[axis] < 4:
            continue
        for shift in (1, -1):
            other = np.roll(d.expected, shift, axis)
            edge = (*[slice(None)] * axis, 0 if shift == 1 else -1)
            other[edge] = d.got[edge]
            yield fixed(other, f"{d.what} is shifted by {shift:+d} along axis {axis}")


def reordered(d: Difference) -> Models:
    """Rows, columns or channels in another order."""
    for axis in range(d.expected.ndim):
        length = d.expected.shape[axis]
        if length < 2 or length > MOST_ROWS or d.expected.size > MOST_ELEMENTS:
            continue
        order = _matching_order(np.moveaxis(d.got, axis, 0), np.moveaxis(d.expected, axis, 0))
        if order is not None:
            words = f"the entries along axis {axis} of {d.what} are in another order"
            yield fixed(d.expected.take(order, axis), words, 1 + lgamma(length + 1) / log(10))


def _matching_order(got: np.ndarray, expected: np.ndarray) -> np.ndarray | None:
    """For each row of ``got`` the row of ``expected`` that it is nearest to, if that is a reordering."""
    a, b = got.reshape(len(got), -1), expected.reshape(len(expected), -1)
    distance = np.square(a).sum(1)[:, None] + np.square(b).sum(1)[None, :] - 2 * a @ b.T
    order = distance.argmin(axis=1)
    is_reordering = len(set(order.tolist())) == len(order) and (order != np.arange(len(order))).any()
    return order if is_reordering else None
