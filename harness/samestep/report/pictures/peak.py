"""How near the machine's peak: matrix flop/s over those of its best large matrix product."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import altair as alt

from samestep.analysis.summary import CellSummary, measured_peaks
from samestep.records.plan import Plan
from samestep.report import formatting
from samestep.report.picture import Picture, as_rows, significant
from samestep.report.pictures.marks import beside, data, framework_colour, names, over
from samestep.report.pictures.task_groups import TaskGroup, task_groups

#: A smaller fraction is no bar that can be seen.
LEAST = 1e-3


@dataclass(frozen=True)
class RateRow:
    """An implementation's flop/s, and what fraction of the peak they are."""

    implementation: str
    framework: str
    fraction: float
    flops_per_second: float
    label: str


def pictures(plan: Plan, summaries: Sequence[CellSummary]) -> Iterator[Picture]:
    """Return one for each case, dtype, device and task."""
    best = measured_peaks(summaries)
    for group in task_groups(plan, summaries):
        rows = rate_rows(group)
        if rows and rows[0].fraction >= LEAST:
            first, share = rows[0].implementation, formatting.percent(rows[0].fraction)
            rate = formatting.flop_rate(best[group.dtype, group.device])
            yield Picture(
                group.picture_name("peak"), "peak",
                f"{group.where}: {first} reaches {share} of the machine's peak",
                f"The flop/s of its matrix products over {rate}, the rate of the best large one in the same "
                f"run, {group.dtype}, {group.device}. The rest goes to calls, memory and other operations.",
                as_rows(rows), chart(rows), group.filters,
            )  # fmt: skip


def rate_rows(group: TaskGroup) -> list[RateRow]:
    """Return the fraction of the peak and the flop/s of each implementation, the highest first."""
    rows: list[RateRow] = []
    for cell in group.cells:
        timed = group.timed(cell)
        if timed.fraction_of_peak is not None:
            rate = timed.flops / timed.seconds.value
            rows.append(
                RateRow(
                    implementation=group.label(cell),
                    framework=cell.cell.framework,
                    fraction=significant(timed.fraction_of_peak),
                    flops_per_second=significant(rate),
                    label=f"{formatting.percent(timed.fraction_of_peak)} · {formatting.flop_rate(rate)}",
                )
            )
    return sorted(rows, key=lambda row: -row.fraction)


def chart(rows: Sequence[RateRow]) -> alt.TopLevelMixin:
    """Return a chart of a bar for each implementation, up to the whole peak."""
    whole = max(1.0, *(row.fraction for row in rows))
    x = alt.X(
        "fraction:Q", scale=alt.Scale(domain=[0, whole]), axis=alt.Axis(format="%"),
        title="fraction of the flop/s of the machine's best large matrix product",
    )  # fmt: skip
    bars = data().mark_bar(size=13).encode(x=x, y=names(rows), color=framework_colour(rows))
    return over(bars, beside("label").encode(y=names(rows)))
