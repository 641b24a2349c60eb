"""The values of all of the reference's parameters, so that an element or a whole tensor can be looked up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import permutations

import numpy as np

from samestep.agreement.blocks import blocks
from samestep.models.pairing.arrangement import Arrangement, Places, from_view
from samestep.models.pairing.loops import Shape

#: Tensors of more axes than this are not tried under every permutation: their elements are looked up.
MOST_AXES = 5


#: How many different numbers there are between 1 and 2, in float32 (random generators use as many) and in the
#: coarser of the types of 16 bits, with the sign.
FLOAT_VALUES, HALF_VALUES = 2**24, 2**8


class ValueTable:
    """The reference's parameters as a candidate of ``dtype`` would hold them: rounded to it, -0 as 0.

    ``distinct`` is how many numbers a generator of that dtype draws from, at least.
    """

    def __init__(self, reference: Mapping[str, np.ndarray], dtype: np.dtype) -> None:
        self.arrays = {name: as_held(value, dtype) for name, value in reference.items()}
        self.distinct = FLOAT_VALUES if dtype.itemsize >= 4 else HALF_VALUES
        self.places = Places({name: value.shape for name, value in self.arrays.items()})

    @cached_property
    def flat(self) -> np.ndarray:
        """All elements, one after another."""
        return np.concatenate([value.reshape(-1) for value in self.arrays.values()] or [np.zeros(0)])

    @cached_property
    def order(self) -> np.ndarray:
        """The places of the elements, sorted by value."""
        return np.asarray(np.argsort(self.flat))

    @cached_property
    def _ordered(self) -> np.ndarray:
        return np.asarray(self.flat[self.order])

    @cached_property
    def _by_signature(self) -> dict[tuple[int, int], list[str]]:
        found: dict[tuple[int, int], list[str]] = {}
        for name, value in self.arrays.items():
            found.setdefault((value.size, signature(value)), []).append(name)
        return found

    def holders(self, value: np.ndarray) -> list[str]:
        """Return the tensors that have the same elements, in whatever order."""
        return self._by_signature.get((value.size, signature(value)), [])

    def look_up(self, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return for each element of ``value`` one place that holds it, and how many do (2: or more)."""
        wanted, last = value.reshape(-1), self.order.size - 1
        queries = np.argsort(wanted)  # in order, each search begins where the memory is warm
        first = np.empty(wanted.size, np.int64)
        first[queries] = np.searchsorted(self._ordered, wanted[queries])
        here, after = np.minimum(first, last), np.minimum(first + 1, last)
        count = (self._ordered[here] == wanted).astype(np.int64)
        count += (count > 0) & (after > here) & (self._ordered[after] == wanted)
        return self.order[here].reshape(value.shape), count.reshape(value.shape)


def as_held(value: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return values rounded to ``dtype``, in float32, or in float64 where that is it; -0 is 0."""
    wide = np.float64 if dtype.itemsize > 4 else np.float32
    held = np.array(np.asarray(value).astype(dtype, copy=False), wide, order="C")
    np.add(held, 0, out=held)  # -0 becomes 0
    return held


def signature(value: np.ndarray) -> int:
    """Return a number that hangs on which elements a tensor has, and not on their order."""
    bits = np.ascontiguousarray(value).view(np.uint32 if value.itemsize == 4 else np.uint64).reshape(-1)
    either, total = 0, 0
    for block in blocks(bits.shape):
        mixed = bits[block].astype(np.uint64)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # splitmix64
            mixed ^= mixed >> np.uint64(shift)
            mixed *= np.uint64(factor)
        either ^= int(np.bitwise_xor.reduce(mixed))
        total += int(mixed.sum(dtype=np.uint64))
    return either ^ total % 2**64


def is_constant(value: np.ndarray) -> bool:
    """Return whether all elements are the same, as in zeros and ones: no element says where it comes from."""
    return value.size > 0 and bool((value == value.flat[0]).all())


def views(name: str, source: np.ndarray, target: np.ndarray) -> list[Arrangement]:
    """Return the different transposes, with a reshape before or after, by which ``source`` is ``target``."""
    found: dict[object, Arrangement] = {}
    constant = is_constant(target)
    for view in shape_views(source.shape, target.shape, reshapes=not constant):
        arrangement = from_view(name, source.shape, view, target.shape)
        if arrangement.loops in found:
            continue
        if constant or _equal(arrangement, source, target):
            found[arrangement.loops] = arrangement
    return [*found.values()]


def _equal(arrangement: Arrangement, source: np.ndarray, target: np.ndarray) -> bool:
    made = arrangement.apply([source])
    middle = made.size // 2
    few = slice(middle, middle + 64)
    return np.array_equal(made.flat[few], target.flat[few]) and np.array_equal(made, target)


def shape_views(source: Shape, target: Shape, reshapes: bool) -> Iterator[np.ndarray]:
    """Yield views of an array of shape ``source`` whose elements, in order, fill ``target``.

    Without ``reshapes`` only those whose shape is the target's, axes of length 1 aside.
    """
    blank, squeezed = np.empty(source, np.int8), tuple(n for n in target if n != 1)
    if len(source) <= MOST_AXES:
        for axes in permutations(range(len(source))):
            view = blank.transpose(axes)
            if reshapes or tuple(n for n in view.shape if n != 1) == squeezed:
                yield view
    if len(target) <= MOST_AXES and reshapes:
        for axes in permutations(range(len(target))):
            before = [0] * len(target)
            for to, axis in enumerate(axes):
                before[axis] = target[to]
            yield blank.reshape(before).transpose(axes)
