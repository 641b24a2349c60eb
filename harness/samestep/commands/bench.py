"""``samestep bench``, and what `samestep run` shares with it: a selection is measured, with progress and an
ETA."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from samestep.catalog.selection import with_aa_copies
from samestep.commands.options import Selection, emit, exit_for, measured, selection, sorted_rows
from samestep.commands.shown_progress import run_progress, say
from samestep.commands.streams import write
from samestep.errors import NotWritten
from samestep.jobs.bench import bench
from samestep.jobs.planning import make_plan, networks
from samestep.jobs.rounds import launcher_of
from samestep.measure.fingerprint import slug
from samestep.records.plan import Profile, RunOptions
from samestep.records.resume_command import how_to_go_on
from samestep.records.store import Run
from samestep.report import tables, terminal
from samestep.report.printable_console import PrintableConsole
from samestep.report.run_document import document
from samestep.report.summaries import summaries_of
from samestep.workers import cleanup
from samestep.workers.launcher import Launcher


@click.command("bench")
@selection(dtypes=("float32",))
@measured
@sorted_rows
def command(asked: Selection, profile: Profile, form: str, order: str, out: Path) -> None:
    """Agreement, then time: isolated processes that take turns."""
    run = new_run(asked, profile, out)
    measure(run)
    show(run, form, order)
    asked.require()
    exit_for_run(run, asked)


def new_run(asked: Selection, profile: Profile, out: Path) -> Run:
    """Make the folder of a run of the selection, with its plan."""
    selectors = asked.selectors or tuple(networks(asked.catalog))
    cells = with_aa_copies(asked.catalog, asked.cells(selectors))
    roots = [str(root.resolve()) for root in asked.roots]
    options = RunOptions(**vars(asked.options), seed=asked.seed, pythons=asked.pythons, roots=roots)
    plan = make_plan(asked.catalog, cells, selectors, options, profile)
    run = Run.create(out, slug(plan.machine), plan)
    run.hold()
    return run


def measure(run: Run, launcher: Launcher | None = None) -> None:
    """Measure what is left of a run, with its progress on standard error; compilers' caches live as long
    as that.

    ``launcher`` starts its workers (None: as its plan says).
    """
    console = PrintableConsole(stderr=True)
    with cleanup.temporary_folder() as cache, run_progress(console) as watcher:
        launcher = replace(launcher or launcher_of(run.plan), cache=cache, separate_caches=True)
        try:
            bench(run, launcher, watcher, partial(say, console))
        except (KeyboardInterrupt, NotWritten):
            say(console, f"this run is unfinished; {how_to_go_on(run.folder, run.plan)}")
            raise


def show(run: Run, form: str, order: str) -> None:
    """Write what a run found on standard output, and where it lies on standard error."""
    if form == "table":
        terminal.show(run, PrintableConsole(), order)
    elif form == "csv":
        write(tables.frame(run).to_csv(index=False))
    elif form == "markdown":
        write(tables.markdown(run, order))
    else:
        emit(form, document(run))
    click.echo(f"the run is in {run.folder}", err=True)


def exit_for_run(run: Run, asked: Selection) -> None:
    """Exit as the verdicts of a run ask for."""
    exit_for(((one.cell, one.verdict) for one in summaries_of(run)), asked.required)
