"""What a curve of measured times says: when it is steady, when it breaks even, where two cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from samestep.analysis.statistics import DRAWS, Mean

#: Calls whose median is looked at together: one slow call among steady ones is the machine's.
WINDOW = 5

#: The median absolute deviation of a normal distribution, as a part of its standard deviation.
MAD = float(special.ndtri(0.75))

#: Calls are steady within three standard deviations of their scatter, or within a tenth if that is more.
DEVIATIONS, FINEST = 3.0, 1.1


def calls_until_steady(seconds: Sequence[float]) -> int | None:
    """Return how many calls were slower than those that followed: 1 where only the first one was.

    ``seconds`` are the times of the first calls of a process, in order. Steady is what the second half of
    them is; None where that begins later than there, or where there are too few to tell.
    """
    times = np.asarray(seconds, dtype=float)
    if times.size < 2 * WINDOW:
        return None
    tail = times[times.size // 2 :]
    level = float(np.median(tail))
    scatter = float(np.median(np.abs(tail - level))) / MAD
    limit = max(level + DEVIATIONS * scatter, FINEST * level)
    medians = np.median(np.lib.stride_tricks.sliding_window_view(times, WINDOW), axis=1)
    slow = np.flatnonzero(medians > limit)
    if slow.size and slow[-1] + WINDOW > times.size // 2:
        return None
    first = int(slow[-1]) + 1 if slow.size else 0  # of windows from here on every median is steady
    while first < times.size and times[first] > limit:
        first += 1
    return first


def calls_until_break_even(start: float, step: float, other_start: float, other_step: float) -> float | None:
    """Return after how many calls a higher start-up cost has paid: where the lines of total time cross.

    All arguments are in seconds. 0 where the start was never behind; None where it never catches up.
    """
    if start <= other_start:
        return 0.0 if step <= other_step else None
    return (start - other_start) / (other_step - step) if step < other_step else None


@dataclass(frozen=True)
class Crossing:
    """The size from which on the subject is the faster one, with its 95 % interval: 0 is "below all that were
    measured", inf "above"."""

    value: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether the interval leaves out anything: below all sizes, or above."""
        return self.low > 0 or self.high < float("inf")


def crossing(sizes: Sequence[float], ratios: Sequence[Mean]) -> Crossing:
    """Return where the logarithm of subject over baseline passes 0 for good, as the size grows; straight
    between the measured points on a logarithmic axis.

    The interval is that of curves drawn from each point's own distribution.
    """
    order = np.argsort(sizes)
    axis = np.log(np.asarray(sizes, dtype=float)[order])
    values = np.array([ratios[i].value for i in order])
    rng = np.random.default_rng(0)  # the same records give the same interval
    draws = np.stack([_drawn(ratios[i], rng) for i in order], axis=1)
    low, high = np.quantile([_crossed(axis, curve) for curve in draws], [0.025, 0.975], method="nearest")
    return Crossing(_crossed(axis, values), float(low), float(high))


def _drawn(mean: Mean, rng: np.random.Generator) -> np.ndarray:
    deviation = mean.variance**0.5
    noise = rng.standard_t(mean.freedom, DRAWS) if mean.freedom > 0 else rng.normal(size=DRAWS)
    drawn: np.ndarray = mean.value + deviation * noise
    return drawn


def _crossed(axis: np.ndarray, values: np.ndarray) -> float:
    behind = np.flatnonzero(values > 0)
    if not behind.size:
        return 0.0
    last = behind[-1]
    if last == values.size - 1:
        return float("inf")
    share = values[last] / (values[last] - values[last + 1])
    return float(np.exp(axis[last] + share * (axis[last + 1] - axis[last])))
