"""From samples to numbers. No clock and no process here: arrays in, numbers out.

The process is the unit of inference: samples of one invocation are averaged before invocations are
compared, and an interval says how far another set of processes could have moved the number. It is a
hierarchical bootstrap: invocations are drawn with replacement, and within each its rounds
(Kalibera and Jones, Rigorous benchmarking in reasonable time, ISMM 2013).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Enough draws that a 95 % interval's ends move by less than a fiftieth of its width.
DRAWS = 2000


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval, and how far single samples scatter around it (MAD / median)."""

    value: float
    low: float
    high: float
    spread: float
    samples: int


def location(by_invocation: Sequence[Sequence[float]]) -> Estimate:
    """Mean over invocations of the median in each, of samples grouped by invocation."""
    groups = [np.asarray(group, dtype=float) for group in by_invocation if len(group)]
    if not groups:
        raise ValueError("no samples")
    low, high = np.quantile(_resampled(groups), [0.025, 0.975])
    everything = np.concatenate(groups)
    middle = float(np.median(everything))
    spread = float(np.median(np.abs(everything - middle))) / abs(middle) if middle else 0.0
    return Estimate(_center(groups), float(low), float(high), spread, everything.size)


def ratio(subject: Mapping[tuple[Any, int], float], baseline: Mapping[tuple[Any, int], float]) -> Estimate:
    """How many times as long the subject takes as the baseline: 2 is twice as long.

    Both map (invocation, round) to seconds of one call. Only samples of the same round are compared,
    since they met the same weather: log ratio of each pair, median in an invocation, mean over
    invocations.
    """
    pairs: dict[Any, list[float]] = {}
    for key in sorted(subject.keys() & baseline.keys()):
        pairs.setdefault(key[0], []).append(float(np.log(subject[key] / baseline[key])))
    logs = location(list(pairs.values()))
    value, low, high = np.exp([logs.value, logs.low, logs.high])
    everything = np.concatenate(list(pairs.values()))
    spread = float(np.median(np.abs(everything - np.median(everything))))
    return Estimate(float(value), float(low), float(high), spread, logs.samples)


def _center(groups: Sequence[np.ndarray]) -> float:
    return float(np.mean([np.median(group) for group in groups]))


def _resampled(groups: Sequence[np.ndarray]) -> np.ndarray:
    """``DRAWS`` centers of groups drawn with replacement, each made of samples drawn with replacement.

    One group fewer is drawn than there are, so that few invocations do not look surer than they are (Rao
    and Wu, Resampling inference with complex survey data, JASA 83, 1988).
    """
    rng = np.random.default_rng(0)  # the same records give the same interval
    shape = (DRAWS, max(1, len(groups) - 1))
    medians = [np.median(g[rng.integers(0, g.size, (*shape, g.size))], axis=-1) for g in groups]
    picked = rng.integers(0, len(groups), (1, *shape))
    centers: np.ndarray = np.take_along_axis(np.stack(medians), picked, axis=0)[0].mean(axis=1)
    return centers
