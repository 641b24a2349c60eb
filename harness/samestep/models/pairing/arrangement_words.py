"""An arrangement in words, for a person: "transposed (1, 0)", "rows 0:64 of qkv.weight"."""

from __future__ import annotations

import numpy as np

from samestep.models.pairing.loops import Loops, Shape, axes_of, merged, reach, strides_of


def words_for_index(names: tuple[str, ...], padded: bool) -> str:
    """Return what elements are that follow no loops."""
    zeros = " and zeros" if padded else ""
    if len(names) <= 1:
        return f"elements of {names[0]} in another order{zeros}" if names else "zeros"
    listed = ", ".join(names) if len(names) <= 4 else f"{names[0]} to {names[-1]} ({len(names)} tensors)"
    return f"made of {listed}{zeros}"


def words_for_loops(name: str, source: Shape, shape: Shape, loops: Loops, offset: int) -> str:
    """Return what loops through one source are: all of it or a part, in which order of axes, and flips."""
    size = int(np.prod(shape))
    part, taken = _part(name, source, size, loops, offset)
    words = [part] if part else []
    if taken:
        forward = merged((count, abs(stride)) for count, stride in loops)
        axes = axes_of(forward, taken, strides_of(source), shape)
        if axes is None:
            words.append("reshaped" if forward == merged([(size, 1)]) else "transposed and reshaped")
        elif axes != tuple(range(len(taken))):
            words.append(f"transposed {axes}")
    if any(stride < 0 for _, stride in loops):
        words.append(f"flipped along {_flipped(loops, shape) or 'an axis'}")
    return ", ".join(words) or "as it is"


def _flipped(loops: Loops, shape: Shape) -> tuple[int, ...]:
    """Return the axes of ``shape`` that the loops walk backwards, () where loops and axes do not fit."""
    left, found = list(loops), list[int]()
    for axis in reversed(range(len(shape))):
        if shape[axis] == 1:
            continue
        count, stride = left.pop()
        if count % shape[axis]:
            return ()
        if stride < 0:
            found.insert(0, axis)
        if count > shape[axis]:
            left.append((count // shape[axis], stride))
    return tuple(found)


def _part(name: str, source: Shape, size: int, loops: Loops, offset: int) -> tuple[str, Shape]:
    """Return which part of a source it is ("" for all of it), and its shape; () where it is no block."""
    if size == np.prod(source):
        return "", source
    low, high = reach(offset, loops)
    row = int(np.prod(source[1:]))
    if low % row == 0 and size % row == 0 and high - low == size - 1:
        return f"rows {low // row}:{(low + size) // row} of {name}", (size // row, *source[1:])
    columns = size // source[0]
    if len(source) == 2 and low < row and high - low == (source[0] - 1) * row + columns - 1:
        return f"columns {low}:{low + columns} of {name}", (source[0], columns)
    return f"a part of {name}", ()
