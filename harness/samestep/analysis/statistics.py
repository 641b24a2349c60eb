"""From samples to numbers. No clock and no process here: arrays in, numbers out.

The process is the unit of inference: samples of one invocation are averaged before invocations are
compared, and an interval says how far another set of processes could have moved the number. For a time it is
a hierarchical bootstrap: invocations are drawn with replacement, and within each its rounds (Kalibera and
Jones, Rigorous benchmarking in reasonable time, ISMM 2013). For a ratio it is Student's t over invocations,
of which a tenth is left out at each end, as one process in ten is far off at times (Yuen, The two-sample
trimmed t for unequal population variances, Biometrika 61, 1974). Its variance is moderated by what other
ratios lead to expect of it (`samestep.analysis.moderation`). Many ratios at once are judged after Holm
(Scand. J. Stat. 6, 1979).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy import special

from samestep.analysis.moderation import OwnVariance, Prior, of_table, rounds_share

#: Enough draws that a 95 % interval's ends move by less than a fiftieth of its width.
DRAWS = 2000

#: How often a comparison may call something different that is not: over all ratios of it together.
LEVEL = 0.01

#: Ratios that are surely this near to 1 are a tie.
TIE = float(np.log(1.02))

#: A number is known where its interval is narrower than from half of it to twice it. "Twice as long" is the
#: coarsest thing that is said of a speed, and whoever reads 0.3 (0.1-1.2) cannot say even that.
TWICE = float(np.log(2.0))

#: Of the invocations, as many are left out of a mean at each end.
TRIMMED = 1 / 10

#: The power of `Contrast.detectable`: how often it would be detected.
POWER = 0.8

K = TypeVar("K", bound=Hashable)
P = TypeVar("P", bound=Hashable)


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval, and how far single samples scatter: the median absolute deviation as a
    part of the median, and what one in twenty is below (``p05``) and above (``p95``)."""

    value: float
    low: float
    high: float
    spread: float
    p05: float
    p95: float
    samples: int

    @property
    def known(self) -> bool:
        """Whether the interval is narrow enough for the number to say anything (`TWICE`)."""
        return self.high < self.low * math.exp(2 * TWICE)


@dataclass(frozen=True)
class Mean:
    """A trimmed mean of logarithms over processes, and what is known of its variance.

    ``rounds`` is the 95 % interval of the median of a process's rounds, the widest of any process: all that a
    single one knows of its own noise.
    """

    value: float
    variance: float
    freedom: float
    samples: int = 0
    processes: int = 0
    rounds: tuple[float, float] = (0.0, 0.0)

    def half(self, alpha: float) -> float:
        """Half the width of the interval that misses the truth with probability ``alpha``."""
        if self.freedom <= 0:
            return float("inf")
        return _t(self.freedom, 1 - alpha / 2) * math.sqrt(self.variance)


@dataclass(frozen=True)
class Contrast:
    """How many times as long one thing takes as another, and what may be said of it.

    ``low`` and ``high`` are the 95 % interval of ``value`` alone; ``sure`` is the interval that holds
    together with those of all other ratios of the comparison (99 %, Holm); ``word`` is what follows from that
    one: "faster", "slower", "tie" (within 2 %) or "unclear"; ``detectable`` is the smallest ratio above 1
    that would be called slower four times in five, inf where even twice the time would not (`TWICE`). Of one
    process nothing is known: its interval is (0, inf).

    ``known`` says that the interval of ``value``, with the A/A difference beyond both of its ends, is
    narrower than from half to twice. Where it is not, noise rules: no number of it may be shown as one.
    """

    value: float
    low: float
    high: float
    sure: tuple[float, float]
    word: str
    detectable: float
    samples: int
    processes: int = 0
    known: bool = True


def location(by_invocation: Sequence[Sequence[float]]) -> Estimate:
    """Return the mean over invocations of the median in each, of samples grouped by invocation.

    Raises ValueError where there is no sample.
    """
    groups = [np.asarray(group, dtype=float) for group in by_invocation if len(group)]
    if not groups:
        raise ValueError("no samples")
    low, high = np.quantile(_resampled(groups), [0.025, 0.975])
    everything = np.concatenate(groups)
    middle = float(np.median(everything))
    spread = float(np.median(np.abs(everything - middle))) / abs(middle) if middle else 0.0
    p05, p95 = map(float, np.quantile(everything, [0.05, 0.95]))
    return Estimate(_center(groups), float(low), float(high), spread, p05, p95, everything.size)


