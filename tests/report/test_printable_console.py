"""What an implementation says is shown on a terminal, and steers nothing there."""

from __future__ import annotations

import io

from rich.table import Table

from samestep.agreement.verdict import CRASHED, Verdict
from samestep.catalog.cell import Cell
from samestep.records.check_results import CheckResult
from samestep.report import check_tables
from samestep.report.printable_console import PrintableConsole


def shown_by(show) -> str:
    console = PrintableConsole(file=io.StringIO(), width=120, force_terminal=True)
    show(console)
    return console.file.getvalue()


def test_texts_cells_and_titles_are_escaped_and_markup_is_not():
    def show(console: PrintableConsole) -> None:
        table = Table("co\x07lumn", title="ti\x1b[2Jtle")
        table.add_row("ce\u2028ll")
        console.print("[bold]te\x9bxt[/]\n", table)

    text = shown_by(show)
    for part in ("\x1b[1mte", r"\x9bxt", r"co\x07lumn", r"ti\x1b[2Jtle", r"ce\u2028ll"):
        assert part in text
    for raw in ("\x07", "\x1b[2J", "\x9b", "\u2028"):
        assert raw not in text


def test_a_reason_that_clears_the_screen_is_a_line():
    cell = Cell("net", "small", "numpy_evil", "numpy", "float32", "cpu", "float32", 1)
    verdict = Verdict(CRASHED, "ValueError: \x1b[2J\x1b]0;all agree\x07", notes=("no\x1bte",))
    text = shown_by(lambda console: check_tables.show([CheckResult(cell, verdict)], console))
    assert r"ValueError: \x1b[2J\x1b]0;all agree\x07" in text
    assert r"no\x1bte" in text
