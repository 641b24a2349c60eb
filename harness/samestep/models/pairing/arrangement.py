"""One tensor as a rearrangement of others: which element of which source stands where.

Most rearrangements (transposes, reshapes, slices) are nested loops of constant stride through one source,
and cost nothing; what is none of these (fused and stacked tensors, gates in another order) keeps an index
for each element. Both are linear and exact, so that they serve values, gradients and replicas alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from samestep.models.pairing.arrangement_words import words_for_index, words_for_loops
from samestep.models.pairing.loops import Loops, Shape, merged, nested_loops, strided


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
    """A tensor of ``shape`` from ``sources``, of shapes ``source_shapes``; ``how`` says it in ``words``.

    Either ``loops`` through the one source, beginning at ``offset``; or ``index``, the place of each element
    in the concatenation of the flat sources, -1 for an element that is 0. Each is multiplied by ``weight``.
    """

    sources: tuple[str, ...]
    source_shapes: tuple[Shape, ...]
    shape: Shape
    loops: Loops | None = None
    offset: int = 0
    index: np.ndarray | None = None
    weight: float | np.ndarray = 1.0
    words: str | None = None

    @cached_property
    def how(self) -> str:
        """The arrangement in words: "transposed (1, 0)", "rows 0:64 of qkv.weight"."""
        if self.words is not None:
            return self.words
        if self.loops is None:
            assert self.index is not None
            return words_for_index(self.sources, bool((self.index < 0).any()))
        return words_for_loops(self.sources[0], self.source_shapes[0], self.shape, self.loops, self.offset)

    @property
    def form(self) -> tuple[object, ...]:
        """The sources, and the loops through them: two arrangements of one form are the same one."""
        return self.sources, self.source_shapes, self.shape, self.loops, self.offset

    def apply(self, sources: Sequence[np.ndarray]) -> np.ndarray:
        """Return the tensor that these sources make, in their dtype (their widest)."""
        if self.loops is not None:
            flat = np.ascontiguousarray(sources[0]).reshape(-1)
            tensor = strided(flat, self.offset, self.loops).reshape(self.shape)
        else:
            assert self.index is not None
            flat = np.concatenate([np.asarray(source).reshape(-1) for source in sources])
            tensor = np.where(self.index < 0, 0, flat[self.index])
        weighted = self.weight_differs
        return np.asarray(tensor * self.weight) if weighted else tensor

    def take(self, sources: Sequence[np.ndarray], places: np.ndarray) -> np.ndarray:
        """Return some elements of the tensor, by their places in it when it is flat, without making it."""
        if self.loops is None:
            return np.asarray(self.apply(sources).reshape(-1)[places])
        counters = np.unravel_index(places, [count for count, _ in self.loops])
        steps = zip(counters, self.loops, strict=True)
        index = self.offset + sum(counter * stride for counter, (_, stride) in steps)
        return np.asarray(sources[0].reshape(-1)[index] * self.weight)

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
            view = strided(sources[0].reshape(-1), self.offset, self.loops)
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
    return Arrangement(names, shapes, index.shape, loops, offset, kept)


def from_view(name: str, shape: Shape, view: np.ndarray, final: Shape) -> Arrangement:
    """Return the arrangement that ``view`` is: a view of ``np.arange(size).reshape(shape)``, then reshaped.

    Only the strides of the view are read, so that it costs nothing for large tensors.
    """
    strides = (stride // view.itemsize for stride in view.strides)
    return Arrangement((name,), (shape,), final, merged(zip(view.shape, strides, strict=True)))


def as_it_is(name: str, shape: Shape, final: Shape | None = None) -> Arrangement:
    """Return the arrangement that changes nothing, or only reshapes to ``final``."""
    return Arrangement(
        (name,), (shape,), shape if final is None else final, merged([(int(np.prod(shape)), 1)])
    )
