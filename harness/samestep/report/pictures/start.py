"""What does starting cost, and from when on has a dear start paid."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np

from samestep.analysis.summary import DEARER, CellSummary, pays_from
from samestep.report import formatting
from samestep.report.picture import Picture, Row, rounded
from samestep.report.pictures.groups import Group, seconds, trained
from samestep.report.pictures.marks import HEIGHT, LINE, apart, colour, data, names, over

#: From import to the end of the first call, and how each part is drawn.
PARTS = {"import": "#9ECAE1", "build": "#E6AB02", "first call": "#C2599B"}

#: Points of a curve, and how far beyond a crossing it goes.
POINTS, BEYOND = 40, 10.0


@dataclass(frozen=True)
class Dear:
    """An implementation whose start is dear, the one that it is held against, and from how many calls on it
    has paid; inf where it never does."""

    cell: CellSummary
    against: str
    calls: float


def pictures(about: Mapping[str, Any], summaries: Sequence[CellSummary]) -> Iterator[Picture]:
    """For each group the parts of a start; and for each framework with a dear start where that has paid."""
    for group in trained(about, summaries):
        rows = part_rows(group)
        if rows:
            dearest = rows[-1]
            yield Picture(
                group.name("start"), "start",
                f"{group.where}: {dearest['implementation']} is ready after {dearest['label']}, "
                f"{rows[0]['implementation']} after {rows[0]['label']}",
                "Seconds until the first result in a fresh process, compilers' caches empty: importing "
                "the framework; data and what the rung builds; the first call, with tracing and compiling. "
                f"The import alone: {_imports(rows)}.",
                rows, parts_chart(rows), group.filters,
            )  # fmt: skip
        for framework in dict.fromkeys(cell.cell["framework"] for cell in group.cells):
            yield from _break_even(summaries, group, framework)


def part_rows(group: Group) -> list[Row]:
    """Import, build and first call of each implementation, the one that is ready first above."""
    rows: list[Row] = []
    for cell in group.cells:
        timed = group.of(cell)
        parts = (cell.import_seconds, cell.build_seconds, timed.first_call_seconds)
        if None in parts:
            continue
        total = sum(part or 0.0 for part in parts)
        rows += [
            {
                "implementation": group.label(cell), "framework": cell.cell["framework"], "part": name,
                "order": number, "seconds": rounded(part), "total": rounded(total),
                "label": formatting.seconds(total),
            }
            for number, (name, part) in enumerate(zip(PARTS, parts, strict=True))
        ]  # fmt: skip
    return sorted(rows, key=lambda row: (row["total"], row["implementation"], row["order"]))


def _imports(rows: Sequence[Row]) -> str:
    """Of each framework, the quickest first."""
    found = {row["framework"]: row["seconds"] for row in rows if row["part"] == "import"}
    return ", ".join(
        f"{name} {formatting.seconds(found[name])}" for name in sorted(found, key=lambda one: found[one])
    )


def parts_chart(rows: Sequence[Row]) -> alt.TopLevelMixin:
    """A bar for each implementation, its parts one after the other, and the whole in words."""
    scale = alt.Scale(domain=list(PARTS), range=list(PARTS.values()))
    x = alt.X("seconds:Q", title="seconds until the first result is there")
    bars = data().mark_bar(size=13).encode(
        x=x, y=names(rows), color=alt.Color("part:N", scale=scale, title=None), order=alt.Order("order:Q")
    )  # fmt: skip
    whole = data().transform_filter("datum.order == 0").mark_text(align="left", dx=5)
    return over(bars, whole.encode(x=alt.X("total:Q"), y=names(rows), text=alt.Text("label:N")))


# -- break-even ----------------------------------------------------------------------------------------


def _break_even(summaries: Sequence[CellSummary], group: Group, framework: str) -> Iterator[Picture]:
    rows = total_rows(summaries, group, framework)
    if rows:
        yield Picture(
            f"{group.name('break-even')}-{framework}", "start",
            f"{group.where}, {framework}: {message(summaries, group, framework)}",
            "Total time of so many training steps: build, the first call, and the steps. A dear start "
            f"(more than {DEARER:g} times another's) has paid where its line crosses the last dashed one.",
            rows, total_chart(rows), group.filters,
        )  # fmt: skip


def dear(summaries: Sequence[CellSummary], group: Group, framework: str) -> list[Dear]:
    """The framework's implementations whose start is dear."""
    return [
        Dear(cell, str(pays[0].cell["implementation"]), pays[1])
        for cell in group.cells
        if cell.cell["framework"] == framework and (pays := pays_from(summaries, cell, group.task))
    ]


def _paying(found: Sequence[Dear]) -> list[Dear]:
    """Those whose start pays at all, the one that pays first above."""
    return sorted((one for one in found if one.calls < math.inf), key=lambda one: one.calls)


