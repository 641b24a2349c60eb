"""``samestep compare``: what changed from one run to another, and is it real."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from samestep.commands.options import DIFFERS, emit, formatted, warn_left_out
from samestep.commands.streams import write
from samestep.errors import SamestepError

if TYPE_CHECKING:
    from samestep.analysis.run_data import RunData
    from samestep.analysis.run_diff import RunDiff
    from samestep.records.store import Run
    from samestep.records.validated import ValidatedRun


@click.command("compare")
@click.argument("before", type=click.Path(path_type=Path), metavar="RUN")
@click.argument("after", type=click.Path(path_type=Path), metavar="RUN")
@formatted
def command(before: Path, after: Path, form: str) -> None:
    """What changed from the first run to the second, and is it real. Exits 1 where something got worse.

    Two files of `samestep conventions --json` are compared as well. Exits 1 where an answer changed.
    """
    if before.is_file() and after.is_file():
        from samestep.commands.conventions import compare_files

        compare_files(before, after, form)
        return
    runs = read_pair(before, after)
    diff = diff_of(*runs)
    show_diff(diff, *runs, form)
    if diff.worse:
        sys.exit(DIFFERS)


def show_diff(diff: RunDiff, before: Run, after: Run, form: str) -> None:
    """Write what changed between two runs on standard output."""
    from samestep.report.printable_console import PrintableConsole
    from samestep.report.pull_request import markdown
    from samestep.report.run_diff_document import document, rows, status
    from samestep.report.run_diff_tables import show

    if form == "table":
        show(diff, before, after, PrintableConsole())
    elif form == "markdown":
        write(markdown(diff, before, after))
    else:
        found = document(diff, before, after) | {"status": status(before, after)}
        emit(form, found, rows(diff, before, after))


def read_pair(before: Path, after: Path) -> tuple[ValidatedRun, ValidatedRun]:
    """Return the two runs, without what cannot be read, which is named on standard error.

    Raises SamestepError where a folder is not a run, or both are the same.
    """
    from samestep.records.store import Run
    from samestep.records.validated import ValidatedRun

    if before.resolve() == after.resolve():
        raise SamestepError(f"{before} and {after} are the same run: name another to compare it with")
    one, other = (ValidatedRun(Run.open(folder).folder) for folder in (before, after))
    warn_left_out([*one.left_out, *other.left_out])
    return one, other


def diff_of(before: Run, after: Run) -> RunDiff:
    """Return what changed between two runs. Raises SamestepError where they have no cell in common."""
    from samestep.analysis.run_data import RunData
    from samestep.analysis.run_diff import run_diff

    one, other = (RunData.of(run.plan, run.records()) for run in (before, after))
    if not one.cells.keys() & other.cells.keys():
        raise SamestepError(
            f"{before.folder} and {after.folder} have no cell in common: "
            f"the first has {_some_cells(one)}, the second {_some_cells(other)}"
        )
    return run_diff(one, other)


def _some_cells(run: RunData) -> str:
    """Return the key of a cell, and how many others there are."""
    first, *others = run.cells or ["none"]
    return f"{first} and {len(others)} more" if others else first
