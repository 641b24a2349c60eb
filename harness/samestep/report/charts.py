"""Pictures of runs, one definition for the page and for files: Altair charts, drawn by vl-convert."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from samestep.analysis.cpu_gpu import curves
from samestep.errors import SamestepError
from samestep.records.store import Run
from samestep.report.picture import Picture
from samestep.report.summaries import groups, main_task, summaries_of

#: Longer file names, with their suffix, are not accepted by every file system.
LONGEST = 200


def available() -> bool:
    """Whether the libraries that draw pictures are installed."""
    return all(importlib.util.find_spec(name) for name in ("altair", "vl_convert"))


def pictures(runs: Sequence[Run]) -> Iterator[Picture]:
    """Return every picture of every run, and those of all together; the same records give the same
    pictures."""
    for run in runs:
        for picture in _of(run):
            name = f"{picture.name}-{run.name}" if len(runs) > 1 else picture.name
            yield replace(picture, name=name, filters={**picture.filters, "run": run.name})
    if len(runs) > 1:
        from samestep.report.pictures import history

        yield from history.pictures(runs)


def _of(run: Run) -> Iterator[Picture]:
    from samestep.report.pictures import (
        device_ratios,
        error_charts,
        peak,
        samples,
        speed,
        startup,
        task_groups,
        total_time,
    )

    plan, records, summaries = run.plan, list(run.records()), summaries_of(run)
    yield from error_charts.pictures(plan.by_key(), records)
    yield from speed.pictures(plan, summaries)
    for group in task_groups.training_groups(plan, summaries):
        yield from startup.pictures(group)
        yield from total_time.pictures(summaries, group)
    yield from peak.pictures(plan, summaries)
    yield from device_ratios.pictures(curves(plan, records))
    yield from samples.pictures(records)


def svg(picture: Picture) -> str:
    """Return a picture as it stands in a document, on light ground."""
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(picture.vega_lite())
    return drawn


def write(run: Run) -> list[Path]:
    """Write the pictures of a run into a folder beside its records, as SVG and PNG: of each case its main
    task."""
    import vl_convert

    folder, written = run.folder / "pictures", list[Path]()
    try:
        folder.mkdir(exist_ok=True)
        for picture in of_main_tasks(run, pictures([run])):
            name = file_name(picture.name)
            paths = folder / f"{name}.svg", folder / f"{name}.png"
            paths[0].write_text(svg(picture), encoding="utf-8")
            paths[1].write_bytes(vl_convert.vegalite_to_png(picture.vega_lite(), scale=2))
            written += paths
    except OSError as error:
        raise SamestepError(f"{error.filename} cannot be written: {error.strerror}") from error
    return written


def file_name(name: str) -> str:
    """Return the name of a picture's file: a name that a record made up leads to no other folder."""
    return re.sub(r"[^\w.,=\[\]-]", "_", name)[:LONGEST]


def case_names(case: str) -> tuple[str, str]:
    """Return a case, and the one that it is a size of: the names that pictures of a sweep go by."""
    return case, case.partition("[")[0]


def of_main_tasks(run: Run, found: Iterable[Picture]) -> Iterator[Picture]:
    """Return the pictures of no task, and of each case's main one: many steps in one call."""
    known = set()
    for _, cells in groups(summaries_of(run)):
        cell, task = cells[0].cell, main_task(cells, run.plan)
        known |= {(cell.workload, case, task) for case in case_names(cell.case)}
    for picture in found:
        workload, case, task = (picture.filters.get(name, "") for name in ("workload", "case", "task"))
        if not task or (workload, case, task) in known:
            yield picture
