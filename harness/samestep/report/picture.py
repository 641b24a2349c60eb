"""What a picture is, whoever draws it: rows, a chart of them, and the words that go with it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt

#: What a picture is about, in the order in which a reader asks.
SECTIONS = ("agreement", "speed", "start", "peak", "devices", "calm", "history")

#: How high letters are, in pixels, and how many of a caption fit above a chart.
LETTER, LETTERS = 12, 100

#: More than so many marks nobody can tell apart.
MARKS = 2000

#: Okabe and Ito's colours, which colour-blind readers tell apart; their black is grey, to stand on dark too.
COLOURS = {
    "numpy": "#7A7A7A", "sympy": "#56B4E9", "torch": "#D55E00", "tensorflow": "#E69F00", "jax": "#0072B2",
    "keras": "#CC79A7", "sklearn": "#009E73",
}  # fmt: skip

Row = dict[str, Any]


def _theme(background: str | None, ink: str, quiet: str, grid: str) -> dict[str, Any]:
    size = {"labelFontSize": LETTER, "titleFontSize": LETTER}
    plain = {**size, "labelColor": ink, "titleColor": ink, "titleFontWeight": "normal"}
    axis = {**plain, "gridColor": grid, "domainColor": quiet, "tickColor": quiet, "labelLimit": 240}
    return {
        "background": background, "padding": 12, "font": "sans-serif",
        "view": {"stroke": None}, "axis": axis, "text": {"color": ink, "fontSize": LETTER},
        "rule": {"color": quiet}, "legend": {**plain, "orient": "bottom"},
        "title": {"color": ink, "subtitleColor": ink, "anchor": "start", "frame": "bounds", "offset": 12,
                  "fontSize": LETTER + 2, "subtitleFontSize": LETTER, "subtitleLineHeight": LETTER + 3},
    }  # fmt: skip


#: Vega-Lite's `config` of a chart on light and on dark ground; the charts themselves name no colour of text.
THEMES = {
    "light": _theme("white", "#222222", "#777777", "#E6E6E6"),
    "dark": _theme("#16181D", "#E8E8E8", "#9A9A9A", "#33363D"),
}


@dataclass(frozen=True)
class Picture:
    """One answer to look at.

    ``title`` is the message or the question, ``says`` a sentence or two for who cannot see it and for
    a caption. ``rows`` are what a table under it shows, and what the chart draws, which names its data "rows"
    and does not hold them.
    ``filters`` says what it belongs to: those of "workload", "case", "task", "device" and "run" that apply;
    with "baseline" the chart has a parameter of that name whose value picks the rows that have it in their
    column ``baseline``, and the filter is the value that it starts with. ``chart`` is a single view, not
    a concatenation, without a title and without a `config`.
    """

    name: str
    section: str
    title: str
    says: str
    rows: list[Row]
    chart: alt.TopLevelMixin
    filters: dict[str, str] = field(default_factory=dict)

    def vega_lite(self, theme: str = "light") -> dict[str, Any]:
        """The Vega-Lite specification of the picture by itself: data, title, caption and colours inside."""
        spec: dict[str, Any] = self.chart.to_dict()
        title = {"text": wrap(self.title, LETTERS - 12), "subtitle": wrap(self.says, LETTERS)}
        return {
            **spec, "datasets": {"rows": self.rows}, "config": THEMES[theme],
            "title": title, "description": f"{self.title}. {self.says}",
        }  # fmt: skip


def rounded(value: float | None, places: int = 5) -> float | None:
    """To so many significant digits; None for what JSON cannot hold."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.{places}g}")


def frameworks(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The colours of the frameworks that the rows name, always in the same order."""
    names = {row["framework"] for row in rows}
    return {
        name: COLOURS.get(name, "#8C6BB1")
        for name in (*COLOURS, *sorted(names - {*COLOURS}))
        if name in names
    }


def thinned(rows: Sequence[Row], kind: str, value: str, most: int = MARKS) -> list[Row]:
    """At most so many rows, in their order: of a kind that has too many the lowest and the highest value of
    each stretch."""
    kinds: dict[Any, list[int]] = {}
    for number, row in enumerate(rows):
        kinds.setdefault(row[kind], []).append(number)
    kept: set[int] = set()
    for done, mine in enumerate(sorted(kinds.values(), key=len)):  # what small ones leave, large ones take
        room = (most - len(kept)) // (len(kinds) - done)
        width = -(-len(mine) // max(1, room // 2)) if len(mine) > room else 1
        for start in range(0, len(mine), width):
            stretch = sorted(mine[start : start + width], key=lambda number: rows[number][value])
            kept |= {stretch[0], stretch[-1]}
    return [row for number, row in enumerate(rows) if number in kept]
