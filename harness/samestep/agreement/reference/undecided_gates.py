"""Which gates of the reference correct code may decide either way, and what it gives with them turned."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from samestep.agreement.arithmetic.gate_arrays import (
    Gate,
    GateTape,
    TurnedArray,
    TurningArithmetic,
    WatchedNoise,
    WatchedTF32Noise,
)
from samestep.agreement.limits import (
    FEWER_REPLICAS,
    FLOOR,
    GATES,
    SIMULATED,
    elementwise_limit,
    reference_share,
    unit_roundoff,
)
from samestep.agreement.reference.run import Outcome, Point, Reference


def undecided_gates(reference: Reference, task: str, point: Point) -> list[Gate]:
    """Return the gates of one call that are as near to their thresholds as an error may be; nearest first.

    Near is within the limit of an element's error, in the standard deviations that the difference of the two
    sides has over the replicas; `samestep.agreement.limits.GATES` at most.
    """
    tape = GateTape(reference.dtype)
    gaps = _gaps(reference, task, point, tape)
    squares = [np.zeros(gap.shape) for gap in gaps]
    for replica in range(FEWER_REPLICAS):
        tape.replay(replica)
        for square, gap, noisy in zip(squares, gaps, _gaps(reference, task, point, tape), strict=True):
            square += np.square(noisy - gap)
    unit = unit_roundoff(reference.dtype) / SIMULATED[reference.precision]
    limit = reference_share(reference.dtype) * elementwise_limit(FEWER_REPLICAS)
    near: list[tuple[float, Gate]] = []
    for number, (square, gap) in enumerate(zip(squares, gaps, strict=True)):
        sigma = unit * np.sqrt(square / FEWER_REPLICAS)
        sigma = np.maximum(sigma, FLOOR * float(np.sqrt(np.square(sigma).mean()))).ravel()
        away = np.abs(gap.ravel()) / np.where(sigma > 0, sigma, np.inf)
        undecided = np.flatnonzero((away < limit) & (sigma > 0))
        near += [(float(away[at]), Gate(number, int(at))) for at in undecided]
    return [gate for _, gate in sorted(near)[:GATES]]


def _gaps(reference: Reference, task: str, point: Point, tape: GateTape) -> list[np.ndarray]:
    """The differences of the two sides of every comparison of floats, in one run."""
    reference.with_noise(task, point, WatchedTF32Noise if reference.tf32 else WatchedNoise, tape)
    return tape.gaps


def with_gates_turned(
    reference: Reference, task: str, point: Point, gates: Collection[Gate]
) -> Outcome[np.ndarray]:
    """Return what a task gives in float64 where these gates are decided the other way."""
    return reference.on_arrays_like(task, point, TurnedArray((), TurningArithmetic(turned=gates)))
