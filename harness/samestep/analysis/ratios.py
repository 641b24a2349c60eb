"""Cells that are compared with each other: the ratio of each to a baseline, which any of them can be.

Where the baseline runs under two names, a ratio is to the mean of both: it scatters less, and half of what
the two are apart is the most that it owes to either.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from samestep.analysis.statistics import Contrast, Mean, contrasts, difference, judged, means, paired

#: (arena, invocation): one life of a worker.
Process = tuple[int, int]

#: (process, round) -> seconds of one call.
Samples = dict[tuple[Process, int], float]


@dataclass(frozen=True)
class Arena:
    """The samples of each cell that was timed, by its key, and of each of its tasks.

    ``planned`` is the baseline that the spec names; ``twins`` are the keys of second names of it.
    """

    planned: str
    taken: Mapping[str, Mapping[str, Samples]]
    twins: frozenset[str]

    @property
    def baseline(self) -> str | None:
        """The planned one, or, where it gave no time, the first of its neighbours that did."""
        if self.planned in self.taken:
            return self.planned
        return next((key for key in self.taken if key not in self.twins), None)

    def noise(self, task: str) -> float | None:
        """How far the same code under two names was apart in these rounds, a ratio; None without a second
        name."""
        planned = self.taken.get(self.planned, {}).get(task, {})
        for key, tasks in self.taken.items():
            pairs = paired(tasks.get(task, {}), planned) if key in self.twins else []
            if pairs:
                return contrasts({key: pairs})[key].value
        return None

    def against(self, baseline: str, task: str) -> dict[str, Contrast]:
        """Each cell that timed the task, the baseline too, all judged together.

        None that is nearer to it than the same code was to itself is called different, and none that may be
        nearer than the part of it that a ratio may owe to a single process. What was not timed in
        the baseline's rounds is compared through the planned one, which is timed in all.
        """
        found = self.ratios(baseline, task)
        if self.baseline and baseline != self.baseline and task in self.taken[self.baseline]:
            through = self.ratios(self.baseline, task)
            far = through.keys() - found.keys() - {baseline}
            if baseline in through:
                found |= {key: difference(through[key], through[baseline]) for key in through if key in far}
        noise = self.noise(task)
        apart = abs(math.log(noise)) if noise else 0.0
        judgement = judged(found, apart / 2 if baseline == self.planned else apart, apart)
        itself = len(self.taken[baseline][task])
        judgement[baseline] = Contrast(1.0, 1.0, 1.0, (1.0, 1.0), "baseline", 1.0, itself)
        return {key: judgement[key] for key in self.taken if key in judgement}

    def ratios(self, baseline: str, task: str) -> dict[str, Mean]:
        """The logarithm of the ratio to a baseline of each that was timed in the same rounds."""
        samples = self._of_both(baseline, task)
        family = {
            key: pairs
            for key, tasks in self.taken.items()
            if key not in self.twins and key != baseline
            if (pairs := paired(tasks.get(task, {}), samples))
        }
        return means(family)

    def _of_both(self, baseline: str, task: str) -> Samples:
        """The samples of a baseline; where it was timed under two names, the geometric mean of both."""
        samples = dict(self.taken[baseline][task])
        twins = self.twins & self.taken.keys() if baseline == self.planned else ()
        for twin in twins:
            again = self.taken[twin].get(task, {})
            samples |= {at: math.sqrt(samples[at] * again[at]) for at in samples.keys() & again.keys()}
        return samples
