"""A run in the terminal: one table for each group of cells, made to fit 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.report import tables, words
from harness.store import Run
from harness.summary import CellSummary, peaks, summarize

STYLES = {"agree": "green", "unavailable": "dim"}


def show(run: Run, console: Console) -> None:
    about = run.about
    summaries = summarize(about, run.records())
    for name, cells in tables.groups(summaries):
        _group(console, about, name, cells)
    _peaks(console, summaries)
    for summary in summaries:
        if summary.reason:
            console.print(
                f"[{style(summary.verdict)}]{summary.verdict}[/] {escape(summary.cell['key'])}: "
                f"{escape(summary.reason)}",
                highlight=False,
            )


def style(verdict: str) -> str:
    return STYLES.get(verdict, "bold red")


def _group(console: Console, about: Mapping[str, Any], name: str, cells: Sequence[CellSummary]) -> None:
    task = tables.headline(cells, about)
    timed = [c for c in cells if task in c.tasks]
    fastest = min(timed, key=lambda c: c.tasks[task].seconds.value, default=None)
    table = Table(title=f"{name}: {tables.unit(cells, task)}", title_justify="left")
    for column in tables.COLUMNS:
        right = column not in ("implementation", "verdict")
        table.add_column(column, justify="right" if right else "left", no_wrap=column != "ratio to baseline")
    for cell in cells:
        first, verdict, *numbers = (escape(text) for text in tables.row(cell, task))
        table.add_row(
            first, f"[{style(verdict)}]{verdict}[/]", *numbers, style="bold" if cell is fastest else ""
        )
    console.print(table)


def _peaks(console: Console, summaries: Sequence[CellSummary]) -> None:
    found = ", ".join(
        f"{words.flop_rate(rate)} in {dtype} on the {device}"
        for (dtype, device), rate in peaks(summaries).items()
    )
    if found:
        console.print(
            "ratio: time over the baseline's (the first row) in the same round, with its 95 % interval; "
            f"below 1 is faster.\nof peak: against the best matrix product measured here, {found}.",
            highlight=False,
        )
