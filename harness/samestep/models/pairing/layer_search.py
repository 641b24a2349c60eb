"""Find the candidate's layers among the reference's by their values, with axes moved, merged or split.

A few hundred elements tell most layers apart; only the nearest by those are compared in full. A partner
agrees in at least half of the digits: rounding is far below that, and another layer far above.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from samestep.agreement.limits import unit_roundoff
from samestep.models.pairing.arrangement import Arrangement, Places, from_index, from_view
from samestep.models.pairing.gradient_evidence import HALF_ROUNDOFF
from samestep.models.pairing.linear_map import Values
from samestep.models.pairing.loops import Shape, only_merges
from samestep.models.pairing.value_table import shape_views

#: Elements by which layers are compared first, and how many of the nearest are then compared in full.
SAMPLE, NEAREST = 128, 4


@dataclass(frozen=True)
class NearMiss:
    """A layer without a partner: ``name``, and the reference's layer that comes nearest to it.

    ``distance`` is relative to the reference's norm, infinite where nothing has its size; ``how`` says under
    which axes, or flipped along which. ``partner`` is the reference's layer in its place, if one is known.
    """

    name: str
    nearest: str | None
    distance: float
    how: str
    partner: str | None = None

    def __str__(self) -> str:
        if self.nearest is None:
            return f"{self.name} has no partner: no layer of the reference has its size"
        return (
            f"{self.name} has no partner: the nearest is {self.nearest}, {self.how}, {self.distance:.1e} away"
        )


@dataclass(frozen=True, eq=False)
class Way:
    """One of the reference's layers under one arrangement, with its sampled elements."""

    name: str
    arrangement: Arrangement
    sampled: np.ndarray


class Readings:
    """All ways to read the reference's layers as tensors of one shape."""

    def __init__(self, reference: Values, shape: Shape) -> None:
        self.ways = [way for name, value in reference.items() for way in ways(name, value, shape)]
        self.samples = np.array([way.sampled for way in self.ways])
        self.sizes = np.square(self.samples).sum(axis=-1)

    def like(self, value: np.ndarray) -> list[Way]:
        """Return the ways whose sampled elements are nearest to those of ``value``."""
        if not self.ways or not value.size:
            return []
        sampled = value.reshape(-1)[_places(value.size)].astype(np.float64)
        # |a - b|^2 as a matrix product; what is lost to cancellation is far below the nearness of a partner.
        apart = np.abs(self.sizes + np.square(sampled).sum() - 2 * (self.samples @ sampled))
        apart = apart / np.maximum(self.sizes, np.finfo(float).tiny)
        apart[~np.isfinite(apart)] = np.inf
        last = min(NEAREST, len(self.ways)) - 1
        limit = np.partition(apart, last)[last] + SAMPLE * np.finfo(float).eps  # equal ones all come along
        return [self.ways[i] for i in np.flatnonzero(apart <= limit)]


