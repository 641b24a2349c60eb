"""Do they agree: how far each implementation is from the reference, and where free runs go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import altair as alt

from samestep.report.picture import Picture, Row, rounded, thinned
from samestep.report.pictures.marks import colour, data, over

Cells = Mapping[str, Mapping[str, Any]]
Records = Sequence[Mapping[str, Any]]

#: What is smaller is drawn here: a logarithmic axis has no 0.
FLOOR = 1e-2
DECADES = [10.0**power for power in range(-16, 7)]


def pictures(cells: Cells, records: Records) -> Iterator[Picture]:
    """Of each group of cells that has something to show: errors in sigma, and free runs."""
    groups: dict[tuple[str, ...], dict[str, Mapping[str, Any]]] = {}
    for key, cell in cells.items():
        if not cell.get("twin"):  # the same code once more
            named = ("workload", "case", "dtype", "device")
            groups.setdefault(tuple(str(cell[name]) for name in named), {})[key] = cell
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
                errors, errors_chart(errors), filters,
            )  # fmt: skip
        free = trajectory_rows(mine, records)
        if max((row["step"] for row in free), default=0) > 1:  # of one step there is no way to show
            yield Picture(
                "-".join(("trajectory", *group)), "agreement", f"{where}: a free run leaves the reference",
                "The relative distance of the weights from the reference's, step by step, a line for each "
                "implementation; reported, never judged. Where one jumps, rounding has put an input of a "
                "ReLU on the other side of 0, as the reference in float64 sees it.",
                free, trajectory_chart(free), filters,
            )  # fmt: skip


def error_rows(cells: Cells, records: Records) -> list[Row]:
    """Each tensor of each cell: its worst element in sigma, from the first verdict in the cell's dtype."""
    rows: list[Row] = []
    seen = set()
    for record in records:
        key = str(record.get("cell"))
        if record["kind"] != "verdict" or key not in cells or key in seen:
            continue
        if record.get("checked_in") not in (None, cells[key]["dtype"]):
            continue
        seen.add(key)
        for tensor, about in (record.get("tensors") or {}).items():
            if isinstance(about, Mapping):  # runs before statistical limits kept one number
                rows.append({
                    "tensor": tensor, "implementation": cells[key]["implementation"],
                    "framework": cells[key]["framework"],
                    "error": rounded(max(float(about["elements"]), FLOOR)),
                    "limit": rounded(float(about["elements_limit"])),
                })  # fmt: skip
    return rows


def trajectory_rows(cells: Cells, records: Records) -> list[Row]:
    """The distance of the weights at each step of each free run, as many as can be told apart."""
    rows: list[Row] = [
        {
            "step": step, "distance": rounded(distance),
            "implementation": cells[record["cell"]]["implementation"],
            "framework": cells[record["cell"]]["framework"],
        }
        for record in records
        if record["kind"] == "trajectory" and record["cell"] in cells
        for step, distance in enumerate(record["distance"], start=1)
        if isinstance(distance, float) and distance > 0
    ]  # fmt: skip
    return thinned(rows, "implementation", "distance")


def errors_chart(rows: Sequence[Row]) -> alt.TopLevelMixin:
    """A strip for each tensor, a tick for each implementation, and the limit as a line."""
    order = list(dict.fromkeys(row["tensor"] for row in rows))
    y = alt.Y("tensor:N", sort=order, title=None)
    x = alt.X(
        "error:Q", scale=alt.Scale(type="log", domain=[FLOOR, 100]),
        axis=alt.Axis(format="~g", values=DECADES),
        title="worst error of an element, in standard deviations of honest rounding (sigma)",
    )  # fmt: skip
    ticks = data().mark_tick(thickness=2, size=14, opacity=0.8).encode(x=x, y=y, color=colour(rows))
    limits = data().mark_tick(thickness=3, size=18, color="#D0103A").encode(x=alt.X("limit:Q"), y=y)
    return over(ticks, limits)


def trajectory_chart(rows: Sequence[Row]) -> alt.TopLevelMixin:
    """Distance from the reference over the steps of a free run."""
    y = alt.Y(
        "distance:Q", scale=alt.Scale(type="log"), axis=alt.Axis(format="~e", values=DECADES),
        title="distance of the weights, relative",
    )  # fmt: skip
    lines = data().mark_line(opacity=0.7, strokeWidth=1.5)
    chart = lines.encode(
        x=alt.X("step:Q", title="training step"),
        y=y,
        color=colour(rows),
        detail=alt.Detail("implementation:N"),
    )
    return over(chart, height=260)
