"""A linear map A from the reference's named tensors to the candidate's.

Values and updates go through A. A gradient goes the other way: with c = A r, the chain rule gives
g_r = A' g_c. Where A is a permutation that is the same as g_c = A g_r; where the candidate holds an element
twice (tied weights as two arrays), scales it, or adds two of the reference's, it is not. So gradients are
compared as A g_r against A A' g_c, which is g_c itself for a permutation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from samestep.models.pairing.arrangement import Arrangement, as_it_is
from samestep.models.pairing.loops import Shape

Values = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Counterpart:
    """What the reference has for one of the candidate's tensors: the sum of ``terms``, and ``how`` in words.

    ``bijective``: every element is one of the reference's, and no other tensor of the candidate holds it too.
    """

    terms: tuple[Arrangement, ...]
    how: str
    bijective: bool = True

    @property
    def sources(self) -> tuple[str, ...]:
        """The reference's names, each once."""
        return tuple(dict.fromkeys(name for term in self.terms for name in term.sources))

    @property
    def is_computed(self) -> bool:
        """Whether its elements are multiples or sums, which whoever computes them rounds."""
        return len(self.terms) > 1 or any(term.weight_differs for term in self.terms)

    def apply(self, reference: Values) -> np.ndarray:
        """Return the tensor that the reference's make."""
        first, *others = (term.apply([reference[name] for name in term.sources]) for term in self.terms)
        return np.asarray(sum(others, first))

    def apply_bounds(self, bounds: Values) -> np.ndarray:
        """Return how far the tensor can be off where the reference's are off by ``bounds``: |A| b."""
        first, *others = (np.abs(term.apply([bounds[name] for name in term.sources])) for term in self.terms)
        return np.asarray(sum(others, first))


@dataclass(frozen=True)
class LinearMap:
    """A, by ``links`` under the candidate's names; ``shapes`` are those of the reference's tensors.

    ``unmapped``: the candidate's names without a counterpart, with the reason. ``reference_only``: the
    reference's names that nothing is made of. ``differing``: the candidate's names whose own values are not
    quite those that the links make, with how many differ.
    """

    links: Mapping[str, Counterpart]
    shapes: Mapping[str, Shape]
    unmapped: Mapping[str, str] = field(default_factory=dict)
    reference_only: tuple[str, ...] = ()
    differing: Mapping[str, str] = field(default_factory=dict)

    def apply(self, reference: Values) -> dict[str, np.ndarray]:
        """Return A r under the candidate's names, in its shapes; what lacks a source is left out."""
        return {
            name: link.apply(reference)
            for name, link in self.links.items()
            if all(source in reference for source in link.sources)
        }

    def apply_bounds(self, bounds: Values) -> dict[str, np.ndarray]:
        """Return |A| b under the candidate's names; what lacks a source is left out."""
        return {
            name: link.apply_bounds(bounds)
            for name, link in self.links.items()
            if all(source in bounds for source in link.sources)
        }

    def comparable(self, candidate: Values) -> dict[str, np.ndarray]:
        """Return A A' g: the candidate's gradients, in the form in which `apply` gives the reference's.

        It is g itself but for tensors that share elements. Those of which a part is missing are left out.
        """
        shared = {name: link for name, link in self.links.items() if not link.bijective}
        sums = self.transposed(shared, candidate)
        there = {name for name, link in shared.items() if all(source in sums for source in link.sources)}
        return {
            name: link.apply(sums) if name in there else np.asarray(candidate[name])
            for name, link in self.links.items()
            if name in there or (link.bijective and name in candidate)
        }

    def transposed(self, links: Mapping[str, Counterpart], candidate: Values) -> dict[str, np.ndarray]:
        """Return A' g for these links and each source whose every holder is in ``candidate``."""
        missing = {s for name, link in links.items() if name not in candidate for s in link.sources}
        sources = {source for link in links.values() for source in link.sources}
        sums = {source: np.zeros(self.shapes[source]) for source in sources}
        for name, link in links.items():
            for term in link.terms if name in candidate else ():
                term.add_back(candidate[name], [sums[source] for source in term.sources])
        return {source: value for source, value in sums.items() if source not in missing}

    def to_reference(self, candidate: Values) -> dict[str, np.ndarray]:
        """Return the reference's tensors whose every element the candidate's say, in float64.

        Of two copies the first is believed. A sum says nothing about its terms.
        """
        single = {name: link.terms[0] for name, link in self.links.items() if len(link.terms) == 1}
        sources = {source for term in single.values() for source in term.sources}
        values = {source: np.zeros(self.shapes[source]) for source in sources}
        known = {source: np.zeros(self.shapes[source], bool) for source in sources}
        for name, term in reversed([*single.items()]):
            if name in candidate:
                term.put_back(np.asarray(candidate[name], np.float64), [values[s] for s in term.sources])
                replace(term, weight=1.0).put_back(
                    np.ones(term.shape, bool), [known[s] for s in term.sources]
                )
        return {name: values[name] for name in self.shapes if name in sources and known[name].all()}

    def gradients_to_reference(self, candidate: Values) -> dict[str, np.ndarray]:
        """Return the reference's gradients that the candidate's determine: those of copies added up."""
        copies = {n: link for n, link in self.links.items() if len(link.terms) == 1 and not link.bijective}
        found = self.to_reference(candidate)
        return found | {n: g for n, g in self.transposed(copies, candidate).items() if n in found}

    @property
    def for_gradients(self) -> LinearMap:
        """The map by which gradients are compared: this one, but for layers that hold the same values."""
        return self

    @property
    def plain(self) -> frozenset[str]:
        """The candidate's names whose elements are the reference's own, not sums of them."""
        return frozenset(name for name, link in self.links.items() if len(link.terms) == 1)

    @property
    def first_copies(self) -> frozenset[str]:
        """The candidate's names that `to_reference` believes in full: no sums, and no further copies."""
        claimed: set[str] = set()
        first = []
        for name, link in self.links.items():
            if len(link.terms) == 1 and (link.bijective or not claimed & set(link.sources)):
                first.append(name)
                claimed.update(link.sources)
        return frozenset(first)


