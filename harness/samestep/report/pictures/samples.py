"""Was the machine stable: every sample over the time of the run, against the others of its cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import altair as alt

from samestep.records.schema import Record, Sample
from samestep.report.picture import Picture, as_rows, significant, thinned
from samestep.report.pictures.marks import data, over

UNDISTURBED, DISTURBED, REMEASURED = "undisturbed", "disturbed", "re-measured"
#: What became of a sample, and how it is drawn.
COLOURS = {UNDISTURBED: "#7A7A7A", DISTURBED: "#D55E00", REMEASURED: "#0072B2"}
SHAPES = {UNDISTURBED: "circle", DISTURBED: "triangle-up", REMEASURED: "cross"}


@dataclass(frozen=True)
class SampleRow:
    """A sample: minutes since the first one, and its time over the median of its cell and task."""

    minutes: float
    ratio: float
    state: str
    cell: str
    task: str


def pictures(records: Sequence[Record]) -> Iterator[Picture]:
    """Return one of the whole run, where its records say when they were taken."""
    rows = sample_rows(records)
    if rows:
        disturbed = sum(row.state != UNDISTURBED for row in rows)
        shown = thinned(rows, kind=lambda row: row.state, value=lambda row: row.ratio)
        thin = "" if shown == rows else f"{len(shown)} of {len(rows)} are drawn, the extremes among them. "
        yield Picture(
            "stability", "stability",
            f"{_scatter(rows)}; {disturbed} of {len(rows)} were disturbed",
            "Each sample's time over the median of its cell and task, as the run went on. "
            f"{thin}Disturbed: other processes took the processor meanwhile; where such a sample was "
            "re-measured, the first one does not count. Samples of the A/A control are among them.",
            as_rows(shown), chart(), {},
        )  # fmt: skip


def sample_rows(records: Sequence[Record]) -> list[SampleRow]:
    """Return each sample of which the run knows when it was taken."""
    samples = [
        (record, record.time) for record in records if isinstance(record, Sample) and record.time is not None
    ]
    of_kind: dict[tuple[str, str], list[float]] = {}
    for record, _ in samples:
        of_kind.setdefault((record.cell, record.task), []).append(record.seconds_per_call)
    usual = {kind: median(times) for kind, times in of_kind.items()}
    start = min((time for _, time in samples), default=0.0)
    return [
        SampleRow(
            minutes=significant((time - start) / 60),
            ratio=significant(record.seconds_per_call / usual[record.cell, record.task]),
            state=_state(record),
            cell=record.cell,
            task=record.task,
        )
        for record, time in samples
    ]


def _scatter(rows: Sequence[SampleRow]) -> str:
    """Return how far most samples are from the median of their cell and task."""
    within = sorted(abs(row.ratio - 1) for row in rows)[int(0.9 * (len(rows) - 1))]
    if within >= 1:  # so it is above the median, as no time is below 0
        many = sum(row.ratio >= 2 for row in rows) / len(rows)
        return f"{100 * many:.0f} % of the samples take more than twice the median of their cell and task"
    return f"Nine in ten samples are within {100 * within:.0f} % of the median of their cell and task"


def _state(sample: Sample) -> str:
    if sample.repeated:
        return REMEASURED
    return DISTURBED if sample.disturbed else UNDISTURBED


def chart() -> alt.TopLevelMixin:
    """Return a chart of a point for each sample, those that were disturbed above the others."""
    scale = alt.Scale(type="log", nice=False, padding=6)
    x = alt.X("minutes:Q", title="minutes since the first sample")
    y = alt.Y(
        "ratio:Q",
        scale=scale,
        title="time over the median of its cell and task",
        axis=alt.Axis(format="~g", tickCount=6),
    )
    states = list(COLOURS)
    colour = alt.Color("state:N", title=None, scale=alt.Scale(domain=states, range=list(COLOURS.values())))
    shape = alt.Shape("state:N", title=None, scale=alt.Scale(domain=states, range=list(SHAPES.values())))
    points = data().encode(x=x, y=y, color=colour, shape=shape)
    undisturbed, others = (f"datum.state {sign} '{UNDISTURBED}'" for sign in ("==", "!="))
    one = data().mark_rule(strokeDash=[4, 3]).encode(y=alt.YDatum(1))
    return over(
        one,
        points.mark_point(size=6, opacity=0.5).transform_filter(undisturbed),
        points.mark_point(size=18, opacity=0.7).transform_filter(others),
        height=260,
    )
