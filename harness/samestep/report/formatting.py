"""Numbers and texts as a person reads them."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Sequence

from samestep.analysis.statistics import TWICE, Contrast, Estimate
from samestep.printable import printable

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def seconds(value: float | None) -> str:
    """Return a time in three digits and a unit: 58.2 µs; "-" of None."""
    if value is None:
        return "-"
    scale, unit = next(((s, u) for s, u in _UNITS if value >= s), _UNITS[-1])
    return f"{digits(value / scale)} {unit}"


def time(estimate: Estimate, steps: int | None = None) -> str:
    """Return a time, of one of N ``steps`` where there are many; `UNKNOWN` where noise rules."""
    return seconds(estimate.value / (steps or 1)) if estimate.known else UNKNOWN


def digits(value: float) -> str:
    """Return three significant digits, without an exponent: 0.312, 5.81, 58.2, 1240."""
    magnitude = f"{value:.3g}"
    return f"{value:.0f}" if "e" in magnitude and value >= 1 else magnitude


def interval(estimate: Contrast | None, places: int | None = None) -> str:
    """Return a ratio with its 95 % interval: 0.31 (0.30-0.33), 0.31 (?) of one process, which has none;
    `UNKNOWN` where noise rules. Without ``places`` these are two, and of 10 and more as many as make three
    digits."""
    if estimate is None:
        return "-"
    if not estimate.known:
        return UNKNOWN
    places = _places(estimate.value) if places is None else places
    value, low, high = (f"{one:.{places}f}" for one in (estimate.value, estimate.low, estimate.high))
    return f"{value} (?)" if estimate.low == 0 else f"{value} ({low}-{high})"


def ratio(estimate: Contrast | None) -> str:
    """Return a ratio without its interval: 0.31; `UNKNOWN` where noise rules."""
    if estimate is None or not estimate.known:
        return "-" if estimate is None else UNKNOWN
    return f"{estimate.value:.{_places(estimate.value)}f}"


def _places(value: float) -> int:
    """Return the digits behind the point of a number that has three in all, and two behind it at the most."""
    return 2 if value < 10 else 1 if value < 100 else 0


def speedup(ratio: Contrast) -> str:
    """Return how many times as fast a ratio of times is: 3.20 (3.00-3.40); 3.20 (?) of a single process."""
    if ratio.low == 0:
        return f"{1 / ratio.value:.2f} (?)"
    return f"{1 / ratio.value:.2f} ({1 / ratio.high:.2f}-{1 / ratio.low:.2f})"


#: What stands in place of a number whose interval is too wide for one.
UNKNOWN = "cannot tell"

MARKS = {"faster": "<", "slower": ">", "tie": "=", "unclear": "?"}


def mark(estimate: Contrast | None) -> str:
    """Return the word of a ratio as one of `MARKS`; "" of the baseline's own."""
    return MARKS.get(estimate.word, "") if estimate else ""


def deviation(ratio: float) -> str:
    """Return how far a ratio that should be 1 is from it, either way: 2.2 %; "more than a factor of 2" where
    it is beyond twice or half."""
    if abs(math.log(ratio)) >= TWICE:
        return "more than a factor of 2"
    return f"{100 * (max(ratio, 1 / ratio) - 1):.1f} %"


def control(ratio: float) -> str:
    """Return the ratio of an A/A control: 1.003; "beyond twice" or "below half" where it is that far off."""
    if abs(math.log(ratio)) < TWICE:
        return f"{ratio:.3f}"
    return "beyond twice" if ratio > 1 else "below half"


def megabytes(size: float | None) -> str:
    """Return a size, given in bytes: 312 MB; "-" of None."""
    return "-" if size is None else f"{size / 1e6:.0f} MB"


def count(number: int | None) -> str:
    """Return a whole number; "-" of None."""
    return "-" if number is None else str(number)


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: 1 process, 2 processes; without ``plural`` an s is added."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def percent(fraction: float | None) -> str:
    """Return a fraction of 1 in percent: 38%, 3.8%, <0.1%; "-" of None."""
    if fraction is None:
        return "-"
    if 0 < 100 * fraction < 0.05:
        return "<0.1%"
    return f"{100 * fraction:.0f}%" if fraction >= 0.1 else f"{100 * fraction:.1f}%"


def flop_rate(rate: float) -> str:
    """Return a rate, given in flop/s: 45 GFLOP/s."""
    scale, unit = next(((s, u) for s, u in ((1e12, "T"), (1e9, "G"), (1e6, "M")) if rate >= s), (1e3, "k"))
    return f"{rate / scale:.1f} TFLOP/s" if unit == "T" else f"{rate / scale:.0f} {unit}FLOP/s"


def break_even(calls: float | None, steps: int | None = None) -> str:
    """Return when a start-up cost has paid: "the first call", "38 calls", "19,000 steps (38 calls)", "never".

    ``calls`` is inf where it never has, None ("-") where that is not known; each call makes N ``steps``.
    """
    if calls is None or calls == math.inf:
        return "-" if calls is None else "never"
    if calls <= 1:
        return "the first call"
    text = f"{round_up(calls)} calls"
    return f"{round_up(calls * steps)} steps ({text})" if steps and steps > 1 else text


def round_up(number: float) -> str:
    """Return the next whole number, to two digits, as more are not known: 38,000."""
    return f"{float(f'{math.ceil(number):.2g}'):,.0f}"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> list[str]:
    """Return the lines of a Markdown table.

    Its cells are Markdown already; ``align`` has an "l" or an "r" for each column.
    """
    rule = "".join({"l": "---|", "r": "--:|"}[side] for side in align)
    first, *others = (f"| {' | '.join(row)} |" for row in (columns, *rows))
    return [first, f"|{rule}", *others]


def escaped(text: str) -> str:
    """Return what Markdown and HTML show as the text that it is."""
    inside = r"[\\`*\[\]|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"
    return re.sub(inside, r"\\\g<0>", html.escape(printable(text), quote=False))
