"""The model of scatter: how far correct computations are from the exact one.

Each run of the reference on `samestep.agreement.arithmetic.noise.Noise` is a replica: one way in which
rounding could have gone. K replicas give each tensor its sigma, element by element, and how its norm and its
scale vary.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from samestep.agreement.arithmetic.noise import Noise, NoiseTape
from samestep.agreement.limits import (
    DEVIATIONS,
    FLOOR,
    NORM,
    SIMULATED,
    elementwise_limit,
    reference_share,
    rounding_deviation,
    smallest_normal,
    unit_roundoff,
)
from samestep.agreement.reference.scatter import Scatter

#: How a caller names its tensors.
Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Spread:
    """How one tensor scatters over the replicas.

    ``sigma`` is the standard deviation of each element, in the tensor's shape and units; ``terms`` the length
    of the longest sum on the way. ``norm_varies`` and ``scale_varies`` are the standard deviations over the
    replicas of ||E|| / ||sigma|| and of <E, G> / <G, G>, where E is a replica's error and G the tensor (of a
    param, what the step changed); both are ratios. ``precision`` is the candidate's dtype.
    """

    sigma: np.ndarray
    terms: int
    replicas: int
    norm_varies: float
    scale_varies: float
    precision: str

    @property
    def limit(self) -> float:
        """The limit of an element's |error|, in sigma."""
        return reference_share(self.precision) * elementwise_limit(self.replicas)

    @property
    def norm_limit(self) -> float:
        """The limit of ||E|| / ||sigma||, which varies by itself where few errors make the tensor's."""
        return reference_share(self.precision) * NORM * (1 + DEVIATIONS * self.norm_varies)

    @property
    def scale_limit(self) -> float:
        """The limit of |<E, G> / <G, G>|, which is how far the factor from G to what was computed is from 1.

        Code may fold constants (2 / n, 1 / 255) into one, whose single rounding all elements share: so the
        factor never varies less than by that.
        """
        varies = max(self.scale_varies, rounding_deviation(unit_roundoff(self.precision)))
        return reference_share(self.precision) * DEVIATIONS * varies


class SpreadMeter(Generic[Name]):
    """Collects replicas, and gives the spread of each floating tensor.

    ``exact`` holds the exact tensors, ``before`` the params that a step moves, in the shapes of their
    tensors; ``terms`` the longest sum on the way to each (1 where it is not given). ``unit`` is the factor
    from the noise in the replicas to that of ``precision``.
    """

    def __init__(
        self,
        exact: Mapping[Name, np.ndarray],
        before: Mapping[Name, np.ndarray],
        terms: Mapping[Name, int],
        precision: str,
        unit: float = 1.0,
    ) -> None:
        self.terms, self.precision, self.unit = terms, precision, unit
        largest = float(np.finfo(precision).max)
        self.scatters = {
            name: Scatter(value, before.get(name, 0.0), largest)
            for name, value in exact.items()
            if value.dtype.kind == "f"
        }

    def add(self, replica: Mapping[Name, np.ndarray]) -> None:
        """Add one replica, or a part of one: tensors of ``exact``, each in its shape and units.

        Elements that are not finite in the replica or the exact run have no error; those that overflow the
        precision have one of their own, but none in the norm and the scale.
        """
        with np.errstate(all="ignore"):
            for name, value in replica.items():
                if name in self.scatters:
                    self.scatters[name].add(value)

    def spreads(self) -> dict[Name, Spread]:
        """Return the spread of every floating tensor over the replicas so far.

        Raises ValueError where one of them lacked a tensor.
        """
        if len({len(scatter.norms) for scatter in self.scatters.values()}) > 1:
            raise ValueError("a replica lacks a tensor, or has it twice")
        return {name: self._spread(name, scatter) for name, scatter in self.scatters.items()}

    def _spread(self, name: Name, scatter: Scatter) -> Spread:
        norms, scales = np.array(scatter.norms) * self.unit, np.array(scatter.scales) * self.unit
        whole = float(np.sqrt(np.square(norms).mean()))
        rms = whole / max(scatter.count, 1) ** 0.5
        sigma = scatter.squares
        sigma /= len(norms)
        np.multiply(np.sqrt(sigma, out=sigma), self.unit, out=sigma)
        np.maximum(sigma, max(FLOOR * rms, smallest_normal(self.precision)), out=sigma)
        fits = self.precision == "float32" and sigma.max(initial=0.0) <= np.finfo(np.float32).max
        return Spread(
            sigma=sigma.astype(np.float32) if fits else sigma,
            terms=self.terms.get(name, 1),
            replicas=len(norms),
            norm_varies=float(np.std(norms / whole)) if whole else 0.0,
            scale_varies=float(np.sqrt(np.square(scales).mean())),
            precision=self.precision,
        )


def measure_spreads(
    run: Callable[[NoiseTape], Mapping[str, Noise]],
    before: Mapping[str, np.ndarray],
    precision: str,
    replicas: int,
) -> dict[str, Spread]:
    """Return the spread of every floating tensor that ``run`` returns, over N ``replicas``.

    ``before`` holds the values of the params that a step moves, in the shapes of their tensors. The noise is
    that of `samestep.agreement.limits.SIMULATED`, and sigma is scaled to the roundoff of ``precision``.
    """
    tape = NoiseTape(precision)
    exact = run(tape)
    meter = SpreadMeter(
        {name: noise.value for name, noise in exact.items()},
        before,
        {name: noise.terms for name, noise in exact.items()},
        precision,
        unit_roundoff(precision) / SIMULATED[np.dtype(precision)],
    )
    for replica in range(replicas):
        tape.replay(replica)
        meter.add({name: noise.value for name, noise in run(tape).items()})
    return meter.spreads()
