"""The model of scatter: how far correct computations are from the exact one.

Each run of the reference on `samestep.agreement.arithmetic.noise.Noise` is a replica: one way in which
rounding could have gone. K replicas give each tensor its sigma, element by element, and how its norm and its
scale vary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

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
    floating = [name for name, noise in exact.items() if noise.dtype.kind == "f"]
    directions = {name: exact[name].value - before.get(name, 0.0) for name in floating}
    squares = {name: np.zeros(exact[name].shape) for name in floating}
    norms = {name: np.zeros(replicas) for name in floating}
    scales = {name: np.zeros(replicas) for name in floating}
    with np.errstate(all="ignore"):
        for replica in range(replicas):
            tape.replay(replica)
            noisy = run(tape)
            for name in floating:
                error = noisy[name].value - exact[name].value
                squares[name] += np.square(error)
                norms[name][replica] = np.sqrt(np.square(error).sum())
                scales[name][replica] = projection(error, directions[name])
        unit = unit_roundoff(precision) / SIMULATED[np.dtype(precision)]
        return {
            name: _spread(
                np.sqrt(squares[name] / replicas) * unit, norms[name] * unit, scales[name] * unit,
                exact[name].terms, precision,
            )
            for name in floating
        }  # fmt: skip


def projection(error: np.ndarray, direction: np.ndarray) -> float:
    """Return <E, G> / <G, G> of two arrays of one shape, a ratio; 0 where G is 0 or not finite."""
    length = float(np.square(direction).sum())
    return float((error * direction).sum()) / length if 0 < length < np.inf else 0.0


def _spread(sigma: np.ndarray, norms: np.ndarray, scales: np.ndarray, terms: int, precision: str) -> Spread:
    whole = float(np.sqrt(np.square(sigma).sum()))
    rms = whole / max(sigma.size, 1) ** 0.5
    varies = float(np.std(norms / whole)) if whole else 0.0
    floored = np.maximum(sigma, max(FLOOR * rms, smallest_normal(precision)))
    return Spread(
        sigma=floored.astype(np.float32) if precision == "float32" else floored,
        terms=terms,
        replicas=len(norms),
        norm_varies=varies,
        scale_varies=float(np.sqrt(np.square(scales).mean())),
        precision=precision,
    )
