"""What all charts share: their data's name, the colours of frameworks, rows in the order of their speed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import altair as alt

from samestep.report.picture import LETTER, ImplementationRow, framework_colours

WIDTH, STEP = 480, 20

#: Pixels: a line of text, and the height of a view.
LINE, HEIGHT = 14, 300

#: `altair.X` or `altair.Y`.
Axis = TypeVar("Axis")


def data() -> alt.Chart:
    """Return a chart of the rows, which `Picture.vega_lite` brings."""
    return alt.Chart(alt.NamedData("rows"))


def framework_colour(rows: Sequence[ImplementationRow], legend: bool = True) -> alt.Color:
    """Return the encoding of the framework as a colour."""
    found = framework_colours(rows)
    scale = alt.Scale(domain=list(found), range=list(found.values()))
    drawn = alt.Legend(symbolOpacity=1, columns=len(found)) if legend else None
    return alt.Color("framework:N", scale=scale, title="framework", legend=drawn)


def names(rows: Sequence[ImplementationRow]) -> alt.Y:
    """Return the axis of the implementations, from above to below in the order of the rows."""
    order = list(dict.fromkeys(row.implementation for row in rows))
    return alt.Y(
        "implementation:N", sort=order, title=None, axis=alt.Axis(grid=True, ticks=False, domain=False)
    )


def beside(column: str) -> alt.Chart:
    """Return a column of text to the right of the view, a line for each implementation."""
    return data().mark_text(align="left", dx=8).encode(x=alt.XValue("width"), text=alt.Text(f"{column}:N"))


def ratio_axis(channel: type[Axis], values: Iterable[float | None], title: str) -> Axis:
    """Return a logarithmic axis of the column ``ratio``; ``values`` are all that has to fit on it."""
    known = [value for value in values if value]
    axis = alt.Axis(
        format="~g",
        values=ticks(min(known), max(known)),
        labelOverlap="greedy",
        labelSeparation=LETTER // 2,
    )
    scale = alt.Scale(type="log", nice=False, padding=12)
    return channel("ratio:Q", scale=scale, title=title, axis=axis)  # type: ignore[call-arg]


def ticks(low: float, high: float) -> list[float]:
    """Return round ratios, 1 among them: few where they go far, many where they are near each other."""
    if low == high:
        return [low]
    if high < 2 * low:
        step = 0.1 if high > 1.1 * low else 0.02
        return [round(number * step, 2) for number in range(int(low / step), int(high / step) + 2)]
    steps = (1, 2, 5) if high > 10 * low else (1, 1.5, 2, 3, 4, 5, 7)
    return [
        number * 10.0**power for power in range(-4, 5) for number in (steps if high < 1000 * low else (1,))
    ]


def spaced(values: Mapping[str, float], low: float, high: float) -> dict[str, float]:
    """Return the values, moved up on a logarithmic axis from ``low`` to ``high`` until a line of text fits
    between them."""
    least = (high / low) ** (LINE / HEIGHT)
    found: dict[str, float] = {}
    for name in sorted(values, key=lambda name: values[name]):
        found[name] = max(values[name], least * max(found.values(), default=0.0))
    return found


def over(*layers: alt.Chart, height: float | None = None) -> alt.TopLevelMixin:
    """Return the layers over each other, in a view of the usual width; ``height`` is of the whole view, and
    None a line for each implementation."""
    return alt.layer(*layers).properties(width=WIDTH, height=height or {"step": STEP})
