"""How far honest computations scatter around the exact one, found by running the reference with noise.

Each run of the reference on `samestep.agreement.arithmetic.noise.Noise` is a replica: one way in which rounding could
have gone. From K of them a tensor gets its sigma, element by element, and what its norm and its scale do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from samestep.agreement.arithmetic.noise import Ledger, Noise
from samestep.agreement.findings import TensorStatistics
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

Values = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Spread:
    """One tensor's scatter.

    ``sigma`` is the standard deviation of each element; ``terms`` the length of the longest sum on the way;
    ``norm_varies`` and ``scale_varies`` are the standard deviations over the replicas of ||E|| / ||sigma||
    and of <E, G> / <G, G>, where E is a replica's error and G the tensor (of a param, what the step changed).
    """

    sigma: np.ndarray
    terms: int
    replicas: int
    norm_varies: float
    scale_varies: float
    precision: str

    @property
    def limit(self) -> float:
        """How many sigma an element may be away."""
        return reference_share(self.precision) * elementwise_limit(self.replicas)

    @property
    def norm_limit(self) -> float:
        """How large ||E|| / ||sigma|| may be; where few errors make the tensor's, it varies by itself."""
        return reference_share(self.precision) * NORM * (1 + DEVIATIONS * self.norm_varies)

    @property
    def scale_limit(self) -> float:
        """How far from 1 the factor may be that takes G to what was computed.

        Code may fold constants (2 / n, 1 / 255) into one, whose single rounding all elements share: so it
        never varies less than by that.
        """
        varies = max(self.scale_varies, rounding_deviation(unit_roundoff(self.precision)))
        return reference_share(self.precision) * DEVIATIONS * varies


def spreads(
    run: Callable[[Ledger], Mapping[str, Noise]], before: Values, precision: str, replicas: int
) -> dict[str, Spread]:
    """The spread of every tensor that ``run`` returns; ``before`` holds those that a step moves."""
    ledger = Ledger(precision)
    exact = run(ledger)
    floating = [name for name, noise in exact.items() if noise.dtype.kind == "f"]
    moved = {name: exact[name].value - before.get(name, 0.0) for name in floating}
    squares = {name: np.zeros(exact[name].shape) for name in floating}
    norms = {name: np.zeros(replicas) for name in floating}
    slopes = {name: np.zeros(replicas) for name in floating}
    with np.errstate(all="ignore"):
        for replica in range(replicas):
            ledger.replay(replica)
            noisy = run(ledger)
            for name in floating:
                error = noisy[name].value - exact[name].value
                squares[name] += np.square(error)
                norms[name][replica] = np.sqrt(np.square(error).sum())
                slopes[name][replica] = _slope(error, moved[name])
        scale = unit_roundoff(precision) / SIMULATED[np.dtype(precision)]
        return {
            name: _spread(
                np.sqrt(squares[name] / replicas) * scale, norms[name] * scale, slopes[name] * scale,
                exact[name].terms, precision,
            )
            for name in floating
        }  # fmt: skip


def _slope(error: np.ndarray, direction: np.ndarray) -> float:
    """<E, G> / <G, G>; 0 where there is no direction."""
    length = float(np.square(direction).sum())
    return float((error * direction).sum()) / length if 0 < length < np.inf else 0.0


def _spread(sigma: np.ndarray, norms: np.ndarray, slopes: np.ndarray, terms: int, precision: str) -> Spread:
    whole = float(np.sqrt(np.square(sigma).sum()))
    rms = whole / max(sigma.size, 1) ** 0.5
    varies = float(np.std(norms / whole)) if whole else 0.0
    floored = np.maximum(sigma, max(FLOOR * rms, smallest_normal(precision)))
    return Spread(
        sigma=floored.astype(np.float32) if precision == "float32" else floored,
        terms=terms,
        replicas=len(norms),
        norm_varies=varies,
        scale_varies=float(np.sqrt(np.square(slopes).mean())),
        precision=precision,
    )


def seen(got: np.ndarray, value: np.ndarray, spread: Spread, before: np.ndarray | None) -> TensorStatistics:
    """The three statistics of one tensor against the exact ``value``; elements that are not finite there are
    left out. ``before`` is the param that the step moved."""
    with np.errstate(all="ignore"):
        judged = np.isfinite(value) & np.isfinite(spread.sigma)
        error = np.where(judged, got.astype(np.float64) - value, 0.0)
        sigma = np.where(judged, spread.sigma.astype(np.float64), 0.0)
        ratio = np.divide(np.abs(error), sigma, out=np.zeros(error.shape), where=sigma > 0)
        whole = float(np.sqrt(np.square(sigma).sum()))
        direction = np.where(judged, value - (0.0 if before is None else before), 0.0)
        alike = np.where(judged & (before is not None), _rounded_once(value, spread.precision), 0.0)
    index = _place(ratio.argmax(), ratio) if ratio.size else ()
    over = ratio > spread.limit
    return TensorStatistics(
        terms=spread.terms,
        size=int(value.size),
        sigma=whole / max(value.size, 1) ** 0.5,
        elements=float(ratio[index]) if ratio.size else 0.0,
        elements_limit=spread.limit,
        norm=float(np.sqrt(np.square(error).sum())) / whole if whole else 0.0,
        norm_limit=spread.norm_limit,
        scale=_slope(error, direction),
        scale_limit=spread.scale_limit + abs(_slope(alike, direction)),
        index=index,
        first=_place(over.argmax(), ratio) if over.any() else None,
    )


def _rounded_once(value: np.ndarray, precision: str) -> np.ndarray:
    """The error of the exact params as the dtype holds them. Params lie on a grid: where all move by the same
    small step, as in Adam's first one, all round alike, and no honest code can help it."""
    return np.asarray(value.astype(precision).astype(np.float64) - value)


def pooled_scale(steps: Sequence[TensorStatistics]) -> tuple[float, float]:
    """The scale of one tensor over several steps, and its limit.

    The mean weighted by 1 / limit^2 (the weights of least variance), whose standard deviation, and so whose
    limit, is 1 / sqrt(sum of 1 / limit^2).
    """
    weights = [1 / seen.scale_limit**2 for seen in steps]
    total = sum(weights)
    return sum(w * seen.scale for w, seen in zip(weights, steps, strict=True)) / total, total**-0.5


def _place(flat: Any, array: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(flat), array.shape))


def as_arrays(found: Mapping[str, Spread]) -> dict[str, Any]:
    """For a file: the sigma of each tensor and its four numbers."""
    return {
        f"{name}|{s.terms}|{s.replicas}|{s.norm_varies!r}|{s.scale_varies!r}|{s.precision}": s.sigma
        for name, s in found.items()
    }


def from_arrays(arrays: Mapping[str, np.ndarray]) -> dict[str, Spread]:
    found = {}
    for key, sigma in arrays.items():
        name, terms, replicas, norm, scale, precision = key.split("|")
        found[name] = Spread(sigma, int(terms), int(replicas), float(norm), float(scale), precision)
    return found
