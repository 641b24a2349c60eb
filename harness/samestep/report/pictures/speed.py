"""Which is fastest here: the ratio of each to a baseline that the reader may choose."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import altair as alt

from samestep.analysis.fastest import ranking
from samestep.analysis.ratios import ComparisonGroup
from samestep.analysis.statistics import TWICE, Contrast, aa_difference
from samestep.analysis.summary import CellSummary, TaskSummary
from samestep.records.plan import Plan
from samestep.report import formatting
from samestep.report.picture import Picture, as_rows, finite, significant
from samestep.report.pictures.marks import beside, data, framework_colour, names, over, ratio_axis
from samestep.report.pictures.task_groups import TaskGroup, task_groups, time_of_unit

#: What may be said of a ratio, by its shape: arrows where it is sure, a ring where it is not.
SHAPES = {
    "faster": "triangle-left", "slower": "triangle-right", "tie": "square", "unclear": "circle",
    "baseline": "diamond",
}  # fmt: skip


@dataclass(frozen=True)
class RatioRow:
    """An implementation against a baseline; ``noise`` is the A/A ratio, 1 or more.

    ``ratio`` and ``noise`` are None where noise leaves nothing known of them.
    """

    baseline: str
    implementation: str
    framework: str
    seconds: float | None
    ratio: float | None
    low: float | None
    high: float | None
    word: str
    detectable: float | None
    noise: float | None
    label: str


def pictures(plan: Plan, summaries: Sequence[CellSummary]) -> Iterator[Picture]:
    """Return one for each case, dtype and task; the CPU and the GPU side by side."""
    for group in task_groups(plan, summaries, by_device=False):
        rows, baseline = ratio_rows(group)
        if len({row.implementation for row in rows}) > 1:
            unit = "step" if (group.timed(group.cells[0]).steps or 1) > 1 else "call"
            yield Picture(
                group.picture_name("speed"), "speed", f"{group.where}: {message(group)}",
                f"Time of a {unit} over that of the baseline, {baseline}, in {group.dtype}, with its 95 % "
                f"interval; on the right the ratio and the time. {_noise(group)}",
                as_rows(rows), chart(rows, baseline), {**group.filters, "baseline": baseline},
            )  # fmt: skip


def ratio_rows(group: TaskGroup) -> tuple[list[RatioRow], str]:
    """Return for every baseline a row for each implementation, the fastest first; and the spec's baseline."""
    rows: list[RatioRow] = []
    compared = _comparison_group(group)
    cells = {cell.cell.key: cell for cell in group.cells}
    noise = compared.noise(group.task)
    for baseline in (key for key in cells if key in compared.samples):
        against = compared.against(baseline, group.task)
        rows += [
            _row(group, cells[baseline], cells[key], against[key], noise) for key in cells if key in against
        ]
    return rows, group.label(cells[_planned(compared, cells)])


def _row(
    group: TaskGroup, baseline: CellSummary, cell: CellSummary, ratio: Contrast, noise: float | None
) -> RatioRow:
    timed = group.timed(cell)
    return RatioRow(
        baseline=group.label(baseline),
        implementation=group.label(cell),
        framework=cell.cell.framework,
        seconds=significant(time_of_unit(timed)) if timed.seconds.known else None,
        ratio=significant(ratio.value) if ratio.known else None,
        # Of one process it is 0, which a logarithmic axis does not have.
        low=(finite(ratio.low) or None) if ratio.known else None,
        high=finite(ratio.high) if ratio.known else None,
        word=ratio.word,
        detectable=finite(ratio.detectable),
        noise=_band(noise),
        label=_label(ratio, timed),
    )


def _band(noise: float | None) -> float | None:
    """Return the A/A ratio, 1 or more; None beyond twice."""
    far = aa_difference(noise)
    return significant(math.exp(far)) if far < TWICE else None


def _label(ratio: Contrast, timed: TaskSummary) -> str:
    """Return the ratio and the time, as far as they are known."""
    size = f"{ratio.value:.2f}" if ratio.known else formatting.UNKNOWN
    time = formatting.time(timed.seconds, timed.steps)
    return size if size == time else f"{size} · {time}"


def message(group: TaskGroup) -> str:
    """Return which is the fastest, and what is statistically indistinguishable from it."""
    found = ranking(group.cells, group.task)
    assert found is not None, "a group was timed"
    return found.sentence(group.label)


def chart(rows: Sequence[RatioRow], baseline: str) -> alt.TopLevelMixin:
    """Return a chart of an interval and a point for each implementation; the A/A ratio is a grey band."""
    mine = [row for row in rows if row.baseline == baseline]
    chosen = alt.param(name="baseline", value=baseline)
    shown = data().transform_filter("datum.baseline == baseline")
    title = "time over the baseline's, logarithmic: left is faster"
    x = ratio_axis(alt.X, [value for row in mine for value in (row.ratio, row.low, row.high)], title)
    y, colour = names(mine), framework_colour(rows)
    noisy = shown.transform_filter("datum.noise != null")
    band = noisy.transform_calculate(least="1 / datum.noise").mark_rect(opacity=0.25, color="#888888")
    one = data().mark_rule(strokeDash=[4, 3]).encode(x=alt.XDatum(1))
    line = shown.mark_rule(strokeWidth=2, opacity=0.6)
    point = shown.mark_point(size=70, strokeWidth=2, opacity=1).encode(x=x, y=y, color=colour, shape=_shape())
    label = beside("label").transform_filter("datum.baseline == baseline").encode(y=y)
    layers = [
        band.encode(x=alt.X("min(least):Q"), x2=alt.X2("max(noise):Q")),
        one,
        line.encode(x=alt.X("low:Q"), x2=alt.X2("high:Q"), y=y, color=colour),
        point.transform_filter("datum.word == 'unclear'"),
        point.mark_point(size=70, filled=True, opacity=1).transform_filter("datum.word != 'unclear'"),
        label,
    ]
    return over(*layers).add_params(chosen)


def _shape() -> alt.Shape:
    scale = alt.Scale(domain=list(SHAPES), range=list(SHAPES.values()))
    legend = alt.Legend(symbolStrokeColor="#888888", symbolFillColor="transparent")
    return alt.Shape("word:N", title="against the baseline", scale=scale, legend=legend)


def _noise(group: TaskGroup) -> str:
    timed = group.timed(group.cells[0])
    if timed.noise is None:
        return "The baseline has no A/A control here, so the noise is not known."
    differ = formatting.deviation(timed.noise)
    if _band(timed.noise) is None:
        return f"The baseline and its A/A control differ by {differ}."
    unfit = "" if timed.stable else ": too much for fine comparisons"
    return f"Grey: the difference between the baseline and its A/A control, {differ}{unfit}."


def _comparison_group(group: TaskGroup) -> ComparisonGroup:
    compared = group.cells[0].group
    assert compared is not None, "what was timed has a comparison group"
    return compared


def _planned(compared: ComparisonGroup, cells: Mapping[str, CellSummary]) -> str:
    """Return the key of the spec's baseline, or of the fastest where that does not offer the task."""
    baseline = compared.baseline
    return baseline if baseline and baseline in cells else next(iter(cells))
