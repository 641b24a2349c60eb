"""What all charts share: their data's name, the colours of frameworks, rows in the order of their speed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from samestep.report.picture import LETTER, Row, frameworks

WIDTH, STEP = 480, 20

#: Letters are so many pixels high, of a view's so many.
LINE, HEIGHT = 14, 300


def data() -> alt.Chart:
    """A chart of the rows, which `Picture.vega_lite` brings."""
    return alt.Chart(alt.NamedData("rows"))


def colour(rows: Sequence[Row], **more: Any) -> alt.Color:
    found = frameworks(rows)
    scale = alt.Scale(domain=list(found), range=list(found.values()))
    legend = alt.Legend(symbolOpacity=1, columns=len(found))
    return alt.Color("framework:N", **{"scale": scale, "title": "framework", "legend": legend, **more})


def names(rows: Sequence[Row]) -> alt.Y:
    """The implementations from above to below in the order of the rows."""
    order = list(dict.fromkeys(row["implementation"] for row in rows))
    return alt.Y(
        "implementation:N", sort=order, title=None, axis=alt.Axis(grid=True, ticks=False, domain=False)
    )


def beside(column: str) -> alt.Chart:
    """A column of text to the right of the view, a line for each implementation."""
    return data().mark_text(align="left", dx=8).encode(x=alt.XValue("width"), text=alt.Text(f"{column}:N"))


def ratios(channel: Any, rows: Sequence[Row], title: str) -> Any:
    """A logarithmic axis of the column ``ratio``."""
    values = [row[name] for row in rows for name in ("ratio", "low", "high") if row.get(name)]
    shown = ticks(min(values), max(values))
    axis = alt.Axis(format="~g", values=shown, labelOverlap="greedy", labelSeparation=LETTER // 2)
    scale = alt.Scale(type="log", nice=False, padding=12)
    return channel("ratio:Q", scale=scale, title=title, axis=axis)


def ticks(low: float, high: float) -> list[float]:
    """Round ratios, 1 among them: few where they go far, many where they are near each other."""
    if high < 2 * low:
        step = 0.1 if high > 1.1 * low else 0.02
        return [round(number * step, 2) for number in range(int(low / step), int(high / step) + 2)]
    steps = (1, 2, 5) if high > 10 * low else (1, 1.5, 2, 3, 4, 5, 7)
    return [
        number * 10.0**power for power in range(-4, 5) for number in (steps if high < 1000 * low else (1,))
    ]


def apart(values: Mapping[str, float], low: float, high: float) -> dict[str, float]:
    """The values, moved up on a logarithmic axis from ``low`` to ``high`` until a line of text fits between
    them."""
    least = (high / low) ** (LINE / HEIGHT)
    found: dict[str, float] = {}
    for name in sorted(values, key=lambda name: values[name]):
        found[name] = max(values[name], least * max(found.values(), default=0.0))
    return found


def over(*layers: alt.Chart, **size: Any) -> alt.TopLevelMixin:
    """The layers over each other, in a view of the usual size."""
    return alt.layer(*layers).properties(**{"width": WIDTH, "height": {"step": STEP}, **size})
