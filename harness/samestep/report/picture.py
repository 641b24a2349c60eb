"""What a picture is, whoever draws it: rows, a chart of them, and the words that go with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from samestep.printable import printable

if TYPE_CHECKING:
    import altair as alt
    from _typeshed import DataclassInstance

#: What a picture is about, in the order in which a reader asks.
SECTIONS = ("agreement", "speed", "start", "peak", "devices", "stability", "history")

#: How high letters are, in pixels, and how many of a caption fit above a chart.
LETTER, LETTERS = 12, 100

#: More marks than this are too many to tell one from another.
MARKS = 2000

#: Okabe and Ito's colours, which colour-blind readers can distinguish; their black is grey, to stand on dark
#: ground too.
COLOURS = {
    "numpy": "#7A7A7A", "sympy": "#56B4E9", "torch": "#D55E00", "tensorflow": "#E69F00", "jax": "#0072B2",
    "keras": "#CC79A7", "sklearn": "#009E73",
}  # fmt: skip
#: That of every other framework.
OTHER_COLOUR = "#8C6BB1"

#: A row of the table under a picture, by the names of its columns.
Row = Mapping[str, str | float | bool | None]
#: A part of a Vega-Lite specification.
Spec = dict[str, object]

T = TypeVar("T")


class ImplementationRow(Protocol):
    """A row of one implementation."""

    @property
    def implementation(self) -> str: ...
    @property
    def framework(self) -> str: ...


def _theme(background: str, ink: str, quiet: str, grid: str) -> Spec:
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

    ``title`` is the message or the question, ``caption`` a sentence or two below it. ``rows`` are what
    a table under it shows, and what the chart draws, which names its data "rows" and does not hold them.
    ``filters`` says what it belongs to: those of "workload", "case", "task", "device" and "run" that apply;
    with "baseline" the chart has a parameter of that name whose value picks the rows that have it in their
    column ``baseline``, and the filter is the value that it starts with. ``chart`` is a single view, not
    a concatenation, without a title and without a `config`.
    """

    name: str
    section: str
    title: str
    caption: str
    rows: Sequence[Row]
    chart: alt.TopLevelMixin
    filters: Mapping[str, str] = field(default_factory=dict)

    def vega_lite(self, theme: str = "light") -> Spec:
        """Return the Vega-Lite specification of the picture by itself: with data, title, caption and
        colours."""
        spec: Spec = self.chart.to_dict()
        title = {"text": wrap(self.title, LETTERS - 12), "subtitle": wrap(self.caption, LETTERS)}
        whole: Spec = drawable({
            **spec, "datasets": {"rows": self.rows}, "config": THEMES[theme],
            "title": title, "description": f"{self.title}. {self.caption}",
        })  # fmt: skip
        return whole


def drawable(value: object) -> Any:
    """Return a document with all its texts printable: a line separator in a name ends Vega's expressions, and
    what no SVG may hold (NUL, ESC, U+FFFE) ends the process that draws."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {printable(str(name)): drawable(item) for name, item in value.items()}
    return [drawable(item) for item in value] if isinstance(value, list | tuple) else value


def as_rows(rows: Iterable[DataclassInstance]) -> list[Row]:
    """Return dataclasses as rows, their fields as columns."""
    return [dict(vars(row)) for row in rows]


def significant(value: float, digits: int = 5) -> float:
    """Return a number to N significant digits: more a chart does not show."""
    return float(f"{value:.{digits}g}")


def finite(value: float) -> float | None:
    """Return a number to five digits; None for inf, which JSON cannot hold."""
    return significant(value) if math.isfinite(value) else None


def framework_colours(rows: Iterable[ImplementationRow]) -> dict[str, str]:
    """Return the colours of the frameworks that the rows name, always in the same order."""
    names = {row.framework for row in rows}
    return {
        name: COLOURS.get(name, OTHER_COLOUR)
        for name in (*COLOURS, *sorted(names - {*COLOURS}))
        if name in names
    }


def thinned(
    rows: Sequence[T], kind: Callable[[T], Hashable], value: Callable[[T], float], most: int = MARKS
) -> list[T]:
    """Return at most N rows, in their order: of a kind that has too many the lowest and the highest value of
    each stretch."""
    kinds: dict[Hashable, list[int]] = {}
    for number, row in enumerate(rows):
        kinds.setdefault(kind(row), []).append(number)
    kept: set[int] = set()
    for done, mine in enumerate(sorted(kinds.values(), key=len)):  # what small ones leave, large ones take
        room = (most - len(kept)) // (len(kinds) - done)
        width = -(-len(mine) // max(1, room // 2)) if len(mine) > room else 1
        for start in range(0, len(mine), width):
            stretch = sorted(mine[start : start + width], key=lambda number: value(rows[number]))
            kept |= {stretch[0], stretch[-1]}
    return [row for number, row in enumerate(rows) if number in kept]
