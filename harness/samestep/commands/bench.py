"""``samestep bench``, and what `samestep run` shares with it: a selection is measured, with progress and an
ETA."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from samestep.catalog.selection import with_aa_copies
from samestep.commands.options import Selection, emit, exit_for, measured, selection
from samestep.errors import NotWritten
from samestep.jobs.bench import bench
from samestep.jobs.eta import Eta
from samestep.jobs.planning import make_plan, networks
from samestep.jobs.rounds import launcher_of
from samestep.measure import clock
from samestep.measure.fingerprint import slug
from samestep.printable import printable
from samestep.records.plan import Profile, RunOptions
from samestep.records.resume_command import resume_command
from samestep.records.store import Run
from samestep.report import tables, terminal
from samestep.report.printable_console import PrintableConsole
from samestep.report.run_document import document
from samestep.report.summaries import summaries_of
from samestep.workers import cleanup

#: How often the bar is drawn, in seconds.
DRAW_SECONDS = 1.0


@click.command("bench")
@selection(dtypes=("float32",))
@measured
def command(asked: Selection, profile: Profile, form: str, out: Path) -> None:
    """Agreement, then time: isolated processes that take turns."""
    run = new_run(asked, profile, out)
    measure(run)
    show(run, form)
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


def measure(run: Run) -> None:
    """Measure what is left of a run, with a bar on standard error; compilers' caches live as long as that."""
    bar = Progress(
        TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[eta]}"), console=PrintableConsole(stderr=True),
        auto_refresh=False,  # no thread that draws while a sample is taken
    )  # fmt: skip
    with cleanup.temporary_folder() as cache, bar:
        launcher = replace(launcher_of(run.plan), cache=cache, separate_caches=True)
        task = bar.add_task("", total=None, eta="")
        say = _telling(bar)
        try:
            bench(run, launcher, _drawing(bar, task), say)
        except (KeyboardInterrupt, NotWritten):
            resume = resume_command(run.folder, run.plan.options.starts_code)
            say(f"this run is unfinished; to go on with it: {resume}")
            raise
        bar.update(task, description="done", eta="", refresh=True)


def _telling(bar: Progress) -> Callable[[str], None]:
    """Return what writes a line above the bar."""

    def say(line: str) -> None:
        bar.console.print(escape(f"samestep: {printable(line)}"), highlight=False, soft_wrap=True)

    return say


def _drawing(bar: Progress, task: TaskID) -> Callable[[Eta], None]:
    """Return what draws the bar, now and then."""
    drawn = clock.now()

    def draw(eta: Eta) -> None:
        nonlocal drawn
        if clock.now() - drawn < DRAW_SECONDS:
            return
        drawn, left = clock.now(), eta.left_seconds
        bar.update(
            task,
            description=eta.doing,
            total=eta.done_seconds + left,
            completed=eta.done_seconds,
            eta=f"ETA {int(left) // 60}:{int(left) % 60:02d}",
            refresh=True,
        )

    return draw


def show(run: Run, form: str) -> None:
    """Write what a run found on standard output, and where it lies on standard error."""
    if form == "table":
        terminal.show(run, PrintableConsole())
    elif form == "csv":
        click.echo(tables.frame(run).to_csv(index=False), nl=False)
    elif form == "markdown":
        click.echo(tables.markdown(run), nl=False)
    else:
        emit(form, document(run))
    click.echo(f"the run is in {run.folder}", err=True)


def exit_for_run(run: Run, asked: Selection) -> None:
    """Exit as the verdicts of a run ask for."""
    exit_for(((one.cell, one.verdict) for one in summaries_of(run)), asked.required)
