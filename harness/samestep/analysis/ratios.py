"""Cells that are compared with each other: the ratio of each to a baseline, which any of them can be.

Where the baseline was measured twice, itself and its A/A copy, a ratio is to the mean of both: it scatters
less, and half of what the two differ by is the most that it owes to either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from samestep.analysis.by_cell import Samples, with_copy
from samestep.analysis.moderation import Prior, of_run
from samestep.analysis.statistics import (
    Contrast,
    Mean,
    aa_difference,
    contrasts,
    contrasts_of_means,
    difference,
    means,
    own_variances,
    paired,
)
from samestep.records.plan import PlannedCell


@dataclass(frozen=True)
class ComparisonGroup:
    """The samples of each cell that was timed, by its key and its tasks.

    ``planned`` is the key of the baseline that the spec names, ``cells`` are all cells of the group.
    ``prior`` is what all ratios of its run lead to expect of the variance of one (`prior_of`).
    """

    planned: str
    samples: Mapping[str, Mapping[str, Samples]]
    cells: Mapping[str, PlannedCell]
    prior: Prior | None = None

    @property
    def aa_copies(self) -> frozenset[str]:
        """The keys of the A/A copies of the baseline."""
        return frozenset(key for key, cell in self.cells.items() if cell.aa_copy)

    @property
    def baseline(self) -> str | None:
        """The planned baseline, or, where it was not timed, the first cell that was."""
        if self.planned in self.samples:
            return self.planned
        return next((key for key in self.samples if key not in self.aa_copies), None)

    def noise(self, task: str) -> float | None:
        """Return the A/A ratio: how far the baseline and its copy differed in these rounds; None where there
        was no copy."""
        planned = self.samples.get(self.planned, {}).get(task, {})
        for key, tasks in self.samples.items():
            pairs = paired(tasks.get(task, {}), planned) if key in self.aa_copies else []
            if pairs:
                return contrasts({key: pairs})[key].value
        return None

    def against(self, baseline: str, task: str) -> dict[str, Contrast]:
        """Return the ratio of each cell that timed the task to the baseline, all judged together.

        None that is nearer to 1 than the A/A ratio is called different, and none that may be nearer to it
        than the part of it that a ratio may owe to a single process. What was not timed in the baseline's
        rounds is compared through the planned baseline, which is timed in all.
        """
        found = self.ratios(baseline, task)
        if self.baseline and baseline != self.baseline and task in self.samples[self.baseline]:
            through = self.ratios(self.baseline, task)
            far = through.keys() - found.keys() - {baseline}
            if baseline in through:
                found |= {key: difference(through[key], through[baseline]) for key in through if key in far}
        noise = self.noise(task)
        floor = aa_difference(noise)
        contrast = contrasts_of_means(found, floor / 2 if baseline == self.planned else floor, floor)
        samples = len(self.samples[baseline][task])
        contrast[baseline] = Contrast(1.0, 1.0, 1.0, (1.0, 1.0), "baseline", 1.0, samples)
        return {key: contrast[key] for key in self.samples if key in contrast}

    def ratios(self, baseline: str, task: str) -> dict[str, Mean]:
        """Return the mean logarithm of each ratio to a baseline, of the cells timed in the same rounds."""
        return means(self.pairs(baseline, task), self.prior)

    def pairs(self, baseline: str, task: str) -> dict[str, list[list[float]]]:
        """Return the log ratios of each cell to a baseline, round by round, by process."""
        samples = self._baseline_samples(baseline, task)
        return {
            key: pairs
            for key, tasks in self.samples.items()
            if key not in self.aa_copies and key != baseline
            if (pairs := paired(tasks.get(task, {}), samples))
        }

    def _baseline_samples(self, baseline: str, task: str) -> Samples:
        """Return the samples of a baseline, with those of its A/A copy where it has one."""
        samples = self.samples[baseline][task]
        for copy in self.aa_copies & self.samples.keys() if baseline == self.planned else ():
            samples = with_copy(samples, self.samples[copy].get(task, {}))
        return samples


def prior_of(groups: Sequence[ComparisonGroup]) -> Prior | None:
    """Return what the ratios of a run, to the baselines of all its groups, lead to expect of the variance of
    one; None where they are too few."""
    return of_run(
        [
            own_variances(group.pairs(group.baseline, task))
            for group in groups
            if group.baseline
            for task in group.samples[group.baseline]
        ]
    )
