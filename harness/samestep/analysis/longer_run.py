"""How long a run must be to detect a change of 5 %: what this one has shown of its noise says it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from samestep.analysis.statistics import LEVEL, POWER, Mean
from samestep.records.schema import Finished, Record, Sample, Start

#: The smallest change that a reviewer asks about.
ASKED = 1.05

#: As many invocations are foreseen at most; what is said of more is a guess.
MOST = 1000


@dataclass(frozen=True)
class LongerRun:
    """The invocations that detect a change of `ASKED` in ``half`` of the timings and in ``all`` of them, None
    for more than `MOST`; this run had ``now``, and one of both sides takes ``seconds``."""

    now: int
    half: int | None
    all: int | None
    seconds: float | None


def longer_run(family: Collection[tuple[Mean, float]], seconds: Iterable[float | None]) -> LongerRun | None:
    """Return how long a run must be, from each mean of logarithms and its A/A difference.

    ``seconds`` are those of an invocation, of each run. None where this one is long enough, or knows nothing
    of its noise.
    """
    alpha = LEVEL / max(1, len(family))
    needed = sorted(invocations(mean, floor, alpha) for mean, floor in family)
    known = [mean.processes for mean, _ in family if mean.freedom > 0]
    if not known or needed[-1] <= min(known):
        return None
    spent = list(seconds)
    both = None if None in spent else sum(one for one in spent if one)
    half, every = (None if one == math.inf else int(one) for one in (needed[len(needed) // 2], needed[-1]))
    return LongerRun(min(known), half, every, both)


def invocations(mean: Mean, floor: float, alpha: float) -> float:
    """Return how many invocations detect a change of `ASKED` four times in five, inf beyond `MOST`.

    The variance of a process and its scatter stay what they are, and the A/A difference, which is between
    equal codes, becomes smaller as every other mean does.
    """
    if mean.freedom <= 0:
        return math.inf

    def detects(many: int) -> bool:
        part = mean.processes / many
        longer = replace(mean, variance=mean.variance * part, freedom=mean.freedom + many - mean.processes)
        seen = floor * math.sqrt(part) + longer.half(alpha) + longer.half(2 * (1 - POWER))
        return seen <= math.log(ASKED)

    return next((many for many in range(mean.processes, MOST + 1) if detects(many)), math.inf)


def seconds_of_an_invocation(records: Iterable[Record]) -> float | None:
    """Return how long the invocations of a run took, one with another; None where it does not say."""
    timed = [one for one in records if isinstance(one, Start | Sample | Finished) and one.time is not None]
    over = {one.invocation for one in timed if isinstance(one, Finished)}
    if not over:
        return None
    times = [one.time for one in timed if one.time is not None]
    return (max(times) - min(times)) / len(over)
