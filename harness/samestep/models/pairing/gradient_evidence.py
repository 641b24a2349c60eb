"""Whether gradients tell two tensors apart that hold the same values.

A counterpart's gradient is the same but for rounding: it agrees in at least half of the digits. And no other
one's is nearly as near: of random points in n dimensions, the nearest is at a share t of the distance of the
second nearest with probability t^n (the two nearest of a Poisson process), which must be below the false
alarms that the scheme allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from samestep.agreement.limits import FALSE_ALARMS, unit_roundoff
from samestep.models.pairing.arrangement import Arrangement

Values = Mapping[str, np.ndarray]

#: The unit roundoff of bfloat16, the coarser of the types of 16 bits.
HALF_ROUNDOFF = 2.0**-8


class GradientEvidence:
    """Distances between the candidate's gradients and the reference's, relative to the larger one."""

    def __init__(self, reference: Values, candidate: Values) -> None:
        self.reference, self.candidate = reference, candidate
        self._distances: dict[tuple[str, Arrangement], float] = {}

    def distance(self, name: str, option: Arrangement) -> float:
        """Return how far the gradient of ``name`` is from the option's; infinite where one is missing."""
        if (name, option) not in self._distances:
            self._distances[name, option] = self._measured(name, option)
        return self._distances[name, option]

    def _measured(self, name: str, option: Arrangement) -> float:
        if name not in self.candidate or any(source not in self.reference for source in option.sources):
            return float("inf")
        got = np.asarray(self.candidate[name], np.float64)
        expected = option.apply([np.asarray(self.reference[source], np.float64) for source in option.sources])
        size = max(float(np.linalg.norm(got)), float(np.linalg.norm(expected)))
        apart = float(np.linalg.norm(got - expected))
        return apart / size if size > 0 and np.isfinite(apart) else float("inf")

    def near(self, name: str, option: Arrangement) -> bool:
        """Return whether the gradients agree in half of the digits that the candidate's dtype has."""
        got = self.candidate.get(name)
        wide = got is not None and np.asarray(got).dtype.itemsize >= 4
        roundoff = unit_roundoff(np.float32) if wide else HALF_ROUNDOFF
        return self.distance(name, option) ** 2 <= roundoff

    def clearly(self, name: str, options: Sequence[Arrangement]) -> Arrangement | None:
        """Return the one option whose gradient is near, with no other that could be meant."""
        ordered = sorted(options, key=lambda option: self.distance(name, option))
        if not ordered or not self.near(name, ordered[0]):
            return None
        if len(ordered) > 1:
            first, second = (self.distance(name, option) for option in ordered[:2])
            chance = (first / second) ** np.size(self.candidate[name]) if second > 0 else 1.0
            if self.near(name, ordered[1]) or chance > FALSE_ALARMS:
                return None
        return ordered[0]