def with_counterparts(terms: Mapping[str, tuple[Arrangement, ...]], shapes: Mapping[str, Shape]) -> dict[
    str, Counterpart
]:  # fmt: skip
    """Return the counterparts that these terms make, each with whether it is a bijection."""
    users: dict[str, list[str]] = {}
    for name, parts in terms.items():
        for source in {source for part in parts for source in part.sources}:
            users.setdefault(source, []).append(name)
    others = {name: parts for name, parts in terms.items() if not _alone(parts, users)}
    counts = {source: np.zeros(shapes[source], np.float32) for source in users}
    for parts in others.values():
        for part in parts:
            part.add_back(np.ones(part.shape, np.float32), [counts[source] for source in part.sources])
    return {
        name: Counterpart(
            parts, " + ".join(part.how for part in parts), name not in others or _used_once(parts, counts)
        )
        for name, parts in terms.items()
    }


def _alone(parts: tuple[Arrangement, ...], users: Mapping[str, list[str]]) -> bool:
    """Return whether it is one whole tensor of the reference, which nothing else is made of."""
    first, *others = parts
    whole = not others and first.whole and not first.weight_differs
    return whole and len(users[first.sources[0]]) == 1


def _used_once(parts: tuple[Arrangement, ...], counts: Values) -> bool:
    """Return whether each element is one of the reference's that is used once."""
    first, *others = parts
    if others or first.weight_differs or (first.index is not None and bool((first.index < 0).any())):
        return False
    return bool((first.apply([counts[source] for source in first.sources]) == 1).all())


def identity(values: Values) -> LinearMap:
    """Return the map between tensors of the same names and shapes."""
    shapes = {name: np.shape(value) for name, value in values.items()}
    return LinearMap(
        {name: Counterpart((as_it_is(name, shapes[name]),), "as it is") for name in shapes}, shapes
    )