def paired(
    subject: Mapping[tuple[P, int], float], baseline: Mapping[tuple[P, int], float]
) -> list[list[float]]:
    """Return the log ratios of samples of the same (process, round), by process: they met the same drift."""
    pairs: dict[P, list[float]] = {}
    for key in sorted(subject.keys() & baseline.keys()):
        pairs.setdefault(key[0], []).append(float(np.log(subject[key] / baseline[key])))
    return list(pairs.values())


def means(family: Mapping[K, Sequence[Sequence[float]]], prior: Prior | None = None) -> dict[K, Mean]:
    """Return for each member the trimmed mean over invocations of the median in each.

    ``prior`` says what variance to expect of each; without one, or where too few rounds were taken of a
    member, the family lends its own. Raises ValueError where a member has no sample.
    """
    processes = {key: [np.asarray(group) for group in groups if len(group)] for key, groups in family.items()}
    if not all(processes.values()):
        raise ValueError("no samples")
    trimmed = {key: _trimmed(np.array([np.median(one) for one in mine])) for key, mine in processes.items()}
    owns = {key: _own(trimmed[key], mine) for key, mine in processes.items()}
    if prior is None or any(own.rounds is None for own in owns.values()):
        prior = of_table(list(owns.values()))
    found = {}
    for key, mine in processes.items():
        value, _, count = trimmed[key]
        variance, freedom = prior.moderated(owns[key])
        rounds = max(map(_median_interval, mine), key=lambda ends: ends[1] - ends[0])
        samples = sum(one.size for one in mine)
        found[key] = Mean(value, variance / count, freedom, samples, len(mine), rounds)
    return found


def own_variances(family: Mapping[K, Sequence[Sequence[float]]]) -> list[OwnVariance]:
    """Return what the processes of each member say of the variance of its ratio."""
    members = [[np.asarray(group) for group in groups if len(group)] for groups in family.values()]
    return [_own(_trimmed(np.array([np.median(one) for one in mine])), mine) for mine in members]


def difference(one: Mean, other: Mean) -> Mean:
    """Return ``one`` minus ``other``, of different processes (Welch, Biometrika 34, 1947)."""
    value, parts = one.value - other.value, [one, other]
    variance = one.variance + other.variance
    samples, processes = one.samples + other.samples, min(one.processes, other.processes)
    rounds = one.rounds[0] - other.rounds[1], one.rounds[1] - other.rounds[0]
    freedom = 0.0
    if min(one.freedom, other.freedom) > 0:
        squares = sum(part.variance**2 / part.freedom for part in parts)
        freedom = variance**2 / squares if squares else one.freedom + other.freedom
    return Mean(value, variance, freedom, samples, processes, rounds)


def aa_difference(noise: float | None) -> float:
    """Return the A/A difference, of logarithms, that belongs to an A/A ratio; 0 where there is none."""
    return abs(math.log(noise)) if noise else 0.0


def contrasts_of_means(
    family: Mapping[K, Mean],
    floor: float | Mapping[K, float] = 0.0,
    least: float | Mapping[K, float] = 0.0,
) -> dict[K, Contrast]:
    """Return what may be said of each, so that all of it is right together with probability 1 - `LEVEL`.

    ``floor`` is the A/A difference (of logarithms): none that may be smaller is called a difference, and none
    that was measured to be smaller than ``least``. Either is one for all, or one for each.
    """
    floors, leasts = (
        one if isinstance(one, Mapping) else dict.fromkeys(family, one) for one in (floor, least)
    )
    chances = {key: _chance(mean, floors[key], leasts[key]) for key, mean in family.items()}
    ordered, left, alpha, going = sorted(family, key=lambda key: chances[key]), len(family), LEVEL, True
    found = {}
    for key in ordered:
        if going:  # Holm's step down: the first that stays unclear stops it
            alpha = LEVEL / left
            going = chances[key] <= alpha
            left -= 1
        found[key] = _contrast(family[key], alpha, floors[key], leasts[key])
    return {key: found[key] for key in family}


def contrasts(family: Mapping[K, Sequence[Sequence[float]]], floor: float = 0.0) -> dict[K, Contrast]:
    """Return the contrasts of log ratios by invocation (`paired`)."""
    return contrasts_of_means(means(family), floor)


