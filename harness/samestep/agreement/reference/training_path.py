"""Where the reference's own training leads, and the spreads of its tasks there.

A candidate's params differ from these by rounding only, so the spreads that are measured here serve every
candidate of the case. The path is computed in the candidate's precision for that: where a gradient is 0 but
for rounding (a bias that the softmax takes away), what an optimiser remembers of it is rounding too, and
Adam's next step depends on its size.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np

from samestep.agreement.reference.run import Point, Reference
from samestep.agreement.reference.spread import Spread
from samestep.agreement.reference.spread_cache import SpreadCache, digest


class TrainingPath:
    """The reference's own training from ``start``, in the candidate's dtype.

    ``source`` names the reference's code; spreads are kept in ``cache`` under a name that it is part of.
    """

    def __init__(self, reference: Reference, start: Point, source: str, cache: SpreadCache) -> None:
        self.reference = reference
        self.start = start
        self.source = source
        self.cache = cache
        self.points: dict[str, list[Point]] = {}

    def point(self, along: str, steps: int) -> Point:
        """Return where N steps of the task ``along`` lead."""
        points = self.points.setdefault(along, [self.start])
        while len(points) <= steps:
            state = self._after_step(along, points[-1])
            points.append(self.start.with_params({name: self._as_held(a) for name, a in state.items()}))
        return points[steps]

    def _after_step(self, along: str, point: Point) -> Mapping[str, np.ndarray]:
        inputs = self.reference.first_steps(along, point)
        if self.reference.dtype == "float32":
            return self.reference.with_arithmetic(along, inputs, "float32").state
        return self.reference.exact(along, inputs).state

    def spreads(self, task: str, along: str, steps: int, replicas: int) -> dict[str, Spread]:
        """Return the spreads of one call of ``task`` after N steps of the task ``along``."""
        return self.cache.get(
            self._key(task, along if steps else "", steps, replicas, 1),
            lambda: self._measured(task, self.point(along, steps), replicas, 1),
        )

    def spreads_of_many(self, task: str, count: int, replicas: int) -> dict[str, Spread]:
        """Return the spreads of one call that makes ``count`` steps of ``task``, from the start."""
        return self.cache.get(
            self._key(task, "", count, replicas, count),
            lambda: self._measured(task, self.start, replicas, count),
        )

    def _measured(self, task: str, point: Point, replicas: int, count: int) -> dict[str, Spread]:
        return self.reference.spreads(task, self.reference.first_steps(task, point, count), replicas)

    def _key(self, task: str, along: str, steps: int, replicas: int, count: int) -> str:
        return digest(self.identity, task, along, str(steps), str(replicas), str(count))

    @cached_property
    def identity(self) -> str:
        """A digest of everything that a spread follows from, but the place."""
        arrays = {**self.start.params, **self.start.arrays}
        return digest(
            Path(__file__).read_bytes(), self.source, self.reference.dtype, str(self.reference.tf32),
            str(self.start.numbers),
            *(part for name, array in sorted(arrays.items()) for part in (name, np.asarray(array))),
        )  # fmt: skip

    def _as_held(self, array: np.ndarray) -> np.ndarray:
        """As a candidate holds it."""
        return array.astype(self.reference.precision) if array.dtype.kind == "f" else array