class LayerSearch:
    """The distances between the layers of both sides; what is compared is computed once."""

    def __init__(
        self, candidate: Values, reference: Values, candidate_gradients: Values, reference_gradients: Values
    ) -> None:
        self.candidate, self.reference = candidate, reference
        self.gradients = (candidate_gradients, reference_gradients)
        self.order = {name: position for position, name in enumerate(reference)}
        self.norms = {name: _norm(value) for name, value in reference.items()}
        self.unclear: set[str] = set()
        self._readings: dict[Shape, Readings] = {}

    def partners(self) -> dict[str, Arrangement]:
        """Return each layer's partner by value; of equal ones the next in the order of the calls.

        What is ``unclear`` then: whose gradient it has, where several on either side have the same values.
        """
        found: dict[str, Way] = {}
        alike: dict[str, list[Way]] = {}
        for name in self.candidate:
            near = [(d, way) for d, way in self.nearest(name) if self._is_near(name, d)]
            if near:
                # Another one within the same distance cannot be told from the nearest.
                alike[name] = [way for distance, way in near if distance <= 2 * near[0][0]]
                found[name] = self._next(alike[name], {way.name for way in found.values()})
        users = Counter(way.name for way in found.values())
        for name, ways in alike.items():
            if len(ways) > 1 or users[found[name].name] > 1:
                same = [way for way in (found[name], *ways) if self._has_gradient(name, way)]
                found[name] = same[0] if same else found[name]
                one = users[found[name].name] == 1 and self._one_gradient(ways)
                self.unclear |= set() if same or one else {name}
        return {name: way.arrangement for name, way in found.items()}

    def _next(self, ways: list[Way], taken: set[str]) -> Way:
        """Return the first that is free after the last that is taken; else the first that is free."""
        last = max((self.order[name] for name in taken), default=-1)
        return min(
            ways, key=lambda way: (way.name in taken, self.order[way.name] < last, self.order[way.name])
        )

    def _one_gradient(self, ways: list[Way]) -> bool:
        """Return whether all of these layers have one gradient, as a block and its last part have."""
        known = [self.gradients[1][way.name] for way in ways if way.name in self.gradients[1]]
        if len(known) < len(ways) or len({way.arrangement.loops for way in ways}) > 1:
            return False
        return all(np.array_equal(known[0], gradient) for gradient in known)

    def _has_gradient(self, name: str, way: Way) -> bool:
        got, expected = self.gradients[0].get(name), self.gradients[1].get(way.name)
        if got is None or expected is None:
            return False
        return self._is_near(name, _distance(got, way.arrangement, expected, _norm(expected)))

    def _is_near(self, name: str, distance: float) -> bool:
        wide = np.asarray(self.candidate[name]).dtype.itemsize >= 4
        return distance**2 <= (unit_roundoff(np.float32) if wide else HALF_ROUNDOFF)

    def nearest(self, name: str) -> list[tuple[float, Way]]:
        """Return the nearest ways to read a layer of the reference as this one, the nearest first."""
        value = np.asarray(self.candidate[name])
        if value.shape not in self._readings:
            self._readings[value.shape] = Readings(self.reference, value.shape)
        measured = [
            (_distance(value, way.arrangement, self.reference[way.name], self.norms[way.name]), way)
            for way in self._readings[value.shape].like(value)
        ]
        return sorted(measured, key=lambda pair: (pair[0], self.order[pair[1].name]))

    def near_miss(self, name: str, partner: Arrangement | None) -> NearMiss:
        """Return what comes nearest to a layer without a partner, flips along one axis included."""
        there = partner.sources[0] if partner is not None else None
        value = np.asarray(self.candidate[name])
        nearest = self.nearest(name)
        for axis in range(value.ndim):
            flipped = LayerSearch({name: np.flip(value, axis)}, self.reference, {}, {})
            flipped._readings = self._readings
            nearest += [(d, _flipped(way, axis)) for d, way in flipped.nearest(name)]
        if not nearest:
            return NearMiss(name, None, float("inf"), "", there)
        distance, way = min(nearest, key=lambda pair: pair[0])
        return NearMiss(name, way.name, distance, way.arrangement.how, there)


def _flipped(way: Way, axis: int) -> Way:
    places = Places({way.name: way.arrangement.source_shapes[0]})
    index = np.flip(way.arrangement.apply([places.of(way.name)]), axis)
    how = f"{way.arrangement.how}, flipped along axis {axis}"
    return Way(way.name, replace(from_index(index, places), words=how), way.sampled)


def ways(name: str, value: np.ndarray, shape: Shape) -> Iterator[Way]:
    """Yield the readings of one layer of the reference as one of ``shape``."""
    if value.size != np.prod(shape):
        return
    seen = set()
    for view in shape_views(value.shape, shape, reshapes=True):
        arrangement = from_view(name, value.shape, view, shape)
        if only_merges(view.shape, shape) and arrangement.loops not in seen:
            seen.add(arrangement.loops)
            yield Way(name, arrangement, arrangement.take([value], _places(value.size)).astype(np.float64))


@cache
def _places(size: int) -> np.ndarray:
    """Return the places of some elements of a flat tensor, always the same ones."""
    if size <= SAMPLE:
        return np.arange(size)
    return np.random.default_rng(size).integers(0, size, SAMPLE)


def _norm(value: np.ndarray) -> float:
    return float(np.linalg.norm(np.asarray(value, np.float64).reshape(-1)))


def _distance(value: np.ndarray, arrangement: Arrangement, source: np.ndarray, norm: float) -> float:
    """Return how far ``value`` is from the arranged source, relative to its norm."""
    apart = _norm(np.asarray(value, np.float64) - arrangement.apply([np.asarray(source, np.float64)]))
    return 0.0 if apart == 0 else apart / norm if norm > 0 and np.isfinite(apart) else float("inf")
