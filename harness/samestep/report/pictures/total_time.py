"""When has a high start-up cost paid: the total time over the training steps, and where it breaks even."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import altair as alt
import numpy as np

from samestep.analysis.break_even import HIGH_FACTOR, BreakEven, break_even
from samestep.analysis.summary import CellSummary
from samestep.report import formatting
from samestep.report.picture import Picture, as_rows, significant
from samestep.report.pictures.marks import HEIGHT, LINE, data, framework_colour, over, spaced
from samestep.report.pictures.task_groups import TaskGroup, time_of_unit

#: Points of a curve, and how far beyond a crossing it goes.
POINTS, BEYOND = 40, 10.0

#: The kinds of curves.
HIGH, LOW = "high start-up cost", "low start-up cost"


@dataclass(frozen=True)
class TotalRow:
    """A point of a curve of total time; or, with ``place``, where the curve crosses that of ``against``.

    ``at`` and ``label`` are of a curve's last point: where its name stands, and the name.
    """

    implementation: str
    framework: str
    kind: str
    steps: float
    seconds: float
    seconds_per_step: float
    place: int | None = None
    against: str | None = None
    at: float | None = None
    label: str | None = None


@dataclass(frozen=True)
class Curves:
    """The cells of one framework in a group that have a high start-up cost, and those beside which it is
    high, by implementation."""

    group: TaskGroup
    high: Sequence[BreakEven]

    @classmethod
    def of(cls, summaries: Sequence[CellSummary], group: TaskGroup, framework: str) -> Curves:
        """Return the curves of a framework's cells in a group."""
        found = [
            break_even(summaries, cell, group.task)
            for cell in group.cells
            if cell.cell.framework == framework
        ]
        return cls(group, [one for one in found if one])

    @property
    def low(self) -> list[CellSummary]:
        """The cells beside which a start-up cost is high."""
        against = {one.against.cell.implementation for one in self.high}
        return [cell for cell in self.group.cells if cell.cell.implementation in against]

    @property
    def breaking_even(self) -> list[tuple[BreakEven, float]]:
        """Those that break even, and after how many calls, the first one first."""
        found = [(one, one.calls) for one in self.high if one.calls is not None]
        return sorted(found, key=lambda pair: pair[1])

    def total(self, cell: CellSummary, calls: float) -> float:
        """Return the seconds of a start and of N calls more."""
        start = cell.start_seconds(self.group.task) or 0.0
        return start + calls * self.group.timed(cell).seconds.value


def pictures(summaries: Sequence[CellSummary], group: TaskGroup) -> Iterator[Picture]:
    """Return one for each framework in which a start-up cost is high."""
    for framework in dict.fromkeys(cell.cell.framework for cell in group.cells):
        curves = Curves.of(summaries, group, framework)
        if curves.high:
            rows = total_rows(curves)
            yield Picture(
                f"{group.picture_name('break-even')}-{framework}", "start",
                f"{group.where}, {framework}: {message(curves)}",
                "Total time of N training steps: the build, the first call, and the steps. A high start-up "
                f"cost (more than {HIGH_FACTOR:g} times another's) breaks even where its line crosses the "
                "last dashed one.",
                as_rows(rows), chart(rows), group.filters,
            )  # fmt: skip


def message(curves: Curves) -> str:
    """Return when each that breaks even does so, and whether that is sure."""
    sentences = [
        _sentence(curves.group, one, calls) + ("" if one.surely_faster else ", if at all")
        for one, calls in curves.breaking_even
    ]
    return "; ".join(sentences) or "no high start-up cost breaks even"


def _sentence(group: TaskGroup, one: BreakEven, calls: float) -> str:
    when = "the first call" if calls <= 1 else f"{formatting.round_up(calls * (one.steps or 1))} steps"
    return f"{group.label(one.cell)} breaks even after {when}"


def total_rows(curves: Curves) -> list[TotalRow]:
    """Return points of the curve of each implementation with a high start-up cost and of those beside which
    it is high; and the crossings, except for those before the first call's end, where the curves begin."""
    group, low = curves.group, curves.low
    shown = [*low, *(one.cell for one in curves.high if one.cell not in low)]
    crossings = [(one, calls) for one, calls in curves.breaking_even if calls > 1]
    last = max([1000.0, *(BEYOND * calls for _, calls in crossings)])
    ends = {group.label(cell): curves.total(cell, last) for cell in shown}
    at = spaced(ends, min(curves.total(cell, 1) for cell in shown), max(ends.values()))
    notes = {group.label(one.cell): _note(one.calls) for one in curves.high}
    rows: list[TotalRow] = []
    for cell in shown:
        kind, name = LOW if cell in low else HIGH, group.label(cell)
        rows += [_point(curves, cell, kind, calls) for calls in np.geomspace(1, last, POINTS).tolist()]
        rows[-1] = replace(rows[-1], at=significant(at[name]), label=name + notes.get(name, ""))
    for place, (one, calls) in enumerate(crossings):
        rows.append(
            replace(
                _point(curves, one.cell, HIGH, calls),
                place=place,
                against=one.against.cell.implementation,
                label=_sentence(group, one, calls),
            )
        )
    return rows


def _note(calls: float | None) -> str:
    """Return what no crossing says, since there is none."""
    if calls is None:
        return ", never breaks even"
    return ", breaks even at once" if calls <= 1 else ""


def _point(curves: Curves, cell: CellSummary, kind: str, calls: float) -> TotalRow:
    timed = curves.group.timed(cell)
    return TotalRow(
        implementation=curves.group.label(cell),
        framework=cell.cell.framework,
        kind=kind,
        steps=significant(calls * (timed.steps or 1)),
        seconds=significant(curves.total(cell, calls)),
        seconds_per_step=significant(time_of_unit(timed)),
    )


def chart(rows: Sequence[TotalRow]) -> alt.TopLevelMixin:
    """Return a chart of a line for each implementation, its crossings marked and labelled."""
    kinds = sorted({row.kind for row in rows})
    dashes = [[5, 4] if kind == LOW else [1, 0] for kind in kinds]
    dash = alt.StrokeDash("kind:N", title=None, scale=alt.Scale(domain=kinds, range=dashes))
    scale, decades = alt.Scale(type="log", nice=False), [10**power for power in range(-6, 12)]
    x = alt.X("steps:Q", scale=scale, title="training steps after the first call",
              axis=alt.Axis(format="~s", values=decades))  # fmt: skip
    y = alt.Y("seconds:Q", scale=scale, title="total seconds, logarithmic",
              axis=alt.Axis(format="~g", values=decades))  # fmt: skip
    colour = framework_colour(rows, legend=False)
    lines, crossings = (data().transform_filter(f"datum.place {sign} null") for sign in ("==", "!="))
    ends = lines.transform_filter("datum.at != null").mark_text(align="left", dx=6)
    labels = [
        crossings.transform_filter(f"datum.place == {place}").mark_text(
            align="left", dx=4, dy=LINE * (place + 1)
        )
        for place in range(sum(row.place is not None for row in rows))
    ]
    detail, text = alt.Detail("implementation:N"), alt.Text("label:N")
    return over(
        lines.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour, strokeDash=dash, detail=detail),
        crossings.mark_point(size=90, filled=True, opacity=1).encode(x=x, y=y, color=colour),
        ends.encode(x=x, y=alt.Y("at:Q"), text=text),
        *(label.encode(x=x, y=y, text=text) for label in labels),
        height=HEIGHT,
    )
