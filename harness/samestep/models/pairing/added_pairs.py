"""Two parameters of the reference that the candidate holds as one: PyTorch's two biases of a recurrent layer.

A sum of float32 numbers rounds. So that it is no difference between the functions, both sides are compared at
values next to their own for which it does not: the terms become multiples of one power of two. A term has one
binary digit less than its dtype, since a sum of two has one more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np

from samestep.models.dtypes import AS_GIVEN, DIGITS, rounded
from samestep.models.pairing.arrangement import Arrangement
from samestep.models.pairing.linear_map import LinearMap

Values = Mapping[str, np.ndarray]
Pairs = dict[str, tuple[str, str]]


def added_pairs(reference: Values, candidate: Values) -> Pairs:
    """Return pairs of vectors in one module whose rounded sum the candidate holds, by a name for the sum."""
    vectors = {name: np.asarray(value, np.float32) for name, value in reference.items() if _is_vector(value)}
    single = np.concatenate([np.ravel(value) for value in vectors.values()] or [np.zeros(0, np.float32)])
    wanted = [np.asarray(value, np.float32) for value in candidate.values() if _is_vector(value)]
    strange = [value[~np.isin(value, single)] for value in wanted]
    strange = [value for value in strange if value.size]
    return {
        f"{a} + {b}": (a, b)
        for a, b in _neighbours(vectors)
        if any(np.isin(value, vectors[a] + vectors[b]).all() for value in strange)
    }


def with_sums(values: Values, pairs: Pairs) -> dict[str, np.ndarray]:
    """Return the values and the sums of pairs."""
    return {**values, **{name: np.asarray(values[a]) + values[b] for name, (a, b) in pairs.items()}}


def with_sum_gradients(gradients: Values, pairs: Pairs) -> dict[str, np.ndarray]:
    """Return the gradients and those of the sums: a term has its sum's gradient."""
    return {**gradients, **{name: gradients[a] for name, (a, _) in pairs.items() if a in gradients}}


def terms_of(way: Arrangement, pairs: Pairs) -> tuple[Arrangement, ...]:
    """Return an arrangement of the reference's own parameters and of sums as terms without sums."""
    if not any(source in pairs for source in way.sources):
        return (way,)
    first = replace(way, sources=tuple(pairs[s][0] if s in pairs else s for s in way.sources))
    second = tuple(pairs[s][1] if s in pairs else s for s in way.sources)
    if way.index is None:
        return first, replace(way, sources=second)
    sizes = [int(np.prod(shape)) for shape in way.source_shapes]
    summed = np.repeat([source in pairs for source in way.sources], sizes)
    index = np.where((way.index >= 0) & summed[way.index], way.index, -1)
    return first, replace(way, sources=second, index=index)


def exact_terms(links: LinearMap, reference: Values, dtype: str = AS_GIVEN) -> dict[str, np.ndarray]:
    """Return the reference's parameters that sums are made of, at values whose sums ``dtype`` holds.

    Each moves by 2^-23 of the largest at most (2^-7 in bfloat16). Empty where all sums are exact already.
    """
    sums = [link for link in links.links.values() if len(link.terms) > 1]
    sums = [link for link in sums if not any(term.weight_differs for term in link.terms)]
    rounded = [link for link in sums if _rounds(link.apply(_double(reference, link.sources)), dtype)]
    units = {source: 0.0 for link in rounded for source in link.sources}
    for _ in units:  # sources that meet in a sum have one unit; as many rounds as sources spread it
        for link in (link for link in sums if not units.keys().isdisjoint(link.sources)):
            unit = max(_unit(reference[source], dtype) for source in link.sources)
            shared = max([unit, *(units.get(source, 0.0) for source in link.sources)])
            units.update(dict.fromkeys(link.sources, shared))
    return {
        source: (np.rint(reference[source].astype(np.float64) / unit) * unit).astype(reference[source].dtype)
        for source, unit in units.items()
    }


def _rounds(total: np.ndarray, dtype: str) -> bool:
    return bool((rounded(total.astype(np.float32), dtype) != total).any())


def _double(values: Values, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    return {name: np.asarray(values[name], np.float64) for name in names}


def _unit(value: np.ndarray, dtype: str) -> float:
    """The unit of which ``value`` is at most 2^23 in float32, and 2^7 in bfloat16."""
    largest = float(np.abs(value.astype(np.float64)).max(initial=0.0))
    return float(np.ldexp(1.0, int(np.frexp(largest)[1]) - (DIGITS[dtype] - 1)))


def _is_vector(value: np.ndarray) -> bool:
    dtype = np.asarray(value).dtype
    return np.ndim(value) == 1 and dtype.kind in "fV" and dtype.itemsize <= 4


def _neighbours(vectors: Values) -> Iterator[tuple[str, str]]:
    """Pairs of one shape in one module."""
    modules: dict[tuple[str, int], list[str]] = {}
    for name, value in vectors.items():
        modules.setdefault((name.replace("/", ".").rpartition(".")[0], value.size), []).append(name)
    for names in modules.values():
        yield from combinations(names, 2)
