"""A run that was begun here, with these very files and versions, is gone on with.

What a record says is data: anyone may have written it. So it starts no code of its own accord. The folders
and interpreters that it names have to be given on the command line again; there is no secret by which a
record would be known as the user's own, which a copied home or another container would lack. Everything else
that is measured must be what its own selectors and options select here, now.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from samestep.analysis.completeness import completeness
from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Options
from samestep.catalog.identity import edited
from samestep.catalog.selection import select, with_aa_copies
from samestep.errors import SamestepError
from samestep.field_checks import count
from samestep.jobs.planning import FEWEST, planned_cells
from samestep.measure.fingerprint import fingerprint, slug
from samestep.ports.catalogs import catalog_of
from samestep.records.plan import Plan, RunOptions
from samestep.records.resume_command import ANEW, quoted, resume_command
from samestep.records.store import Run, runs_of
from samestep.records.validated import ValidatedRun
from samestep.workers.environment import changed

#: The name of the run that started last on this machine.
LATEST = "latest"

#: What the options of a run may be, as on the command line.
DTYPES, DEVICES, MATMULS = ("float32", "float64"), ("cpu", "gpu"), ("float32", "tf32")


def find_run(out: Path, name: str) -> Run:
    """Return the run in the folder ``name``, or the latest of this machine in ``out`` that is not finished.

    Raises SamestepError where there is none, and where nothing is left of the one that was named.
    """
    if name != LATEST:
        run = Run.open(Path(name))
        if not _left(run):
            raise SamestepError(f"{run.folder} is finished: `samestep report {quoted(name)}` shows it")
        return run
    runs = runs_of(out, slug(fingerprint()))
    left = next(filter(_left, runs), None)
    if left is None:
        raise SamestepError(f"no run of this machine in {out} is unfinished; the latest is {runs[0].folder}")
    return left


def _left(run: Run) -> bool:
    """Whether anything is left of a run; of one that its budget has ended there is as much once more."""
    found = completeness(run.plan, ValidatedRun(run.folder).records())
    return not found.finished or found.budget is not None


def prepare_to_resume(run: Run, roots: Sequence[Path], pythons: Mapping[str, str]) -> None:
    """Hold a run that is to be gone on with, and cut its torn last line off.

    ``roots`` and ``pythons`` are those of the command line. Raises SamestepError where the run names others;
    where it is damaged, or still being measured; or where this machine, a version, a steering variable or a
    file is not what it was.
    """
    if run.plan.revision:
        raise SamestepError(f"{run.folder} is of {run.plan.revision.label}, one of two revisions: {ANEW}")
    _confirm(run, [str(root.resolve()) for root in roots], pythons)
    run.hold()
    if run.torn:
        run.mend()
    damaged = ValidatedRun(run.folder).left_out
    if damaged:
        raise SamestepError(f"{run.folder}/{damaged[0].why}: start a new run")
    then = slug(run.plan.machine)
    if then != slug(fingerprint()):
        raise SamestepError(f"{run.folder} was begun on {then}: start a new run here")
    for reason in _differences(run.plan):
        raise SamestepError(f"{reason.format(run.folder)}: start a new run")


def _confirm(run: Run, roots: Sequence[str], pythons: Mapping[str, str]) -> None:
    options = run.plan.options
    if (list(options.roots), dict(options.pythons)) == (list(roots), dict(pythons)):
        return
    words = " ".join(map(quoted, options.starts_code))
    raise SamestepError(
        f"{run.folder} was begun {'with ' + words if words else 'without --impls and --python'}: a record "
        f"starts no code by itself, so repeat that: {resume_command(run.folder, options.starts_code)}"
    )


def _differences(plan: Plan) -> Iterator[str]:
    """Yield what is not what it was when the run began, with {} for its folder."""
    catalog = catalog_of([Path(root) for root in plan.options.roots])
    if plan.versions is None or plan.sources is None or {*plan.options.devices} != {*(plan.inherited or {})}:
        yield "{} does not say with which versions, variables and files it began"
        return
    for framework, version in plan.versions.items():
        if framework not in catalog.adapters or catalog.version(framework) != version:
            yield f"{_braced(framework)} has another version than when {{}} began"
    for device, before in (plan.inherited or {}).items():
        for name in changed(before, device)[:1]:
            yield f"{_braced(name)} is not what it was when {{}} began"
    yield from _unasked(catalog, plan)
    for name in edited(catalog, plan.cells, plan.sources):
        yield f"the code of {_braced(name)} was edited since {{}} began"


def _unasked(catalog: Catalog, plan: Plan) -> Iterator[str]:
    """Yield what the selectors and options of the run itself do not ask for here, now."""
    if not _valid(plan.options) or plan.profile.alive < FEWEST:
        yield "{} has options that the command line does not take"
        return
    options = Options(**{one.name: getattr(plan.options, one.name) for one in fields(Options)})
    cells = with_aa_copies(catalog, select(catalog, plan.selectors, options))
    asked = set(planned_cells(catalog, cells))
    for cell in plan.cells:
        if cell not in asked or [*plan.tasks_of(cell)] != [*catalog.spec(cell.workload).tasks]:
            yield f"{_braced(cell.key)} is not what the selectors of {{}} select now"


def _valid(options: RunOptions) -> bool:
    return (
        set(options.dtypes) <= set(DTYPES)
        and set(options.devices) <= set(DEVICES)
        and options.matmul in MATMULS
        and 1 <= options.threads <= len(os.sched_getaffinity(0))
        and count(options.seed)
    )


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
