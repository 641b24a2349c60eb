"""Rows of a command as CSV or as a Markdown table."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from samestep.report import formatting


def rows_as_text(rows: Sequence[Mapping[str, object]], form: str) -> str:
    """Return rows in a ``form``, "csv" or "markdown": the columns are those of the first row, None is
    empty."""
    columns = list(rows[0]) if rows else []
    cells = [[_text(row[name]) for name in columns] for row in rows]
    if form == "markdown":
        escaped = [[formatting.escaped(" ".join(cell.split())) for cell in line] for line in cells]
        return "\n".join(formatting.table(columns, escaped, "l" * len(columns))) + "\n"
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *cells])
    return text.getvalue()


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return " ".join(str(item) for item in value)
    return "" if value is None else str(value)
