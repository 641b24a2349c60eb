"""``samestep report``: tables, pictures and one page from the records of runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from samestep.commands.options import sorted_rows, warn_left_out
from samestep.printable import printable

if TYPE_CHECKING:
    from samestep.records.validated import ValidatedRun

#: Where runs are kept.
RESULTS = Path("results")


@click.command("report")
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path), metavar="[RUN]...")
@click.option("--out", type=click.Path(path_type=Path), default=None,
              help="Where the page of the named runs goes, a folder or a file; of several runs "
              "results/page.html, of one the run's folder. Without a RUN: where runs are kept  "
              "[default: results]")  # fmt: skip
@sorted_rows
def command(runs: Sequence[Path], out: Path | None, order: str) -> None:
    """Tables, pictures and one page from the records of runs.

    RUN is a folder; without one the latest run is read.
    """
    from samestep.report import terminal
    from samestep.report.printable_console import PrintableConsole

    for run in report_runs(runs, out):
        terminal.show(run, PrintableConsole(), order)


def report_runs(folders: Sequence[Path], out: Path | None = None, draw: bool = True) -> list[ValidatedRun]:
    """Write the files of runs, and return the runs; what cannot be read is named on standard error, and left
    out.

    ``out`` is where the page goes: without it the folder of the one run, or ``results``. Without a folder it
    is where runs are kept, and the latest is read. ``draw`` asks for each picture as a file, too.

    Raises SamestepError where there is no run that can be read.
    """
    from samestep.records.store import runs_of
    from samestep.records.validated import read
    from samestep.report.run_files import write_files

    if not folders:
        folders, out = [runs_of(out or RESULTS)[0].folder], None
    runs, left_out = read(folders)
    warn_left_out(left_out)
    page = out or (RESULTS if len(folders) > 1 else folders[0])
    for line in write_files(runs, page, left_out, draw):
        click.echo(printable(line), err=True)
    return runs
