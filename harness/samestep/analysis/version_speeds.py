"""How many times as long each task takes with another release, all of them judged together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from samestep.analysis.run_data import Timed
from samestep.analysis.statistics import Contrast, Mean, aa_difference, contrasts_of_means
from samestep.analysis.summary import CellSummary
from samestep.analysis.version_changes import SpeedChange
from samestep.records.plan import Plan


def speed_changes(plan: Plan, pairs: Sequence[tuple[CellSummary, CellSummary]]) -> list[SpeedChange]:
    """Return the change of each task that was timed with both releases of a pair, and of what was not timed
    the reason. The first of a pair is the baseline of the second, and was timed twice (the A/A control)."""
    family = dict(_ratios(pairs))
    after = {summary.cell.key: summary for _, summary in pairs}
    floors = {(key, task): aa_difference(after[key].tasks[task].noise) for key, task in family}
    # A ratio is to the mean of both controls, which has half of what they differ by.
    judged = contrasts_of_means(family, {one: floor / 2 for one, floor in floors.items()}, floors)
    return [change for first, second in pairs for change in _changes(plan, first, second, judged)]


def _ratios(pairs: Sequence[tuple[CellSummary, CellSummary]]) -> Iterator[tuple[Timed, Mean]]:
    for before, after in pairs:
        if after.group is not None and before.tasks:
            for task in after.tasks.keys() & before.tasks:
                ratios = after.group.ratios(before.cell.key, task)
                if after.cell.key in ratios:
                    yield (after.cell.key, task), ratios[after.cell.key]


def _changes(
    plan: Plan, before: CellSummary, after: CellSummary, judged: Mapping[Timed, Contrast]
) -> Iterator[SpeedChange]:
    cell = after.cell
    name = f"{cell.of_case}/{cell.implementation}"
    timed = [task for task in plan.tasks_of(cell) if (cell.key, task) in judged]
    for task in timed:
        first, second = (side.tasks[task] for side in (before, after))
        one, other = (side.seconds.value / (side.steps or 1) for side in (first, second))
        yield SpeedChange(name, cell.framework, task, one, other, judged[cell.key, task], second.noise)
    if not timed:
        reason = before.reason or after.reason or "it took no sample"
        yield SpeedChange(name, cell.framework, "", None, None, None, None, reason)
