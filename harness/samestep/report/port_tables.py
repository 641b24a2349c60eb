"""The candidates of a port file in the terminal: each result as it prints itself, then a table of them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from samestep.printable import printable
from samestep.records.check_results import CheckResult
from samestep.report.terminal import styled


def show(results: Sequence[CheckResult], console: Console, explain: bool = False) -> None:
    """Print what came of each candidate, all that is known of it with ``explain``; of several a table too."""
    for one in results:
        cell, verdict = one.cell, one.verdict
        console.print(f"[bold]{escape(cell.implementation)}[/] ({cell.framework})", highlight=False)
        if one.port is None:
            text = f"{verdict.verdict}: {verdict.reason}"
        else:
            text = one.port.explained if explain else one.port.text
        first, colon, rest = "\n".join(map(printable, text.split("\n"))).partition(":")
        console.print(f"{styled(first)}{colon}{escape(rest)}\n", highlight=False, soft_wrap=True)
    if len(results) > 1:
        _table(results, console)


def _table(results: Sequence[CheckResult], console: Console) -> None:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("candidate", "framework", "verdict", "first difference"):
        table.add_column(column, no_wrap=column != "first difference", overflow="fold")
    for one in results:
        found = one.port.document.get("first") if one.port else None
        where = str(found.get("layer") or found.get("tensor")) if isinstance(found, dict) else ""
        table.add_row(
            escape(one.cell.implementation), one.cell.framework, styled(one.verdict.verdict), escape(where)
        )
    console.print(table)
