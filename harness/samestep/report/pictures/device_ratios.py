"""CPU against GPU: how many times as long the same implementation takes, and from which size on less."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import altair as alt

from samestep.analysis.cpu_gpu import Curve
from samestep.report import formatting
from samestep.report.crossovers import since
from samestep.report.picture import LETTER, Picture, Row, rounded
from samestep.report.pictures.marks import HEIGHT, apart, beside, colour, data, names, over, ratios

COMPUTING, MOVING = "computing", "with the transfer"
#: How the transfer is drawn, and over sizes where it begins to pay.
HOW = {True: "Behind a name: the size from which on it is. Dashed:", False: "A ring:"}


def pictures(curves: Sequence[Curve]) -> Iterator[Picture]:
    """One for each case, dtype and task; over the sizes where a sweep made them."""
    found: dict[tuple[str, ...], list[Curve]] = {}
    for curve in curves:
        key = (curve.workload, curve.case, curve.dtype, curve.task, curve.size)
        found.setdefault(key, []).append(curve)
    for (workload, case, dtype, task, size), mine in found.items():
        rows = device_rows(mine)
        parts = ("devices", workload, case, dtype, task, size)
        name, title = "-".join(filter(None, parts)), f"{workload}:{case}, {task}: {message(mine)}"
        yield Picture(
            name, "devices", title,
            f"Time of a call on the GPU over that on the CPU, in {dtype}, with its 95 % interval: below 1 "
            f"the GPU is faster. {HOW[bool(size)]} with the inputs brought there and the results back.",
            rows, sizes_chart(rows, size) if size else one_chart(rows),
            {"workload": workload, "case": case, "task": task},
        )  # fmt: skip


def device_rows(curves: Sequence[Curve]) -> list[Row]:
    """The ratio of each implementation at each size, with and without the transfer; then its crossings. Where
    the GPU gains most at the largest size stands above.

    ``at`` is where its ``name`` stands, at the end of its curve, and with it where the GPU begins to pay.
    """
    every = [one.value for curve in curves for one in curve.ratios.values()]
    ends = {curve.implementation: curve.ratios[max(curve.ratios)].value for curve in curves}
    at = apart(ends, min(every), max([*every, 1.0]))
    rows: list[Row] = []
    for curve in sorted(curves, key=lambda curve: ends[curve.implementation]):
        who = {"implementation": curve.implementation, "framework": curve.implementation.split("_")[0]}
        for number, one in sorted(curve.ratios.items()):
            point, moved = {**who, "size": number, "crossing": False}, curve.with_transfer[number]
            rows.append({
                **point, "kind": COMPUTING, "ratio": rounded(one.value), "low": rounded(one.low or None),
                "high": rounded(one.high), "word": one.word,
                "label": f"{one.value:.2f}, {moved:.2f} with transfer",
                "at": rounded(at[curve.implementation]) if number == max(curve.ratios) else None,
                "name": _name(curve),
            })  # fmt: skip
            rows.append({**point, "kind": MOVING, "ratio": rounded(moved)})
        for kind, crossing in ((COMPUTING, curve.crossing), (MOVING, curve.crossing_with_transfer)):
            if crossing and 0 < crossing.value < float("inf"):
                rows.append({
                    **who, "size": rounded(crossing.value), "crossing": True, "kind": kind, "ratio": 1.0,
                    "size_low": rounded(crossing.low), "size_high": rounded(crossing.high),
                })  # fmt: skip
    return rows


def _name(curve: Curve) -> str:
    found = curve.crossing
    inside = found is not None and 0 < found.value < float("inf")
    return f"{curve.implementation} · {found.value:,.0f}" if found and inside else curve.implementation


def message(curves: Sequence[Curve]) -> str:
    """Where a GPU pays, in the implementation in which it pays first."""
    swept = [curve for curve in curves if curve.crossing]
    if swept:
        first = min(swept, key=lambda curve: curve.crossing.value if curve.crossing else 0.0)
        return f"in {first.implementation} the GPU is faster {since(first)}"
    best = min(curves, key=lambda curve: min(one.value for one in curve.ratios.values()))
    value = min(one.value for one in best.ratios.values())
    return f"in {best.implementation} the GPU takes {formatting.digits(value)} times the CPU's time"


def sizes_chart(rows: Sequence[Row], size: str) -> alt.TopLevelMixin:
    """A line for each implementation over the sizes; where it crosses 1 is marked and said."""
    points = data().transform_filter("!datum.crossing")
    numbers = sorted({row["size"] for row in rows if not row["crossing"]})
    x = alt.X("size:Q", scale=alt.Scale(type="log", nice=False, padding=10), title=size,
              axis=alt.Axis(format=",d", values=numbers, labelOverlap="greedy",
                            labelSeparation=LETTER // 2))  # fmt: skip
    y = ratios(alt.Y, rows, "GPU over CPU, logarithmic")
    dash = alt.StrokeDash(
        "kind:N", title=None, scale=alt.Scale(domain=[COMPUTING, MOVING], range=[[1, 0], [5, 4]])
    )
    who = alt.Detail("implementation:N")
    marked = data().transform_filter("datum.crossing")
    return over(
        data().mark_rule(strokeDash=[2, 3]).encode(y=alt.YDatum(1)),
        points.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour(rows), strokeDash=dash, detail=who),
        points.mark_rule(strokeWidth=2).encode(
            x=x, y=alt.Y("low:Q"), y2=alt.Y2("high:Q"), color=colour(rows)
        ),
        points.transform_filter("datum.at != null").mark_text(align="left", dx=6).encode(
            x=x, y=alt.Y("at:Q"), text=alt.Text("name:N")
        ),
        marked.mark_point(size=80, filled=True, opacity=1).encode(x=x, y=y, color=colour(rows)),
        height=HEIGHT,
    )  # fmt: skip


def one_chart(rows: Sequence[Row]) -> alt.TopLevelMixin:
    """A point with its interval for each implementation, and a ring that has the transfer in it."""
    x = ratios(alt.X, rows, "GPU over CPU, logarithmic")
    computing, moving = (data().transform_filter(f"datum.kind == '{kind}'") for kind in (COMPUTING, MOVING))
    line = computing.mark_rule(strokeWidth=2)
    return over(
        data().mark_rule(strokeDash=[4, 3]).encode(x=alt.XDatum(1)),
        line.encode(x=alt.X("low:Q"), x2=alt.X2("high:Q"), y=names(rows), color=colour(rows)),
        computing.mark_point(size=70, filled=True, opacity=1).encode(x=x, y=names(rows), color=colour(rows)),
        moving.mark_point(size=70, strokeWidth=2).encode(x=x, y=names(rows), color=colour(rows)),
        beside("label").transform_filter(f"datum.kind == '{COMPUTING}'").encode(y=names(rows)),
    )
