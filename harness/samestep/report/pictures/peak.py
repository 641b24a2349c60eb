"""How near the machine's peak: matrix flop/s over those of its best large matrix product."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import altair as alt

from samestep.analysis.summary import CellSummary, peaks
from samestep.report import formatting
from samestep.report.picture import Picture, Row, rounded
from samestep.report.pictures.groups import Group, groups
from samestep.report.pictures.marks import beside, colour, data, names, over

#: Of less there is no bar to be seen.
LEAST = 1e-3


def pictures(about: Mapping[str, Any], summaries: Sequence[CellSummary]) -> Iterator[Picture]:
    """One for each case, dtype, device and task."""
    best = peaks(summaries)
    for group in groups(about, summaries):
        rows = rate_rows(group)
        if rows and rows[0]["fraction"] >= LEAST:
            first, share = rows[0]["implementation"], formatting.percent(rows[0]["fraction"])
            rate = formatting.flop_rate(best[group.dtype, group.device])
            yield Picture(
                group.name("peak"), "peak", f"{group.where}: {first} comes to {share} of the machine's peak",
                f"The flop/s of its matrix products over {rate}, the rate of the best large one in the same "
                f"run, {group.dtype}, {group.device}. The rest goes to calls, memory and other operations.",
                rows, chart(rows), group.filters,
            )  # fmt: skip


def rate_rows(group: Group) -> list[Row]:
    """The fraction of the peak and the flop/s of each implementation, the highest first."""
    rows: list[Row] = []
    for cell in group.cells:
        timed = group.of(cell)
        if timed.fraction_of_peak is not None:
            rate = timed.flops / timed.seconds.value
            rows.append({
                "implementation": group.label(cell), "framework": cell.cell["framework"],
                "fraction": rounded(timed.fraction_of_peak), "flops_per_second": rounded(rate),
                "label": f"{formatting.percent(timed.fraction_of_peak)} · {formatting.flop_rate(rate)}",
            })  # fmt: skip
    return sorted(rows, key=lambda row: -row["fraction"])


def chart(rows: Sequence[Row]) -> alt.TopLevelMixin:
    """A bar for each implementation, up to the whole peak."""
    whole = max(1.0, *(row["fraction"] for row in rows))
    x = alt.X(
        "fraction:Q", scale=alt.Scale(domain=[0, whole]), axis=alt.Axis(format="%"),
        title="of the flop/s of the machine's best large matrix product",
    )  # fmt: skip
    bars = data().mark_bar(size=13).encode(x=x, y=names(rows), color=colour(rows))
    return over(bars, beside("label").encode(y=names(rows)))
