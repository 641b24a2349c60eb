"""What changed between two runs, in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from samestep.analysis.run_diff import Change, RunDiff, VerdictChange
from samestep.catalog.cell import Cell
from samestep.printable import printable
from samestep.records.store import Run
from samestep.report import formatting, run_diff_text
from samestep.report.run_diff_text import real_changes, verdict_changes
from samestep.report.status import status_of

COLUMNS = ("cell", "task", "before", "after", "change", "")
STYLES = {"slower": "bold red", "worse": "bold red", "faster": "bold green", "better": "bold green"}

NOTHING_DIFFERS = "nothing differs in machine, options, environment, versions and sources"
TIMES = (
    "before and after: the time of a call, or of a step where a call makes many. change: time after over "
    "time before, above 1 is slower, in parentheses its 95 % interval"
)
TO_BASELINE = "of the ratio to the baseline of the same run, which cancels machine drift"
IN_ROUNDS = "of the two in the same round"


def show(diff: RunDiff, before: Run, after: Run, console: Console) -> None:
    """Print what differs, one table of what changed, why, and last how much did not change."""

    def say(text: str, style: str | None = None) -> None:
        console.print(escape(printable(text)), style=style, highlight=False)

    if cpus := run_diff_text.machines(diff):
        say(cpus, "bold")
    for name, run in (("before:", before), ("after: ", after)):
        revision = run.plan.revision
        say(f"{name} {revision.label}, {run.folder}" if revision else f"{name} {run.folder}")
    for text in _notes(before, after):  # not wrapped: a command in it is to be copied
        console.print(escape(printable(text)), style="bold", highlight=False, soft_wrap=True)
    for one in diff.differences:
        say(f"  {run_diff_text.difference(one)}")
    if not diff.differences:
        say(NOTHING_DIFFERS)
    real = real_changes(diff)
    if diff.verdicts or real:
        console.print(_table(diff.verdicts, real))
    if real and all(one.paired for one in real):
        say(f"{TIMES}: {IN_ROUNDS}.", "dim")
    elif real:
        say(f"{TIMES}: {TO_BASELINE}; * of the time itself, drift included.", "dim")
    for text, worse in run_diff_text.notes(diff):
        say(text, "bold red" if worse else None)
    count = run_diff_text.count(diff)
    say(count if diff.verdicts or real or not diff.changes else f"no real change: {count}", "bold")
    if longer := run_diff_text.longer(diff):
        say(longer)
    if len(diff.changes) > len(real):
        say(f"all {len(diff.changes)}, one by one: --format csv", "dim")


def _notes(before: Run, after: Run) -> list[str]:
    """Return what there is to know of either run."""
    both = (("before", before), ("after", after))
    return [f"{name}: {note}" for name, run in both for note in status_of(run).notes()]


def _table(verdicts: Sequence[VerdictChange], real: Sequence[Change]) -> Table:
    """Return the cells with another verdict, then those that take another time."""
    cells = [*(one.cell for one in verdicts), *(one.cell for one in real)]
    kinds = {(cell.dtype, cell.device) for cell in cells}
    common = "".join(f", in {dtype} on the {device}" for dtype, device in kinds) if len(kinds) == 1 else ""
    title = escape(printable(f"what changed{common}"))
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0, show_edge=False)
    for column in COLUMNS:
        number = column in ("before", "after", "change")
        table.add_column(
            column, justify="right" if number else "left", no_wrap=column != "cell", overflow="fold"
        )
    for verdict in verdicts:
        for what, change, word in verdict_changes(verdict):
            _add_row(table, _name(verdict.cell, not common), what, "", "", change, word)
    for one in real:
        task, *times, word = _times(one)
        star = "*" if one.absolutely else ""
        _add_row(table, _name(one.cell, not common), task, *times, f"{word}{star}")
    return table


def _add_row(table: Table, *texts: str) -> None:
    style = STYLES.get(texts[-1].rstrip("*"))
    table.add_row(*(escape(printable(text)) for text in texts), style=style)


def _name(cell: Cell, whole: bool) -> str:
    """Return a cell's name, which may be broken between its words."""
    name = f"{cell.of_case} {cell.implementation}"
    return f"{name} {cell.dtype} {cell.device}" if whole else name


def _times(change: Change) -> tuple[str, ...]:
    return (
        change.task,
        formatting.seconds(change.before),
        formatting.seconds(change.after),
        formatting.interval(change.contrast, places=3),
        change.contrast.word,
    )
