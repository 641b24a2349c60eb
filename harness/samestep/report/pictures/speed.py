"""Which is fastest here: the ratio of each to a baseline that the reader may choose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import altair as alt

from samestep.analysis.ratios import Arena
from samestep.analysis.summary import CellSummary
from samestep.report import formatting
from samestep.report.fastest import ranked
from samestep.report.picture import Picture, Row, rounded
from samestep.report.pictures.groups import Group, groups, seconds, unit
from samestep.report.pictures.marks import beside, colour, data, names, over, ratios

#: What may be said of a ratio, by its shape: arrows where it is sure, a ring where it is not.
SHAPES = {
    "faster": "triangle-left", "slower": "triangle-right", "tie": "square", "unclear": "circle",
    "baseline": "diamond",
}  # fmt: skip


def pictures(about: Mapping[str, Any], summaries: Sequence[CellSummary]) -> Iterator[Picture]:
    """One for each case, dtype and task; the CPU and the GPU side by side."""
    for group in groups(about, summaries, by_device=False):
        rows, baseline = ratio_rows(group)
        if len({row["implementation"] for row in rows}) > 1:
            yield Picture(
                group.name("speed"), "speed", f"{group.where}: {message(group)}",
                f"Time of a {unit(group.of(group.cells[0]))} over that of the baseline, {baseline}, in "
                f"{group.dtype}, with its 95 % interval; on the right the ratio and the time. {_calm(group)}",
                rows, chart(rows, baseline), {**group.filters, "baseline": baseline},
            )  # fmt: skip


def ratio_rows(group: Group) -> tuple[list[Row], str]:
    """For every baseline a row for each implementation, the fastest first; and the spec's baseline."""
    rows: list[Row] = []
    arena = _arena(group)
    cells = {cell.cell["key"]: cell for cell in group.cells}
    noise = arena.noise(group.task)
    apart = max(noise, 1 / noise) if noise else 1.0
    for baseline in (key for key in cells if key in arena.taken):
        against = arena.against(baseline, group.task)
        for key in (key for key in cells if key in against):
            contrast, timed = against[key], group.of(cells[key])
            rows.append({
                "baseline": group.label(cells[baseline]), "implementation": group.label(cells[key]),
                "framework": cells[key].cell["framework"], "seconds": rounded(seconds(timed)),
                "ratio": rounded(contrast.value), "low": rounded(contrast.low or None),
                "high": rounded(contrast.high), "word": contrast.word,
                "detectable": rounded(contrast.detectable), "noise": rounded(apart),
                "label": f"{contrast.value:.2f} · {formatting.seconds(seconds(timed))}",
            })  # fmt: skip
    return rows, group.label(cells[_planned(arena, cells)])


def message(group: Group) -> str:
    """The fastest, and how many cannot be told apart from it."""
    found = ranked(group.cells, group.task)
    assert found is not None, "a group was timed"
    return found.said(group.label)


def chart(rows: Sequence[Row], baseline: str) -> alt.TopLevelMixin:
    """An interval and a point for each implementation; grey: what the same code was apart from itself."""
    mine = [row for row in rows if row["baseline"] == baseline]
    chosen = alt.param(name="baseline", value=baseline)
    shown = data().transform_filter("datum.baseline == baseline")
    x = ratios(alt.X, mine, "time over the baseline's, logarithmic: left is faster")
    y = names(mine)
    band = shown.transform_calculate(least="1 / datum.noise").mark_rect(opacity=0.25, color="#888888")
    one = data().mark_rule(strokeDash=[4, 3]).encode(x=alt.XDatum(1))
    line = shown.mark_rule(strokeWidth=2, opacity=0.6)
    point = shown.mark_point(size=70, strokeWidth=2, opacity=1).encode(
        x=x, y=y, color=colour(rows), shape=_shape()
    )
    label = beside("label").transform_filter("datum.baseline == baseline").encode(y=y)
    layers = [
        band.encode(x=alt.X("min(least):Q"), x2=alt.X2("max(noise):Q")),
        one,
        line.encode(x=alt.X("low:Q"), x2=alt.X2("high:Q"), y=y, color=colour(rows)),
        point.transform_filter("datum.word == 'unclear'"),
        point.mark_point(size=70, filled=True, opacity=1).transform_filter("datum.word != 'unclear'"),
        label,
    ]
    return over(*layers).add_params(chosen)


def _shape() -> alt.Shape:
    scale = alt.Scale(domain=list(SHAPES), range=list(SHAPES.values()))
    legend = alt.Legend(symbolStrokeColor="#888888", symbolFillColor="transparent")
    return alt.Shape("word:N", title="against the baseline", scale=scale, legend=legend)


def _calm(group: Group) -> str:
    timed = group.of(group.cells[0])
    if timed.noise is None:
        return "How far the same code is from itself here is not known."
    calm = "" if timed.fit else ", unfit for fine comparisons"
    return f"Grey: as far apart as the same code was under two names, {formatting.apart(timed.noise)}{calm}."


def _arena(group: Group) -> Arena:
    arena = group.cells[0].arena
    assert arena is not None, "what was timed has an arena"
    return arena


def _planned(arena: Arena, cells: dict[str, CellSummary]) -> str:
    """The spec's baseline, or the fastest where that does not offer the task."""
    return arena.baseline if arena.baseline in cells else next(iter(cells))
