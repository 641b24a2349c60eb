"""``samestep run``: the main job, from a selection to a report."""

from __future__ import annotations

from pathlib import Path

import click

from samestep.commands.bench import exit_for_run, measure, new_run, show
from samestep.commands.options import Selection, measured, selection, sorted_rows
from samestep.commands.report import report_runs
from samestep.errors import SamestepError
from samestep.jobs.resume import LATEST, find_run, prepare_to_resume
from samestep.records.plan import Profile
from samestep.records.store import Run


@click.command("run")
@selection(dtypes=("float32",))
@measured
@sorted_rows
@click.option("--resume", is_flag=False, flag_value=LATEST, metavar="[RUN]",
              help="Go on with an unfinished run, without a name the latest of this machine; repeat --impls "
              "and --python.")  # fmt: skip
def command(asked: Selection, profile: Profile, form: str, order: str, out: Path, resume: str | None) -> None:
    """The main job: check and time the selection, then report."""
    run = _resumed(asked, out, resume) if resume else new_run(asked, profile, out)
    measure(run)
    show(run, form, order)
    report_runs([run.folder], draw=False)
    asked.require()
    exit_for_run(run, asked)


def _resumed(asked: Selection, out: Path, name: str) -> Run:
    if asked.selectors or (asked.options.sweep, asked.options.shard) != (None, None):
        raise SamestepError(
            "--resume goes on with what a run was asked: leave the selectors, --sweep and --shard out"
        )
    run = find_run(out, name)
    prepare_to_resume(run, asked.roots, asked.pythons)
    return run