def _contrast(mean: Mean, alpha: float, floor: float, least: float) -> Contrast:
    usual, sure = mean.half(1 - 0.95), mean.half(alpha)
    low, high = mean.value - sure, mean.value + sure
    if high < -floor and mean.value < -least:
        word = "faster"
    elif low > floor and mean.value > least:
        word = "slower"
    else:
        word = "tie" if low - floor >= -TIE and high + floor <= TIE else "unclear"
    power = _t(mean.freedom, POWER) * mean.variance**0.5 if mean.freedom > 0 else np.inf
    seen = max(least, floor + sure + power)
    width = 2 * usual if mean.freedom > 0 else mean.rounds[1] - mean.rounds[0]
    with np.errstate(over="ignore"):  # an interval that knows next to nothing ends at infinity
        value, wide_low, wide_high, sure_low, sure_high, detectable = np.exp(
            [mean.value, mean.value - usual, mean.value + usual, low, high, seen]
        ).tolist()
    return Contrast(
        value, wide_low, wide_high, (sure_low, sure_high), word,
        detectable if seen <= TWICE else math.inf, mean.samples, mean.processes,
        known=width + 2 * floor < 2 * TWICE,
    )  # fmt: skip


def _chance(mean: Mean, floor: float, least: float) -> float:
    """Return the p-value of a difference this large beyond the floor, two-sided."""
    beyond = abs(mean.value) - floor
    if beyond <= 0 or abs(mean.value) <= least or mean.freedom <= 0:
        return 1.0
    if not mean.variance:
        return 0.0
    return float(2 * special.stdtr(_finite(mean.freedom), -beyond / mean.variance**0.5))


def _trimmed(values: np.ndarray) -> tuple[float, float, int]:
    """Return the trimmed mean, the variance that it follows from (0 for one value), and the count."""
    ordered, cut = np.sort(values), int(TRIMMED * values.size)
    kept = ordered[cut : values.size - cut]
    if kept.size == 1:
        return float(kept[0]), 0.0, 1
    clipped = np.clip(ordered, kept[0], kept[-1])
    squares = float(np.square(clipped - clipped.mean()).sum())
    return float(kept.mean()), squares / (kept.size - 1), kept.size


def _own(trimmed: tuple[float, float, int], processes: Sequence[np.ndarray]) -> OwnVariance:
    _, variance, count = trimmed
    return OwnVariance(variance, count - 1, rounds_share(processes))


def _median_interval(values: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of the median of what the values were drawn from: the outermost two of few,
    and of many the order statistics that a binomial law leaves (David and Nagaraja, Order Statistics, 2003,
    7.1)."""
    ordered, n = np.sort(values), values.size
    cut = next((k for k in range(1, n // 2 + 1) if 2 * special.bdtr(k, n, 0.5) > 1 - 0.95), 1) - 1
    return float(ordered[cut]), float(ordered[n - 1 - cut])


def _t(freedom: float, probability: float) -> float:
    """Return a quantile of Student's t."""
    return float(special.stdtrit(_finite(freedom), probability))


def _finite(freedom: float) -> float:
    """From a million degrees of freedom on it is the normal distribution to six digits."""
    return min(freedom, 1e6)


def _center(groups: Sequence[np.ndarray]) -> float:
    return float(np.mean([np.median(group) for group in groups]))


def _resampled(groups: Sequence[np.ndarray]) -> np.ndarray:
    """``DRAWS`` centers of groups drawn with replacement, each made of samples drawn with replacement.

    One group fewer is drawn than there are, so that few invocations do not look surer than they are (Rao
    and Wu, Resampling inference with complex survey data, JASA 83, 1988).
    """
    rng = np.random.default_rng(0)  # the same records give the same interval
    shape = (DRAWS, max(1, len(groups) - 1))
    medians = np.stack([_medians(group, shape, rng) for group in groups])
    picked = rng.integers(0, len(groups), (1, *shape))
    centers: np.ndarray = np.take_along_axis(medians, picked, axis=0)[0].mean(axis=1)
    return centers


def _medians(group: np.ndarray, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Medians of as many samples, drawn with replacement, without drawing them: the k-th of n uniform numbers
    has the distribution Beta(k, n + 1 - k), and says which of the sorted samples it is (David and Nagaraja,
    Order Statistics, 2003, 2.3)."""
    ordered, n = np.sort(group), group.size
    low, high = (n + 1) // 2, n // 2 + 1  # the same one where n is odd
    first = rng.beta(low, n + 1 - low, shape)
    second = first if low == high else first + (1 - first) * rng.beta(1, n - low, shape)
    middle: np.ndarray = (_at(ordered, first) + _at(ordered, second)) / 2
    return middle


def _at(ordered: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    found: np.ndarray = ordered[np.minimum((uniform * ordered.size).astype(int), ordered.size - 1)]
    return found
