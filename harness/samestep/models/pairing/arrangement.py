"""One tensor as a rearrangement of others: which element of which source stands where.

Most rearrangements (transposes, reshapes, slices) are nested loops of constant stride through one source,
and cost nothing; what is none of these (fused and stacked tensors, gates in another order) keeps an index
for each element. Both are linear and exact, so that they serve values, gradients and replicas alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

import numpy as np

Shape = tuple[int, ...]

#: Loops through the elements of a flat source, the outermost first: (count, stride).
Loops = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Places:
    """Where each element of the named tensors lies in their concatenation, in order."""

    shapes: Mapping[str, Shape]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names, in order."""
        return tuple(self.shapes)

    @cached_property
    def starts(self) -> np.ndarray:
        """The place of the first element of each, and the number of all."""
        sizes = [int(np.prod(shape)) for shape in self.shapes.values()]
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    def of(self, name: str) -> np.ndarray:
        """Return the places of the elements of ``name``, in its shape."""
        start = int(self.starts[self.names.index(name)])
        shape = self.shapes[name]
        return np.arange(start, start + int(np.prod(shape))).reshape(shape)


@dataclass(frozen=True, eq=False)
class Arrangement:
    """A tensor of ``shape`` from ``sources``, of shapes ``source_shapes``; ``how`` says it in words.

    Either ``loops`` through the one source, beginning at ``offset``; or ``index``, the place of each element
    in the concatenation of the flat sources, -1 for an element that is 0. Each is multiplied by ``weight``.
    """

    sources: tuple[str, ...]
    source_shapes: tuple[Shape, ...]
    shape: Shape
    how: str
    loops: Loops | None = None
    offset: int = 0
    index: np.ndarray | None = None
    weight: float | np.ndarray = 1.0

    def apply(self, sources: Sequence[np.ndarray]) -> np.ndarray:
        """Return the tensor that these sources make, in their dtype (their widest)."""
        if self.loops is not None:
            flat = np.ascontiguousarray(sources[0]).reshape(-1)
            tensor = _strided(flat, self.offset, self.loops).reshape(self.shape)
        else:
            assert self.index is not None
            flat = np.concatenate([np.asarray(source).reshape(-1) for source in sources])
            tensor = np.where(self.index < 0, 0, flat[self.index])
        weighted = self.weight_differs
        return np.asarray(tensor * self.weight) if weighted else tensor

    @property
    def weight_differs(self) -> bool:
        """Return whether elements are multiplied at all."""
        return bool(np.any(np.asarray(self.weight) != 1))

    def add_back(self, tensor: np.ndarray, sources: Sequence[np.ndarray]) -> None:
        """Add to the contiguous ``sources`` what the transposed map makes of ``tensor``.

        This is how a gradient goes back: what was copied to two places is summed.
        """
        weighted = np.asarray(tensor) * self.weight if self.weight_differs else np.asarray(tensor)
        self._scatter(weighted, sources, adding=True)

    def put_back(self, tensor: np.ndarray, sources: Sequence[np.ndarray]) -> None:
        """Write into the contiguous ``sources`` the elements of ``tensor`` that came from there."""
        self._scatter(
            np.asarray(tensor) / self.weight if self.weight_differs else tensor, sources, adding=False
        )

    def _scatter(self, tensor: np.ndarray, sources: Sequence[np.ndarray], adding: bool) -> None:
        if self.loops is not None:
            view = _strided(sources[0].reshape(-1), self.offset, self.loops)
            values = np.asarray(tensor).reshape(view.shape)
            view[...] = view + values if adding else values
            return
        assert self.index is not None
        start = 0
        for source in sources:
            mine = (self.index >= start) & (self.index < start + source.size)
            flat, places = source.reshape(-1), self.index[mine] - start
            if adding:
                np.add.at(flat, places, tensor[mine])
            else:
                flat[places] = tensor[mine]
            start += source.size

    @property
    def whole(self) -> bool:
        """Return whether it is a bijection of the elements of its one source."""
        return self.loops is not None and int(np.prod(self.shape)) == int(np.prod(self.source_shapes[0]))

    def same_as(self, other: Arrangement) -> bool:
        """Return whether it takes the same elements to the same places."""
        if self.sources != other.sources or self.shape != other.shape or self.offset != other.offset:
            return False
        if self.index is None or other.index is None:
            return self.loops == other.loops and self.index is other.index
        return np.array_equal(self.index, other.index)


def _strided(flat: np.ndarray, offset: int, loops: Loops) -> np.ndarray:
    """Return a view of a flat array; every element of it lies inside."""
    reach = [(count - 1) * stride for count, stride in loops]
    low = offset + sum(step for step in reach if step < 0)
    high = offset + sum(step for step in reach if step > 0)
    if low < 0 or high >= flat.size:
        raise IndexError(f"elements {low} to {high} of a tensor of {flat.size}")
    return np.lib.stride_tricks.as_strided(
        flat[offset:],
        shape=[count for count, _ in loops],
        strides=[stride * flat.itemsize for _, stride in loops],
    )


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