def message(summaries: Sequence[CellSummary], group: Group, framework: str) -> str:
    """From when on each dear start pays that does."""
    paid = _paying(dear(summaries, group, framework))
    return "; ".join(_pays(group, one) for one in paid) or "no dear start pays for itself"


def _pays(group: Group, one: Dear) -> str:
    if one.calls <= 1:
        return f"{group.label(one.cell)} pays from the first call on"
    steps = formatting.rounded(one.calls * (group.of(one.cell).steps or 1))
    return f"{group.label(one.cell)} pays from {steps} steps on"


def total_rows(summaries: Sequence[CellSummary], group: Group, framework: str) -> list[Row]:
    """Points of the curve of each implementation with a dear start and of those that it is held against; and
    the crossings, those of the first call aside: the curves begin there."""
    found = dear(summaries, group, framework)
    against = {one.against for one in found}
    cheap = [cell for cell in group.cells if cell.cell["implementation"] in against]
    shown = [*cheap, *(one.cell for one in found if one.cell not in cheap)]
    if not shown:
        return []
    paid = [one for one in _paying(found) if one.calls > 1]
    last = max([1000.0, *(BEYOND * one.calls for one in paid)])
    ends = {group.label(cell): _total(group, cell, last) for cell in shown}
    at = apart(ends, min(_total(group, cell, 1) for cell in shown), max(ends.values()))
    notes = {group.label(one.cell): _note(one.calls) for one in found}
    rows: list[Row] = []
    for cell in shown:
        kind, name = "cheap start" if cell in cheap else "dear start", group.label(cell)
        rows += [_point(group, cell, kind, calls) for calls in np.geomspace(1, last, POINTS).tolist()]
        rows[-1] |= {"at": rounded(at[name]), "label": name + notes.get(name, "")}
    for place, one in enumerate(paid):
        row = _point(group, one.cell, "dear start", one.calls)
        rows.append({**row, "place": place, "against": one.against, "label": _pays(group, one)})
    return rows


def _note(calls: float) -> str:
    """What no crossing says, since there is none."""
    return ", never pays" if calls == math.inf else ", pays at once" if calls <= 1 else ""


def _point(group: Group, cell: CellSummary, kind: str, calls: float) -> Row:
    timed = group.of(cell)
    return {
        "implementation": group.label(cell), "framework": cell.cell["framework"], "kind": kind,
        "steps": rounded(calls * (timed.steps or 1)), "seconds": rounded(_total(group, cell, calls)),
        "seconds_per_step": rounded(seconds(timed)), "place": None, "against": None, "at": None,
        "label": None,
    }  # fmt: skip


def _total(group: Group, cell: CellSummary, calls: float) -> float:
    """Seconds of the start and of so many calls more."""
    return (cell.start_seconds(group.task) or 0.0) + calls * group.of(cell).seconds.value


def total_chart(rows: Sequence[Row]) -> alt.TopLevelMixin:
    """A line for each implementation; where a dear one crosses the last cheap one is marked and said."""
    kinds = sorted({row["kind"] for row in rows})
    dashes = [[5, 4] if kind == "cheap start" else [1, 0] for kind in kinds]
    dash = alt.StrokeDash("kind:N", title=None, scale=alt.Scale(domain=kinds, range=dashes))
    scale, decades = alt.Scale(type="log", nice=False), [10**power for power in range(-6, 12)]
    x = alt.X("steps:Q", scale=scale, title="training steps after the first call",
              axis=alt.Axis(format="~s", values=decades))  # fmt: skip
    y = alt.Y("seconds:Q", scale=scale, title="seconds in all, logarithmic",
              axis=alt.Axis(format="~g", values=decades))  # fmt: skip
    shades = colour(rows, legend=None)
    lines, crossings = (data().transform_filter(f"datum.place {sign} null") for sign in ("==", "!="))
    ends = lines.transform_filter("datum.at != null").mark_text(align="left", dx=6)
    said = [
        crossings.transform_filter(f"datum.place == {place}").mark_text(
            align="left", dx=4, dy=LINE * (place + 1)
        )
        for place in range(sum(row["place"] is not None for row in rows))
    ]
    who, label = alt.Detail("implementation:N"), alt.Text("label:N")
    return over(
        lines.mark_line(strokeWidth=2).encode(x=x, y=y, color=shades, strokeDash=dash, detail=who),
        crossings.mark_point(size=90, filled=True, opacity=1).encode(x=x, y=y, color=shades),
        ends.encode(x=x, y=alt.Y("at:Q"), text=label),
        *(text.encode(x=x, y=y, text=label) for text in said),
        height=HEIGHT,
    )
