"""What constant parameters may be, beside whole constants of the reference: parts, unions and stacks of them.

A bias goes where its kernel goes: if rows of a fused kernel are those of q, k and v, so are its bias's.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from samestep.models.pairing.arrangement import Arrangement, Places, from_index
from samestep.models.pairing.parameter_names import families, path, vector_names

Values = Mapping[str, np.ndarray]


def beside_kernel(
    name: str, value: np.ndarray, reference: Values, decided: Mapping[str, Arrangement]
) -> list[Arrangement]:
    """Return what ``value`` is if it lies along one or more axes of a known parameter of its module."""
    found: list[Arrangement] = []
    for other, kernel in decided.items():
        if path(other)[:-1] != path(name)[:-1] or len(kernel.shape) <= value.ndim:
            continue
        for vectors in _vectors_of(kernel, reference):
            index = _along(kernel, value.shape, Places({v: reference[v].shape for v in vectors}))
            if index is not None:
                made = from_index(index, Places({v: reference[v].shape for v in vectors}))
                if np.array_equal(made.apply([reference[v] for v in made.sources]), value):
                    found.append(made)
    return found


def _vectors_of(kernel: Arrangement, reference: Values) -> list[list[str]]:
    """Return the names of a vector beside each of the kernel's sources, those that are called so first."""
    choices = []
    for source in kernel.sources:
        called = [vector for vector in vector_names(source) if vector in reference]
        beside = [vector for vector in reference if path(vector)[:-1] == path(source)[:-1]]
        choices.append([vector for vector in called or beside if np.ndim(reference[vector]) == 1])
    fewest = min(map(len, choices), default=0)
    return [[names[i] for names in choices] for i in range(fewest) if len({*map(len, choices)}) == 1]


def _along(kernel: Arrangement, shape: tuple[int, ...], places: Places) -> np.ndarray | None:
    """Return the places of the vectors' elements that lie along the axes of the kernel of this ``shape``."""
    for source_axis in range(min(map(len, kernel.source_shapes))):
        lengths = [source[source_axis] for source in kernel.source_shapes]
        if lengths != [places.shapes[name][0] for name in places.names]:
            continue
        at = kernel.apply([
            _coordinates(source, source_axis, int(start))
            for source, start in zip(kernel.source_shapes, places.starts, strict=False)
        ])  # fmt: skip
        for axes in combinations(range(at.ndim), len(shape)):
            if tuple(at.shape[axis] for axis in axes) == shape:
                others = tuple(axis for axis in range(at.ndim) if axis not in axes)
                if np.array_equal(at.max(axis=others), at.min(axis=others)):
                    return np.asarray(at.max(axis=others))
    return None


def _coordinates(shape: tuple[int, ...], axis: int, start: int) -> np.ndarray:
    """Return an array of ``shape`` that counts along ``axis``, from ``start``."""
    along = np.arange(start, start + shape[axis]).reshape([-1 if a == axis else 1 for a in range(len(shape))])
    return np.broadcast_to(along, shape)


def stacks(value: np.ndarray, reference: Values) -> list[Arrangement]:
    """Return the stacks of the reference's numbered layers that ``value`` may be."""
    found = []
    fits = [name for name in reference if np.shape(reference[name]) == value.shape[1:]] if value.ndim else []
    for family in families(fits):
        if len(family) == value.shape[0] and np.array_equal([reference[name] for name in family], value):
            places = Places(dict.fromkeys(family, value.shape[1:]))
            found.append(from_index(np.arange(value.size).reshape(value.shape), places))
    return found
