"""An arrangement in words, for a person: "transposed (1, 0)", "rows 0:64 of qkv.weight"."""

from __future__ import annotations

import numpy as np

from samestep.models.pairing.loops import Loops, Shape, axes_of, reach, strides_of


def words_for_index(names: tuple[str, ...], padded: bool) -> str:
    """Return what elements are that follow no loops."""
    zeros = " and zeros" if padded else ""
    if len(names) <= 1:
        return f"elements of {names[0]} in another order{zeros}" if names else "zeros"
    listed = ", ".join(names) if len(names) <= 4 else f"{names[0]} to {names[-1]} ({len(names)} tensors)"
    return f"made of {listed}{zeros}"


def words_for_loops(name: str, source: Shape, shape: Shape, loops: Loops, offset: int) -> str:
    """Return what loops through one source are: all of it or a part, in which order of axes."""
    size, strides = int(np.prod(shape)), strides_of(source)
    part, taken = _part(name, source, size, loops, offset)
    if part and not taken:
        return part
    axes = axes_of(loops, taken, strides, shape)
    if axes == tuple(range(len(taken))):
        return part or "as it is"
    if axes is not None:
        order = f"transposed {axes}"
    else:
        order = "reshaped" if loops in (((size, 1),), ((1, 1),)) else "transposed and reshaped"
    return f"{part}, {order}" if part else order


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
