"""``samestep bench`` and ``run``: a run from the selection to its records, with progress and an ETA."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from samestep.analysis.summary import CellSummary, summarize
from samestep.catalog.catalog import Catalog
from samestep.catalog.code_size import price
from samestep.catalog.selection import Cell, Options, arenas, select, with_twins
from samestep.errors import SamestepError
from samestep.jobs.bench import PROFILES, Bench, Profile, room
from samestep.jobs.eta import Forecast
from samestep.measure import clock
from samestep.measure.machine import fingerprint, slug
from samestep.records.store import Run, latest
from samestep.report import terminal
from samestep.report.metrics import facts
from samestep.workers import cleanup
from samestep.workers.launcher import Workshop
from samestep.workers.process import environment, inherited

#: How often the bar is drawn.
DRAW_SECONDS = 1.0


def run_bench(
    workshop: Workshop,
    selectors: Sequence[str],
    options: Options,
    asked: dict[str, Any],
    resume: str | None,
    quiet: bool,
) -> Path:
    """Measure the selection, or what is left of a run; returns the run's folder."""
    if resume:
        run, profile, cells = _resumed(workshop, selectors, asked, resume)
    else:
        profile = PROFILES[asked["profile"]]
        if asked["invocations"]:
            profile = replace(profile, invocations=asked["invocations"])
        profile = replace(profile, width=asked["width"], budget=asked["budget"], alive=room())
        selectors = selectors or networks(workshop.catalog)
        cells = with_twins(workshop.catalog, select(workshop.catalog, selectors, options))
        about = _about(workshop, cells, selectors, options, profile)
        run = Run.create(asked["out"], slug(about["machine"]), about)
        run.hold()
    _measure(workshop, run, profile, cells)
    if not quiet:
        terminal.show(run, Console())
    return run.folder


def networks(catalog: Catalog) -> list[str]:
    """What is timed where nothing was selected: every workload that is not a lesson."""
    return [name for name in catalog.workloads if not catalog.spec(name).lesson]


def _resumed(
    workshop: Workshop, selectors: Sequence[str], asked: dict[str, Any], name: str
) -> tuple[Run, Profile, list[Cell]]:
    """A run that was begun here with these very files and versions, and the workshop as it was then."""
    machine = fingerprint()
    run = latest(asked["out"], slug(machine)) if name == "latest" else Run.open(Path(name))
    run.hold()
    if run.torn:
        run.mend()
    about = run.about
    if selectors or (asked["sweep"], asked["shard"]) != (None, None):
        raise SamestepError(
            f"--resume goes on with what {run.folder} was asked: leave the selectors, --sweep and --shard out"
        )
    if slug(about["machine"]) != slug(machine):
        raise SamestepError(f"{run.folder} was begun on {slug(about['machine'])}: start a new run here")
    workshop.seed = about["options"]["seed"]
    workshop.pythons = about["options"]["pythons"]
    workshop.roots = [Path(root) for root in about["options"]["roots"]]
    workshop.catalog = Catalog(workshop.roots)
    cells = [Cell(**{k: v for k, v in c.items() if k not in ("key", "baseline")}) for c in about["cells"]]
    profile = Profile(**about["profile"])
    changed = [f for f, was in about["versions"].items() if workshop.catalog.version(f) != was]
    if changed:
        raise SamestepError(f"{changed[0]} has another version than when {run.folder} began: start a new run")
    for device, was in (about.get("inherited") or {}).items():
        steered = [name for name, _ in was.items() ^ inherited(device).items()]
        if steered:
            raise SamestepError(f"{steered[0]} is not what it was when {run.folder} began: start a new run")
    now = sources(workshop.catalog, cells)
    edited = [name for name, was in about["sources"].items() if now[name] != was]
    if edited:
        raise SamestepError(f"{edited[0]} was edited since {run.folder} began: start a new run")
    return run, profile, cells


