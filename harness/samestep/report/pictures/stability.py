"""Was the machine calm: every sample over the time of the run, against the others of its cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

import altair as alt

from samestep.report.picture import Picture, Row, rounded, thinned
from samestep.report.pictures.marks import data, over

Records = Sequence[Mapping[str, Any]]

#: What became of a sample, and how it is drawn.
STATES = {"calm": "#7A7A7A", "disturbed": "#D55E00", "taken again": "#0072B2"}
SHAPES = {"calm": "circle", "disturbed": "triangle-up", "taken again": "cross"}


def pictures(about: Mapping[str, Any], records: Records) -> Iterator[Picture]:
    """One of the whole run, where its records say when they were taken."""
    rows = sample_rows(records)
    if rows:
        disturbed = sum(row["state"] != "calm" for row in rows)
        shown = thinned(rows, "state", "ratio")
        told = f"{len(shown)} of {len(rows)} are drawn, the extremes among them. " if shown != rows else ""
        within = sorted(abs(row["ratio"] - 1) for row in rows)[int(0.9 * (len(rows) - 1))]
        yield Picture(
            "calm", "calm",
            f"Nine in ten samples are within {100 * within:.0f} % of the others of their kind; "
            f"{disturbed} of {len(rows)} were disturbed",
            "Each sample's time over the median of its task and implementation, as the run went on. "
            f"{told}Disturbed: others took the processor meanwhile; where such a sample was taken again, the "
            "first does not count. The baseline's second name is among them.",
            shown, chart(), {},
        )  # fmt: skip


def sample_rows(records: Records) -> list[Row]:
    """Each sample: minutes since the first, and its time over the median of its cell and task."""
    samples = [record for record in records if record["kind"] == "sample" and "time" in record]
    of_kind: dict[tuple[str, str], list[float]] = {}
    for record in samples:
        of_kind.setdefault((record["cell"], record["task"]), []).append(record["seconds"] / record["loops"])
    usual = {kind: median(times) for kind, times in of_kind.items()}
    began = min((record["time"] for record in samples), default=0.0)
    return [
        {
            "minutes": rounded((record["time"] - began) / 60),
            "ratio": rounded(record["seconds"] / record["loops"] / usual[record["cell"], record["task"]]),
            "state": _state(record),
            "cell": record["cell"], "task": record["task"],
        }
        for record in samples
    ]  # fmt: skip


def _state(record: Mapping[str, Any]) -> str:
    if record.get("repeated"):
        return "taken again"
    return "disturbed" if record["disturbed"] else "calm"


def chart() -> alt.TopLevelMixin:
    """A point for each sample, those that were disturbed above the others."""
    scale = alt.Scale(type="log", nice=False, padding=6)
    x = alt.X("minutes:Q", title="minutes since the first sample")
    y = alt.Y(
        "ratio:Q",
        scale=scale,
        title="time over the median of its kind",
        axis=alt.Axis(format="~g", tickCount=6),
    )
    named = list(STATES)
    colour = alt.Color("state:N", title=None, scale=alt.Scale(domain=named, range=list(STATES.values())))
    shape = alt.Shape("state:N", title=None, scale=alt.Scale(domain=named, range=list(SHAPES.values())))
    points = data().encode(x=x, y=y, color=colour, shape=shape)
    calm = points.mark_point(size=6, opacity=0.5).transform_filter("datum.state == 'calm'")
    others = points.mark_point(size=18, opacity=0.7).transform_filter("datum.state != 'calm'")
    one = data().mark_rule(strokeDash=[4, 3]).encode(y=alt.YDatum(1))
    return over(one, calm, others, height=260)
