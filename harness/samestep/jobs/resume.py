"""A run that was begun here, with these very files and versions, is gone on with."""

from __future__ import annotations

from pathlib import Path

from samestep.catalog.catalog import Catalog
from samestep.catalog.identity import identities
from samestep.errors import SamestepError
from samestep.measure.fingerprint import fingerprint, slug
from samestep.records.plan import Plan
from samestep.records.store import Run, latest
from samestep.workers.environment import changed

#: The name of the run that started last on this machine.
LATEST = "latest"


def find_run(out: Path, name: str) -> Run:
    """Return the run in the folder ``name``, or the latest of this machine in ``out``.

    Raises SamestepError where there is none.
    """
    return latest(out, slug(fingerprint())) if name == LATEST else Run.open(Path(name))


def prepare_to_resume(run: Run) -> None:
    """Hold a run that is to be gone on with, and cut its torn last line off.

    Raises SamestepError where it is still being measured, or where this machine, a version, a steering
    variable or a file is not what it was.
    """
    run.hold()
    if run.torn:
        run.mend()
    then = slug(run.plan.machine)
    if then != slug(fingerprint()):
        raise SamestepError(f"{run.folder} was begun on {then}: start a new run here")
    reason = _difference(run.plan)
    if reason:
        raise SamestepError(reason.format(run.folder) + ": start a new run")


def _difference(plan: Plan) -> str | None:
    """Return what is not what it was when the run began, with {} for its folder."""
    catalog = Catalog([Path(root) for root in plan.options.roots])
    for framework, version in (plan.versions or {}).items():
        if catalog.version(framework) != version:
            return f"{framework} has another version than when {{}} began"
    for device, before in (plan.inherited or {}).items():
        for name in changed(before, device)[:1]:
            return f"{name} is not what it was when {{}} began"
    now = identities(catalog, plan.cells)
    for name, source in (plan.sources or {}).items():
        if now[name] != source:
            return f"{name} was edited since {{}} began"
    return None