def _measure(workshop: Workshop, run: Run, profile: Profile, cells: Sequence[Cell]) -> None:
    """With a bar on standard error; compilers' caches live as long as the run."""
    workshop.by_cell = True
    bar = Progress(
        TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[eta]}"), console=Console(stderr=True),
        auto_refresh=False,  # no thread that draws while a sample is taken
    )  # fmt: skip
    shown = bar.add_task("", total=None, eta="")
    drawn = clock.now()

    def watch(forecast: Forecast) -> None:
        nonlocal drawn
        if clock.now() - drawn < DRAW_SECONDS:
            return
        drawn, left = clock.now(), forecast.left_seconds
        bar.update(
            shown,
            description=forecast.doing,
            total=forecast.done_seconds + left,
            completed=forecast.done_seconds,
            eta=f"ETA {int(left) // 60}:{int(left) % 60:02d}",
            refresh=True,
        )

    bench = Bench(workshop, run, profile, watch)
    with cleanup.temporary_folder() as workshop.cache, bar:
        bench.measure(cells)
        bar.update(shown, description="done", eta="", refresh=True)


def _about(
    workshop: Workshop,
    cells: Sequence[Cell],
    selectors: Sequence[str],
    options: Options,
    profile: Profile,
) -> dict[str, Any]:
    """What was asked, of what, on what: everything that a report needs besides the samples."""
    catalog = workshop.catalog
    if not cells:
        raise SamestepError("nothing is selected")
    baselines = {cell: arena[0] for arena in arenas(catalog, cells) for cell in arena}
    frameworks = sorted({cell.framework for cell in cells} & set(catalog.adapters))
    return {
        "selectors": list(selectors),
        "options": {
            **asdict(options),
            "seed": workshop.seed,
            "pythons": workshop.pythons,
            "roots": [str(root.resolve()) for root in workshop.roots],
        },
        "profile": asdict(profile),
        "machine": fingerprint(),
        "environment": {device: environment(device, options.threads) for device in options.devices},
        "inherited": {device: inherited(device) for device in options.devices},
        "versions": {name: catalog.version(name) for name in frameworks},
        "cells": [{**cell.as_dict(), "key": cell.key, "baseline": baselines[cell].key} for cell in cells],
        "tasks": {f"{c.workload}:{c.case}": _tasks(catalog, c) for c in cells},
        "sources": sources(catalog, cells),
        "prices": prices(catalog, cells),
    }


def _tasks(catalog: Catalog, cell: Cell) -> dict[str, Any]:
    spec = catalog.spec(cell.workload)
    return {name: {"flops": task.flops(spec.case(cell.case))} for name, task in spec.tasks.items()}


def sources(catalog: Catalog, cells: Sequence[Cell]) -> dict[str, str]:
    return {f"{c.workload}/{c.implementation}": identity(catalog, c) for c in cells}


def prices(catalog: Catalog, cells: Sequence[Cell]) -> dict[str, dict[str, Any]]:
    """How much code each rung is, and how much of it is new after the rung that it is read after."""
    found = {}
    for rung in {catalog.implementation(c.workload, c.implementation): None for c in cells}:
        files = {other.name: other.path for other in catalog.implementations(rung.workload)}
        before = files.get(rung.read_after) if rung.read_after else None
        found[str(rung)] = asdict(price(rung.path, before, rung.read_after))
    return found


def identity(catalog: Catalog, cell: Cell) -> str:
    """A hash of the spec, the rung and the rungs it is read after: edited code never joins old numbers."""
    rung = catalog.implementation(cell.workload, cell.implementation)
    siblings = {other.name: other for other in catalog.implementations(cell.workload)}
    files = [catalog.specification(cell.workload), rung.path]
    while rung.read_after in siblings and siblings[rung.read_after].path not in files:
        rung = siblings[rung.read_after]
        files.append(rung.path)
    return hashlib.sha256(b"\0".join(f.read_bytes() for f in files)).hexdigest()[:16]


def document(run: Run) -> dict[str, Any]:
    """The JSON of ``bench``: each cell with its verdict and its tasks."""
    summaries = summarize(run.about, run.records())
    return {"cells": [_cell(summaries, summary) for summary in summaries]}


def _cell(summaries: Sequence[CellSummary], summary: CellSummary) -> dict[str, Any]:
    names = ("workload", "implementation", "case", "dtype", "device")
    tasks = {}
    for name in summary.tasks:
        found = facts(summaries, summary, name)
        found["ci"] = [found.pop("seconds_low"), found.pop("seconds_high")]
        found["ratio_ci"] = [found.pop("ratio_low"), found.pop("ratio_high")] if found["ratio"] else None
        if found["seconds_per_step"] is None:
            del found["seconds_per_step"]
        tasks[name] = found
    return {
        **{name: summary.cell[name] for name in names},
        "verdict": summary.verdict,
        "reason": summary.reason,
        "first_divergence": summary.first_divergence,
        "tasks": tasks,
    }
