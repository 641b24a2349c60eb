"""``samestep bench`` and ``run``: a run from the selection to its records, with progress and an ETA."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from harness.bench import PROFILES, Bench, Forecast, Profile
from harness.catalog import Catalog
from harness.errors import SamestepError
from harness.measure.machine import fingerprint, slug
from harness.report import terminal
from harness.runner import Workshop
from harness.selection import Cell, Options, select
from harness.store import Run, latest
from harness.summary import CellSummary, summarize


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
        run = latest(asked["out"]) if resume == "latest" else Run.open(Path(resume))
        if run.torn:
            run.mend()
        about = run.about
        workshop.seed = about["options"]["seed"]
        cells = [Cell(**{k: v for k, v in c.items() if k not in ("key", "baseline")}) for c in about["cells"]]
        profile = Profile(**about["profile"])
    else:
        profile = PROFILES[asked["profile"]]
        if asked["invocations"]:
            profile = Profile(asked["invocations"], profile.rounds)
        cells = select(workshop.catalog, selectors, options)
        about = _about(workshop, cells, selectors, options, profile)
        run = Run.create(asked["out"], slug(about["machine"]), about)
    _measure(workshop, run, profile, cells)
    if not quiet:
        terminal.show(run, Console())
    return run.folder


def _measure(workshop: Workshop, run: Run, profile: Profile, cells: Sequence[Cell]) -> None:
    """With a bar on standard error; compilers' caches live as long as the run."""
    workshop.cache = Path(tempfile.mkdtemp(prefix="samestep-"))
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[eta]}"),
        console=Console(stderr=True),
    )  # fmt: skip
    try:
        with bar:
            shown = bar.add_task("", total=None, eta="")

            def watch(forecast: Forecast) -> None:
                left = forecast.left_seconds
                bar.update(
                    shown,
                    description=forecast.doing,
                    total=forecast.done_seconds + left,
                    completed=forecast.done_seconds,
                    eta=f"ETA {int(left) // 60}:{int(left) % 60:02d}",
                )

            Bench(workshop, run, profile, watch).measure(cells)
            bar.update(shown, description="done", eta="")
    finally:
        shutil.rmtree(workshop.cache, ignore_errors=True)


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
    frameworks = sorted({cell.framework for cell in cells} & set(catalog.adapters))
    return {
        "selectors": list(selectors),
        "options": {**asdict(options), "seed": workshop.seed, "pythons": workshop.pythons},
        "profile": asdict(profile),
        "machine": fingerprint(),
        "versions": {name: catalog.version(name) for name in frameworks},
        "cells": [
            {**cell.as_dict(), "key": cell.key, "baseline": _baseline(catalog, cell, cells)} for cell in cells
        ],
        "tasks": {f"{c.workload}:{c.case}": _tasks(catalog, c) for c in cells},
        "sources": {f"{c.workload}/{c.implementation}": identity(catalog, c) for c in cells},
    }


def _baseline(catalog: Catalog, cell: Cell, cells: Sequence[Cell]) -> str:
    """The cell that this one's ratio is taken to: the spec's baseline, or the first that is there."""
    peers = [c for c in cells if _arena(c) == _arena(cell)]
    wanted = catalog.spec(cell.workload).baseline
    return next((c.key for c in peers if c.implementation == wanted), peers[0].key)


def _arena(cell: Cell) -> tuple[str, ...]:
    return cell.workload, cell.case, cell.dtype, cell.device, cell.matmul


def _tasks(catalog: Catalog, cell: Cell) -> dict[str, Any]:
    spec = catalog.spec(cell.workload)
    case = spec.cases[cell.case]
    facts = {}
    for name, task in spec.tasks.items():
        steps = None
        if task.steps:
            steps = case.numbers.get(task.steps) or case.sizes.get(task.steps)
        facts[name] = {"flops": task.flops(case), "steps": steps}
    return facts


def identity(catalog: Catalog, cell: Cell) -> str:
    """A hash of the spec, the rung and the rungs it is read after: edited code never joins old numbers."""
    rung = catalog.implementation(cell.workload, cell.implementation)
    siblings = {other.name: other for other in catalog.implementations(cell.workload)}
    files = [rung.path.parent / "spec.py", rung.path]
    while rung.read_after in siblings and siblings[rung.read_after].path not in files:
        rung = siblings[rung.read_after]
        files.append(rung.path)
    return hashlib.sha256(b"\0".join(f.read_bytes() for f in files if f.is_file())).hexdigest()[:16]


def document(run: Run) -> dict[str, Any]:
    """The JSON of ``bench``: each cell with its verdict and its tasks."""
    return {"cells": [_cell(summary) for summary in summarize(run.about, run.records())]}


def _cell(summary: CellSummary) -> dict[str, Any]:
    names = ("workload", "implementation", "case", "dtype", "device")
    tasks = {}
    for name, task in summary.tasks.items():
        tasks[name] = {
            "seconds": task.seconds.value,
            "ci": [task.seconds.low, task.seconds.high],
            "spread": task.seconds.spread,
            "flops": task.flops,
            "fraction_of_peak": task.fraction_of_peak,
            "first_call_seconds": task.first_call_seconds,
            "peak_memory_bytes": summary.peak_memory_bytes,
            "ratio": task.ratio and task.ratio.value,
            "ratio_ci": task.ratio and [task.ratio.low, task.ratio.high],
        }
        if task.steps:
            tasks[name]["seconds_per_step"] = task.seconds_per_step
    return {
        **{name: summary.cell[name] for name in names},
        "verdict": summary.verdict,
        "reason": summary.reason,
        "first_divergence": summary.first_divergence,
        "tasks": tasks,
    }
