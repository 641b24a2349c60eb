"""``samestep check``: every cell's verdict, as it comes and then in a table."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from harness.report.terminal import style
from harness.runner import Workshop
from harness.runner import check as examine_all
from harness.selection import Cell

FIELDS = ("workload", "implementation", "case", "dtype", "device")


def run_checks(workshop: Workshop, cells: Sequence[Cell], quiet: bool) -> list[dict[str, Any]]:
    """Examine the cells; the table is left out where ``quiet``."""
    verdicts = examined(workshop, cells)
    results = [_result(cell, verdicts[cell]) for cell in cells]
    if not quiet:
        _show(results)
    return results


def examined(workshop: Workshop, cells: Sequence[Cell]) -> dict[Cell, dict[str, Any]]:
    """The verdict of each cell, with a progress bar on standard error meanwhile."""
    verdicts: dict[Cell, dict[str, Any]] = {}
    lock = threading.Lock()
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=Console(stderr=True), transient=True,
    ) as progress:  # fmt: skip
        bar = progress.add_task("checking", total=len(cells))

        def heard(cell: Cell, answer: dict[str, Any]) -> None:
            with lock:
                verdicts[cell] = answer["verdict"]
                progress.update(bar, advance=1, description=f"{cell.workload}/{cell.implementation}")

        examine_all(workshop, cells, heard)
    return verdicts


def _result(cell: Cell, verdict: dict[str, Any]) -> dict[str, Any]:
    known = ("verdict", "reason", "first_divergence", "tensors")
    return {name: getattr(cell, name) for name in FIELDS} | {name: verdict[name] for name in known}


def _show(results: Sequence[dict[str, Any]]) -> None:
    """One row for each implementation and case, one column for each dtype and device."""
    console = Console()
    columns = list(dict.fromkeys((r["dtype"], r["device"]) for r in results))
    table = Table(box=SIMPLE_HEAD, padding=0)
    table.add_column("implementation", no_wrap=True)
    table.add_column("case", overflow="fold")
    for dtype, device in columns:
        table.add_column(dtype if device == "cpu" else f"{dtype} {device}")
    rows: dict[tuple[str, str, str], dict[tuple[str, str], str]] = {}
    for r in results:
        row = rows.setdefault((r["workload"], r["implementation"], r["case"]), {})
        row[r["dtype"], r["device"]] = f"[{style(r['verdict'])}]{r['verdict']}[/]"
    workload = None
    for (name, implementation, case), verdicts in rows.items():
        if workload not in (None, name):
            table.add_section()
        workload = name
        table.add_row(f"{name}/{implementation}", case, *(verdicts.get(c, "") for c in columns))
    console.print(table)
    for r in results:
        if r["reason"]:
            where = f"{r['workload']}:{r['case']}/{r['implementation']} {r['dtype']} {r['device']}"
            console.print(
                f"[{style(r['verdict'])}]{r['verdict']}[/] {escape(where)}: {escape(r['reason'])}",
                highlight=False,
                soft_wrap=True,
            )