def from_index(index: np.ndarray, places: Places) -> Arrangement:
    """Return the arrangement of the elements at these places (-1: zeros), with only the sources it needs."""
    used = np.unique(np.searchsorted(places.starts, index[index >= 0], side="right") - 1)
    names = tuple(places.names[i] for i in used)
    shapes = tuple(places.shapes[name] for name in names)
    local, start = np.full(index.shape, -1, np.int64), 0
    for i in used:
        first, last = int(places.starts[i]), int(places.starts[i + 1])
        mine = (index >= first) & (index < last)
        local[mine] = index[mine] - first + start
        start += last - first
    loops = nested_loops(local) if len(used) == 1 and index.size and (index >= 0).all() else None
    offset = int(local.flat[0]) if loops is not None else 0
    kept = None if loops is not None else local.astype(np.int32 if start < 2**31 else np.int64)
    how = describe(names, shapes, index.shape, loops, offset, kept)
    return Arrangement(names, shapes, index.shape, how, loops, offset, kept)


def from_view(name: str, shape: Shape, view: np.ndarray, final: Shape) -> Arrangement:
    """Return the arrangement that ``view`` is: a view of ``np.arange(size).reshape(shape)``, then reshaped.

    Only the strides of the view are read, so that it costs nothing for large tensors.
    """
    loops = _merged([(n, s // view.itemsize) for n, s in zip(view.shape, view.strides, strict=True)])
    how = describe((name,), (shape,), final, loops, 0, None)
    return Arrangement((name,), (shape,), final, how, loops)


def as_it_is(name: str, shape: Shape, final: Shape | None = None) -> Arrangement:
    """Return the arrangement that changes nothing, or only reshapes to ``final``."""
    size = int(np.prod(shape))
    how = "as it is" if final in (None, shape) else "reshaped"
    return Arrangement((name,), (shape,), shape if final is None else final, how, ((size, 1),))


def _merged(loops: list[tuple[int, int]]) -> Loops:
    """Return the same loops with as few of them as there can be."""
    found: list[tuple[int, int]] = []
    for count, stride in reversed([loop for loop in loops if loop[0] != 1]):
        if found and stride == found[0][0] * found[0][1]:
            found[0] = (count * found[0][0], found[0][1])
        else:
            found.insert(0, (count, stride))
    return tuple(found) or ((1, 1),)


def describe(
    names: tuple[str, ...],
    shapes: tuple[Shape, ...],
    shape: Shape,
    loops: Loops | None,
    offset: int,
    index: np.ndarray | None,
) -> str:
    """Return an arrangement in words: "transposed (1, 0)", "rows 0:64 of qkv.weight"."""
    if index is not None:
        padded = " and zeros" if (index < 0).any() else ""
        if len(names) == 1:
            return f"elements of {names[0]} in another order{padded}"
        listed = ", ".join(names) if len(names) <= 4 else f"{names[0]} to {names[-1]} ({len(names)} tensors)"
        return f"made of {listed}{padded}"
    if not names or loops is None:
        return "zeros"
    return _in_one_source(names[0], shapes[0], shape, loops, offset)


def _in_one_source(name: str, source: Shape, shape: Shape, loops: Loops, offset: int) -> str:
    size, row = int(np.prod(shape)), int(np.prod(source[1:]))
    if loops in (((size, 1),), ((1, 1),)) and size == np.prod(source):
        return "as it is" if source == shape else "reshaped"
    part = ""
    if size < np.prod(source):
        last = offset + sum((count - 1) * stride for count, stride in loops)
        if offset % row or size % row or last - offset != size - 1:
            return f"a part of {name}"
        part, source = f"rows {offset // row}:{(offset + size) // row} of {name}", (size // row, *source[1:])
    axes = _axes(source, shape, loops)
    if axes == tuple(range(len(source))):
        return part
    words = f"transposed {axes}" if axes else "" if loops == ((size, 1),) else "transposed and reshaped"
    return ", ".join(filter(None, (part, words or "reshaped" * (source != shape))))


def _axes(source: Shape, shape: Shape, loops: Loops) -> tuple[int, ...] | None:
    """Return the permutation of the source's axes that these loops are; None where they are none."""
    if len(source) != len(shape) or len(source) > 6:
        return None
    strides = [int(np.prod(source[axis + 1 :])) for axis in range(len(source))]
    for axes in permutations(range(len(source))):
        permuted = tuple(source[axis] for axis in axes)
        if permuted == shape and _merged([(source[a], strides[a]) for a in axes]) == loops:
            return axes
    return None
