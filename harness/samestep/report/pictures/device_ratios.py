"""CPU against GPU: how many times as long the same implementation takes, and from which size on less."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import altair as alt

from samestep.analysis.cpu_gpu import Curve
from samestep.analysis.curves import Crossing
from samestep.report import formatting
from samestep.report.crossovers import faster_from
from samestep.report.picture import LETTER, Picture, as_rows, finite, significant
from samestep.report.pictures.marks import (
    HEIGHT,
    beside,
    data,
    framework_colour,
    names,
    over,
    ratio_axis,
    spaced,
)

COMPUTING, WITH_TRANSFER = "computing", "with the transfer"
#: How the transfer is drawn: over sizes, and of one size.
HOW = {
    True: "The number behind a name is the size from which on it is. Dashed:",
    False: "A ring:",
}


@dataclass(frozen=True)
class DeviceRow:
    """A ratio at a size; or, with ``crossing``, the size where the curve passes 1, with its 95 % interval.

    ``at`` is where the ``name`` stands, at the end of a curve.
    """

    implementation: str
    framework: str
    size: float
    crossing: bool
    kind: str
    ratio: float
    low: float | None = None
    high: float | None = None
    word: str | None = None
    label: str | None = None
    at: float | None = None
    name: str | None = None
    size_low: float | None = None
    size_high: float | None = None


def pictures(curves: Sequence[Curve]) -> Iterator[Picture]:
    """Return one for each case, dtype and task; over the sizes where a sweep made them."""
    found: dict[tuple[str, ...], list[Curve]] = {}
    for curve in curves:
        of = curve.of
        found.setdefault((of.workload, of.case, of.dtype, of.task, of.size), []).append(curve)
    for (workload, case, dtype, task, size), mine in found.items():
        rows = device_rows(mine)
        if not rows:  # noise rules in all of them: the tables say so
            continue
        yield Picture(
            "-".join(filter(None, ("devices", workload, case, dtype, task, size))), "devices",
            f"{workload}:{case}, {task}: {message(mine)}",
            f"Time of a call on the GPU over that on the CPU, in {dtype}, with its 95 % interval: below 1 "
            f"the GPU is faster. {HOW[bool(size)]} with the inputs brought there and the results back.",
            as_rows(rows), sizes_chart(rows, size) if size else one_chart(rows),
            {"workload": workload, "case": case, "task": task},
        )  # fmt: skip


def device_rows(curves: Sequence[Curve]) -> list[DeviceRow]:
    """Return the ratio of each implementation at each size, with and without the transfer; then its
    crossings. Where the GPU gains most at the largest size stands above."""
    every = [one.value for curve in curves for one in curve.ratios.values() if one.known]
    ends = {c.of.implementation: last.value for c in curves if (last := c.ratios[max(c.ratios)]).known}
    at = spaced(ends, min([*every, 1.0]), max([*every, 1.0]))
    rows: list[DeviceRow] = []
    for curve in sorted(curves, key=lambda curve: ends.get(curve.of.implementation, math.inf)):
        rows += _points(curve, at.get(curve.of.implementation))
        rows += _crossings(curve)
    return rows


def _points(curve: Curve, at: float | None) -> Iterator[DeviceRow]:
    """Return the points of a curve, without those of which noise leaves nothing known."""
    implementation = curve.of.implementation
    framework = implementation.split("_")[0]
    for number, one in sorted(curve.ratios.items()):
        if not one.known:
            continue
        moved = curve.with_transfer[number]
        yield DeviceRow(
            implementation,
            framework,
            number,
            False,
            COMPUTING,
            ratio=significant(one.value),
            low=finite(one.low) or None,
            high=finite(one.high),
            word=one.word,
            label=f"{one.value:.2f}, {moved:.2f} with transfer",
            at=significant(at) if at and number == max(curve.ratios) else None,
            name=_name(curve),
        )
        yield DeviceRow(implementation, framework, number, False, WITH_TRANSFER, significant(moved))


def _crossings(curve: Curve) -> Iterator[DeviceRow]:
    both = ((COMPUTING, curve.crossing), (WITH_TRANSFER, curve.crossing_with_transfer))
    for kind, crossing in both:
        if crossing and crossing.known and _inside(crossing):
            yield DeviceRow(
                curve.of.implementation,
                curve.of.implementation.split("_")[0],
                significant(crossing.value),
                True,
                kind,
                ratio=1.0,
                size_low=finite(crossing.low),
                size_high=finite(crossing.high),
            )


def _inside(crossing: Crossing) -> bool:
    """Whether it lies between the sizes that were measured."""
    return 0 < crossing.value < float("inf")


def _name(curve: Curve) -> str:
    name, found = curve.of.implementation, curve.crossing
    return f"{name} · {found.value:,.0f}" if found and found.known and _inside(found) else name


def message(curves: Sequence[Curve]) -> str:
    """Return from which size on a GPU is faster, in the implementation in which that is smallest."""
    swept = [curve for curve in curves if curve.crossing]
    if swept:
        first = min(swept, key=lambda curve: curve.crossing.value if curve.crossing else 0.0)
        return f"in {first.of.implementation} the GPU is faster {faster_from(first)}"
    every = [(one, curve.of.implementation) for curve in curves for one in curve.ratios.values()]
    known = [(one.value, name) for one, name in every if one.known]
    if not known:
        return "this run cannot tell whether the GPU is faster"
    value, best = min(known)
    return f"in {best} the GPU takes {formatting.digits(value)} times the CPU's time"


def sizes_chart(rows: Sequence[DeviceRow], size: str) -> alt.TopLevelMixin:
    """Return a chart of a line for each implementation over the sizes; where it crosses 1 is marked."""
    points = data().transform_filter("!datum.crossing")
    numbers = sorted({row.size for row in rows if not row.crossing})
    x = alt.X("size:Q", scale=alt.Scale(type="log", nice=False, padding=10), title=size,
              axis=alt.Axis(format=",d", values=numbers, labelOverlap="greedy",
                            labelSeparation=LETTER // 2))  # fmt: skip
    y, colour = ratio_axis(alt.Y, _values(rows), "GPU over CPU, logarithmic"), framework_colour(rows)
    dash = alt.StrokeDash(
        "kind:N", title=None, scale=alt.Scale(domain=[COMPUTING, WITH_TRANSFER], range=[[1, 0], [5, 4]])
    )
    detail = alt.Detail("implementation:N")
    marked = data().transform_filter("datum.crossing")
    return over(
        data().mark_rule(strokeDash=[2, 3]).encode(y=alt.YDatum(1)),
        points.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour, strokeDash=dash, detail=detail),
        points.mark_rule(strokeWidth=2).encode(x=x, y=alt.Y("low:Q"), y2=alt.Y2("high:Q"), color=colour),
        points.transform_filter("datum.at != null").mark_text(align="left", dx=6).encode(
            x=x, y=alt.Y("at:Q"), text=alt.Text("name:N")
        ),
        marked.mark_point(size=80, filled=True, opacity=1).encode(x=x, y=y, color=colour),
        height=HEIGHT,
    )  # fmt: skip


def one_chart(rows: Sequence[DeviceRow]) -> alt.TopLevelMixin:
    """Return a chart of a point with its interval for each implementation, and a ring that has the transfer
    in it."""
    x, colour = ratio_axis(alt.X, _values(rows), "GPU over CPU, logarithmic"), framework_colour(rows)
    computing, moving = (
        data().transform_filter(f"datum.kind == '{kind}'") for kind in (COMPUTING, WITH_TRANSFER)
    )
    line = computing.mark_rule(strokeWidth=2)
    return over(
        data().mark_rule(strokeDash=[4, 3]).encode(x=alt.XDatum(1)),
        line.encode(x=alt.X("low:Q"), x2=alt.X2("high:Q"), y=names(rows), color=colour),
        computing.mark_point(size=70, filled=True, opacity=1).encode(x=x, y=names(rows), color=colour),
        moving.mark_point(size=70, strokeWidth=2).encode(x=x, y=names(rows), color=colour),
        beside("label").transform_filter(f"datum.kind == '{COMPUTING}'").encode(y=names(rows)),
    )


def _values(rows: Sequence[DeviceRow]) -> list[float | None]:
    return [value for row in rows for value in (row.ratio, row.low, row.high)]
