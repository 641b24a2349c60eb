"""A run in the terminal: one table for each group of cells, made to fit 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from samestep.analysis.cpu_gpu import curves
from samestep.analysis.summary import CellSummary
from samestep.records.store import Run
from samestep.records.validated import summarized
from samestep.report import crossovers, tables
from samestep.report.fastest import ranked

STYLES = {"agree": "green", "unavailable": "dim"}


def show(run: Run, console: Console) -> None:
    about = run.about
    summaries = summarized(run)
    for name, cells in tables.groups(summaries):
        _group(console, about, name, cells)
    for line in [*crossovers.crossings(curves(about, run.records())), *tables.legend(about, summaries)]:
        console.print(line, highlight=False)
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
    found = ranked(cells, task)
    fastest = [found.first, *found.like] if found else []
    table = Table(
        title=escape(f"{name}: {tables.unit(cells, task)}"), title_justify="left", box=SIMPLE_HEAD, padding=0
    )
    for column in tables.COLUMNS:
        right = column not in ("implementation", "verdict")
        table.add_column(column, justify="right" if right else "left", no_wrap=right)
    for cell in cells:
        first, verdict, *numbers = (escape(text) for text in tables.row(cell, task))
        dim = task in cell.tasks and numbers[2] in ("?", "=")  # no difference that one may speak of
        table.add_row(
            first, f"[{style(verdict)}]{verdict}[/]", *numbers,
            style="bold" if any(cell is one for one in fastest) else "dim" if dim else "",
        )  # fmt: skip
    console.print(table)
    if found:
        console.print(tables.calm(cells, task), "\n", highlight=False)
