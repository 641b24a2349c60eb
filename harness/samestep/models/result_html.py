"""A result as a small table and a strip of errors in sigma, for notebooks."""

from __future__ import annotations

from html import escape
from math import isfinite, log10

from samestep.agreement.verdict import AGREE, DISAGREE
from samestep.models.judged import JudgedTensor
from samestep.models.result import Result
from samestep.models.result_text import summary

#: Rows of the table, and the pixels of one bar of the strip.
ROWS, BAR, HEIGHT = 12, 6, 48
COLOURS = {AGREE: "#3a7d44", DISAGREE: "#b3261e"}
#: What lies between: weaker, abstains.
OTHER = "#b26a00"


def html(result: Result) -> str:
    """Return the summary, a bar for each tensor (its share of the limit, on a logarithmic scale), and the
    tensors that are nearest to their limits or beyond them."""
    return f"<pre>{escape(summary(result))}</pre>{_strip(result)}{_table(result)}"


def _strip(result: Result) -> str:
    bars = []
    for i, tensor in enumerate(result.judged):
        tall = _tall(tensor.share)
        title = escape(f"{tensor.key}: {tensor.share:.3g} of its limit")
        bars.append(
            f'<rect x="{i * BAR}" y="{HEIGHT - tall:.1f}" width="{BAR - 1}" height="{tall:.1f}" '
            f'fill="{COLOURS.get(tensor.state, OTHER)}"><title>{title}</title></rect>'
        )
    width, line = len(result.judged) * BAR, HEIGHT - _tall(1.0)
    limit = f'<line x1="0" x2="{width}" y1="{line:.1f}" y2="{line:.1f}" stroke="currentColor" />'
    label = "<title>each tensor, as a share of its limit (the line), logarithmic</title>"
    return f'<svg width="{width}" height="{HEIGHT}" role="img">{label}{"".join(bars)}{limit}</svg>'


def _tall(share: float) -> float:
    """The height of a bar, in pixels: two decades below the limit to two above it."""
    if not isfinite(share):
        return float(HEIGHT)
    decades = log10(max(share, 10.0**-2)) + 2
    return max(1.0, min(decades / 4, 1.0) * HEIGHT)


def _table(result: Result) -> str:
    worst = sorted(result.judged, key=lambda tensor: -tensor.share)[:ROWS]
    rows = "".join(_row(tensor) for tensor in worst)
    head = "".join(f"<th>{word}</th>" for word in ("tensor", "state", "share of its limit", "shape"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(tensor: JudgedTensor) -> str:
    cells = (str(tensor.key), tensor.state, f"{tensor.share:.3g}", str(list(tensor.shape)))
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
