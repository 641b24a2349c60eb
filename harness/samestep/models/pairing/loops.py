"""Nested loops of constant stride through a flat tensor: what transposes, reshapes and slices are."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations

import numpy as np

Shape = tuple[int, ...]

#: Loops through the elements of a flat source, the outermost first: (count, stride).
Loops = tuple[tuple[int, int], ...]


def nested_loops(index: np.ndarray) -> Loops | None:
    """Return the loops of constant stride that visit elements in this order; None where there are none."""
    found: list[tuple[int, int]] = []
    rest = index.reshape(-1).astype(np.int64)
    while rest.size > 1:
        stride = int(rest[1] - rest[0])
        breaks = np.flatnonzero(np.diff(rest) != stride)
        count = int(breaks[0]) + 1 if breaks.size else rest.size
        if stride == 0 or rest.size % count:
            return None
        rows = rest.reshape(-1, count)
        if not np.array_equal(rows, rows[:, :1] + stride * np.arange(count)):
            return None
        found.insert(0, (count, stride))
        rest = rows[:, 0]
    return tuple(found) or ((1, 1),)


def merged(loops: Iterable[tuple[int, int]]) -> Loops:
    """Return the same loops with as few of them as there can be."""
    found: list[tuple[int, int]] = []
    for count, stride in reversed([loop for loop in loops if loop[0] != 1]):
        if found and stride == found[0][0] * found[0][1]:
            found[0] = (count * found[0][0], found[0][1])
        else:
            found.insert(0, (count, stride))
    return tuple(found) or ((1, 1),)


def strided(flat: np.ndarray, offset: int, loops: Loops) -> np.ndarray:
    """Return a view of a flat array, one axis for each loop. Raises IndexError if it leaves the array."""
    if not all(count for count, _ in loops):
        return np.empty([count for count, _ in loops], flat.dtype)
    low, high = reach(offset, loops)
    if low < 0 or high >= flat.size:
        raise IndexError(f"elements {low} to {high} of a tensor of {flat.size}")
    counts, strides = [count for count, _ in loops], [stride * flat.itemsize for _, stride in loops]
    return np.lib.stride_tricks.as_strided(flat[offset:], counts, strides)


def reach(offset: int, loops: Loops) -> tuple[int, int]:
    """Return the first and the last element that the loops visit."""
    steps = [(count - 1) * stride for count, stride in loops]
    return offset + sum(s for s in steps if s < 0), offset + sum(s for s in steps if s > 0)


def strides_of(shape: Shape) -> tuple[int, ...]:
    """Return how many elements lie between neighbours along each axis of a contiguous tensor."""
    return tuple(int(np.prod(shape[axis + 1 :])) for axis in range(len(shape)))


def axes_of(loops: Loops, source: Shape, strides: tuple[int, ...], shape: Shape) -> tuple[int, ...] | None:
    """Return the permutation of the source's axes that these loops are; None where they are none."""
    if len(source) != len(shape) or len(source) > 6:
        return None
    for axes in permutations(range(len(source))):
        fits = tuple(source[axis] for axis in axes) == shape
        if fits and merged((source[axis], strides[axis]) for axis in axes) == loops:
            return axes
    return None


def only_merges(view: Shape, shape: Shape) -> bool:
    """Return whether one shape is the other with neighbouring axes merged: heads, and no accident."""
    ends = [set(np.cumprod([n for n in s if n != 1] or [1]).tolist()) for s in (view, shape)]
    return ends[0] <= ends[1] or ends[1] <= ends[0]
