"""Pictures of a run, one definition each: Altair charts, written as SVG and PNG by vl-convert."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import SamestepError
from harness.store import Run

#: Okabe and Ito's colours, which colour-blind readers tell apart.
COLOURS = {
    "numpy": "#000000", "sympy": "#999999", "torch": "#D55E00", "tensorflow": "#E69F00", "jax": "#0072B2",
    "keras": "#CC79A7", "sklearn": "#009E73",
}  # fmt: skip
MISSING = "pictures need Altair: python -m pip install 'samestep[report]'"

Rows = list[dict[str, Any]]


def available() -> bool:
    return all(importlib.util.find_spec(name) for name in ("altair", "vl_convert"))


def write(run: Run) -> list[Path]:
    """The pictures of a run beside its records: errors in sigma, and free runs, for each group of cells."""
    about, records = run.about, list(run.records())
    cells = {cell["key"]: cell for cell in about["cells"]}
    written = []
    for name, chart in charts(cells, records):
        for suffix in ("svg", "png"):
            path = run.folder / f"{name}.{suffix}"
            try:
                chart.save(path, **({"scale_factor": 2} if suffix == "png" else {}))
            except OSError as error:
                raise SamestepError(f"{path} cannot be written: {error.strerror}") from error
            written.append(path)
    return written


def charts(
    cells: Mapping[str, Mapping[str, Any]], records: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, Any]]:
    """(file name, chart) of each group of cells that has something to show."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for key, cell in cells.items():
        if cell.get("twin"):  # the same code once more
            continue
        groups.setdefault((cell["workload"], cell["case"], cell["dtype"], cell["device"]), []).append(key)
    for group, keys in groups.items():
        title = "{}:{}, {}, {}".format(*group)
        errors = error_rows({key: cells[key] for key in keys}, records)
        if errors:
            yield "-".join(("errors", *group)), errors_chart(errors, title)
        free = trajectory_rows({key: cells[key] for key in keys}, records)
        if free:
            yield "-".join(("trajectory", *group)), trajectory_chart(free, title)


def error_rows(cells: Mapping[str, Mapping[str, Any]], records: Sequence[Mapping[str, Any]]) -> Rows:
    """Each tensor of each cell: its worst element in sigma, from the cell's first verdict."""
    rows: Rows = []
    seen = set()
    for record in records:
        key = str(record.get("cell"))
        if record["kind"] != "verdict" or key not in cells or key in seen:
            continue
        seen.add(key)
        for tensor, about in record.get("tensors", {}).items():
            if isinstance(about, Mapping):  # runs before statistical limits kept one number
                rows.append({
                    "tensor": tensor, "implementation": cells[key]["implementation"],
                    "framework": cells[key]["framework"],
                    "error": max(float(about["elements"]), FLOOR), "limit": float(about["elements_limit"]),
                })  # fmt: skip
    return rows


#: What is smaller is drawn here: a logarithmic axis has no 0.
FLOOR = 1e-2


def trajectory_rows(cells: Mapping[str, Mapping[str, Any]], records: Sequence[Mapping[str, Any]]) -> Rows:
    return [
        {
            "step": step, "distance": distance, "implementation": cells[record["cell"]]["implementation"],
            "framework": cells[record["cell"]]["framework"],
        }
        for record in records
        if record["kind"] == "trajectory" and record["cell"] in cells
        for step, distance in enumerate(record["distance"], start=1)
        if isinstance(distance, float) and distance > 0
    ]  # fmt: skip


def _colour(rows: Rows) -> Any:
    import altair as alt

    names = [name for name in COLOURS if any(row["framework"] == name for row in rows)]
    scale = alt.Scale(domain=names, range=[COLOURS[name] for name in names])
    return alt.Color("framework:N", scale=scale, title="framework")


def errors_chart(rows: Rows, group: str) -> Any:
    """A strip for each tensor, a tick for each implementation, and the limit as a line."""
    import altair as alt

    order = list(dict.fromkeys(row["tensor"] for row in rows))
    base = alt.Chart(alt.InlineData(values=rows))
    y = alt.Y("tensor:N", sort=order, title=None)
    x = alt.X(
        "error:Q", scale=alt.Scale(type="log", domain=[FLOOR, 100]),
        title="worst error of an element, in standard deviations of honest rounding (sigma)",
    )  # fmt: skip
    ticks = base.mark_tick(thickness=2, size=14, opacity=0.8).encode(x=x, y=y, color=_colour(rows))
    limits = base.mark_tick(thickness=3, size=18, color="#B00020").encode(x=alt.X("limit:Q"), y=y)
    title = alt.TitleParams(
        f"{group}: how far each implementation is from the reference", anchor="start",
        subtitle=[
            "One tick for each implementation, at the step that came nearest to its limit. Red: the limit,",
            "22 sigma where sigma is known from 100 runs with noise, 34 where from 24.",
        ],
    )  # fmt: skip
    return alt.layer(ticks, limits).properties(title=title, width=520, height={"step": 20})


def trajectory_chart(rows: Rows, group: str) -> Any:
    """Distance from the reference over the steps of a free run."""
    import altair as alt

    title = alt.TitleParams(
        f"{group}: a free run leaves the reference", anchor="start",
        subtitle="one line for each implementation; reported, never judged",
    )  # fmt: skip
    return (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(opacity=0.7, strokeWidth=1.5)
        .encode(
            x=alt.X("step:Q", title="training step"),
            y=alt.Y(
                "distance:Q",
                scale=alt.Scale(type="log"),
                axis=alt.Axis(format="~e"),
                title="distance of the weights, relative",
            ),
            color=_colour(rows),
            detail="implementation:N",
        )
        .properties(title=title, width=520, height=260)
    )
