"""Do they agree: how far each implementation is from the reference, and where free runs go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import altair as alt

from samestep.catalog.cell import Cell
from samestep.records.schema import CellFreeRun, CellVerdict, Record
from samestep.report.picture import Picture, as_rows, significant, thinned
from samestep.report.pictures.marks import data, framework_colour, over

#: Cells by their keys.
Cells = Mapping[str, Cell]

#: What is smaller is drawn here: a logarithmic axis has no 0.
FLOOR = 1e-2
DECADES = [10.0**power for power in range(-16, 7)]


@dataclass(frozen=True)
class ErrorRow:
    """The worst element of a tensor, and its limit, in sigma."""

    tensor: str
    implementation: str
    framework: str
    error: float
    limit: float


@dataclass(frozen=True)
class FreeRunRow:
    """The relative distance of the parameters from the reference's after a step of a free run."""

    step: int
    distance: float
    implementation: str
    framework: str


def pictures(cells: Cells, records: Sequence[Record]) -> Iterator[Picture]:
    """Return of each group of cells that has something to show: errors in sigma, and free runs."""
    groups: dict[tuple[str, ...], dict[str, Cell]] = {}
    for key, cell in cells.items():
        if not cell.aa_copy:
            groups.setdefault((cell.workload, cell.case, cell.dtype, cell.device), {})[key] = cell
    for group, mine in groups.items():
        filters = dict(zip(("workload", "case", "device"), (*group[:2], group[3]), strict=True))
        where = "{}:{}, {}, {}".format(*group)
        errors = error_rows(mine, records)
        if errors:
            yield Picture(
                "-".join(("errors", *group)), "agreement", f"{where}: how far each is from the reference",
                "The worst error of every tensor, a tick for each implementation, at the step that came "
                "nearest to its limit. Red: the limit, 22 sigma where sigma is known from 100 runs with "
                "noise, 34 where from 24.",
                as_rows(errors), errors_chart(errors), filters,
            )  # fmt: skip
        free = free_run_rows(mine, records)
        if max((row.step for row in free), default=0) > 1:  # of one step there is no way to show
            yield Picture(
                "-".join(("trajectory", *group)), "agreement", f"{where}: a free run leaves the reference",
                "The relative distance of the parameters from the reference's, step by step, a line for each "
                "implementation; reported, never judged. Where one jumps, rounding has moved an input of a "
                "ReLU across 0, as seen from the float64 reference.",
                as_rows(free), free_run_chart(free), filters,
            )  # fmt: skip


def error_rows(cells: Cells, records: Sequence[Record]) -> list[ErrorRow]:
    """Return each tensor of each cell: its worst element in sigma, from the first verdict in the cell's
    dtype."""
    first: dict[str, CellVerdict] = {}
    for record in records:
        if not isinstance(record, CellVerdict) or record.cell not in cells:
            continue
        if record.checked_in in (None, cells[record.cell].dtype):
            first.setdefault(record.cell, record)
    return [
        ErrorRow(
            tensor,
            cells[key].implementation,
            cells[key].framework,
            error=significant(max(statistics.elements, FLOOR)),
            limit=significant(statistics.elements_limit),
        )
        for key, record in first.items()
        for tensor, statistics in record.verdict.tensors.items()
    ]


def free_run_rows(cells: Cells, records: Sequence[Record]) -> list[FreeRunRow]:
    """Return the distance of the parameters at each step of each free run, no more than a chart can show."""
    rows = [
        FreeRunRow(
            step, significant(distance), cells[record.cell].implementation, cells[record.cell].framework
        )
        for record in records
        if isinstance(record, CellFreeRun) and record.cell in cells
        for step, distance in enumerate(record.run.distance, start=1)
        if 0 < distance < float("inf")
    ]
    return thinned(rows, kind=lambda row: row.implementation, value=lambda row: row.distance)


def errors_chart(rows: Sequence[ErrorRow]) -> alt.TopLevelMixin:
    """Return a chart of a strip for each tensor, a tick for each implementation, and the limit as a line."""
    order = list(dict.fromkeys(row.tensor for row in rows))
    y = alt.Y("tensor:N", sort=order, title=None)
    x = alt.X(
        "error:Q", scale=alt.Scale(type="log", domain=[FLOOR, 100]),
        axis=alt.Axis(format="~g", values=DECADES),
        title="worst error of an element, in standard deviations of rounding errors (sigma)",
    )  # fmt: skip
    ticks = data().mark_tick(thickness=2, size=14, opacity=0.8)
    limits = data().mark_tick(thickness=3, size=18, color="#D0103A").encode(x=alt.X("limit:Q"), y=y)
    return over(ticks.encode(x=x, y=y, color=framework_colour(rows)), limits)


def free_run_chart(rows: Sequence[FreeRunRow]) -> alt.TopLevelMixin:
    """Return a chart of the distance from the reference over the steps of a free run."""
    y = alt.Y(
        "distance:Q", scale=alt.Scale(type="log"), axis=alt.Axis(format="~e", values=DECADES),
        title="relative distance of the parameters",
    )  # fmt: skip
    lines = data().mark_line(opacity=0.7, strokeWidth=1.5)
    chart = lines.encode(
        x=alt.X("step:Q", title="training step"),
        y=y,
        color=framework_colour(rows),
        detail=alt.Detail("implementation:N"),
    )
    return over(chart, height=260)
