"""Two revisions that took turns in the same rounds: how many times as long one takes as the other in each.

Whatever the machine did in a round it did to both, so no baseline has to cancel it. Of the first revision
every cell ran twice (the A/A control), and a ratio is to the mean of both, as in a single run.
"""

from __future__ import annotations

from collections.abc import Iterable

from samestep.analysis.by_cell import Samples, with_copy
from samestep.analysis.moderation import of_run
from samestep.analysis.run_data import RunData, Timed
from samestep.analysis.statistics import Mean, means, own_variances, paired
from samestep.catalog.cell import AA_COPY


def ratios_in_the_same_rounds(before: RunData, after: RunData, timed: Iterable[Timed]) -> dict[Timed, Mean]:
    """Return the mean logarithm of after over before of each cell and task that has a round in common."""
    found = {one: paired(_samples(after, one), _samples(before, one)) for one in timed}
    pairs = {one: groups for one, groups in found.items() if groups}
    return means(pairs, of_run([own_variances(pairs)])) if pairs else {}


def _samples(run: RunData, timed: Timed) -> Samples:
    """Return the seconds of a cell and a task, with those of its A/A copy where it has one."""
    key, task = timed
    return with_copy(run.samples[key][task], run.samples.get(f"{key}/{AA_COPY}", {}).get(task, {}))
