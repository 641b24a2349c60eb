"""What does starting cost: the time until the first result, by its parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import altair as alt

from samestep.analysis.summary import CellSummary
from samestep.report import formatting
from samestep.report.picture import Picture, as_rows, significant
from samestep.report.pictures.marks import data, names, over
from samestep.report.pictures.task_groups import TaskGroup

#: From import to the end of the first call, and how each part is drawn.
PARTS = {"import": "#9ECAE1", "build": "#E6AB02", "first call": "#C2599B"}


@dataclass(frozen=True)
class PartRow:
    """One part of the start of an implementation; ``total`` is the time of all of them."""

    implementation: str
    framework: str
    part: str
    order: int
    seconds: float
    total: float
    label: str


def pictures(group: TaskGroup) -> Iterator[Picture]:
    """Return one where a start was recorded in all its parts."""
    rows = part_rows(group)
    if rows:
        first, last = rows[0], rows[-1]
        yield Picture(
            group.picture_name("start"), "start",
            f"{group.where}: {last.implementation} is ready after {last.label}, "
            f"{first.implementation} after {first.label}",
            "Seconds until the first result in a fresh process with empty compilation caches: importing "
            "the framework; building data and model; the first call, with tracing and compiling. "
            f"The import alone: {_imports(rows)}.",
            as_rows(rows), chart(rows), group.filters,
        )  # fmt: skip


def part_rows(group: TaskGroup) -> list[PartRow]:
    """Return import, build and first call of each implementation, the one that is ready first above."""
    rows: list[PartRow] = []
    for cell in group.cells:
        parts = _parts(cell, group)
        if parts is None:
            continue
        total = sum(parts)
        rows += [
            PartRow(
                implementation=group.label(cell),
                framework=cell.cell.framework,
                part=name,
                order=number,
                seconds=significant(part),
                total=significant(total),
                label=formatting.seconds(total),
            )
            for number, (name, part) in enumerate(zip(PARTS, parts, strict=True))
        ]
    return sorted(rows, key=lambda row: (row.total, row.implementation, row.order))


def _parts(cell: CellSummary, group: TaskGroup) -> tuple[float, float, float] | None:
    """Return the seconds of each of `PARTS`; None where one of them is not known."""
    first_call = group.timed(cell).first_call_seconds
    if cell.import_seconds is None or cell.build_seconds is None or first_call is None:
        return None
    return cell.import_seconds, cell.build_seconds, first_call


def _imports(rows: Sequence[PartRow]) -> str:
    """Return the import time of each framework, the quickest first."""
    found = {row.framework: row.seconds for row in rows if row.part == "import"}
    return ", ".join(
        f"{name} {formatting.seconds(found[name])}" for name in sorted(found, key=lambda one: found[one])
    )


def chart(rows: Sequence[PartRow]) -> alt.TopLevelMixin:
    """Return a chart of a bar for each implementation, its parts one after the other, and the total."""
    scale = alt.Scale(domain=list(PARTS), range=list(PARTS.values()))
    x = alt.X("seconds:Q", title="seconds until the first result is there")
    bars = data().mark_bar(size=13).encode(
        x=x, y=names(rows), color=alt.Color("part:N", scale=scale, title=None), order=alt.Order("order:Q")
    )  # fmt: skip
    whole = data().transform_filter("datum.order == 0").mark_text(align="left", dx=5)
    return over(bars, whole.encode(x=alt.X("total:Q"), y=names(rows), text=alt.Text("label:N")))
