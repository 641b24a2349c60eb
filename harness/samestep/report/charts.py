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
from samestep.records.validated import summarized
from samestep.report.picture import COLOURS, THEMES, Picture
from samestep.report.tables import groups, headline

__all__ = [
    "COLOURS",
    "THEMES",
    "Picture",
    "available",
    "of_main_tasks",
    "pictures",
    "svg",
    "write",
]

#: A name of more letters, and its ending, no file system takes.
LONGEST = 200


def available() -> bool:
    return all(importlib.util.find_spec(name) for name in ("altair", "vl_convert"))


def pictures(runs: Sequence[Run]) -> Iterator[Picture]:
    """Every picture of every run, and those of all together; the same records give the same pictures."""
    for run in runs:
        for picture in _of(run):
            name = f"{picture.name}-{run.folder.name}" if len(runs) > 1 else picture.name
            yield replace(picture, name=name, filters={**picture.filters, "run": run.folder.name})
    if len(runs) > 1:
        from samestep.report.pictures import history

        yield from history.pictures(runs)


def _of(run: Run) -> Iterator[Picture]:
    from samestep.report.pictures import device_ratios, error_charts, peak, speed, stability, start

    about, records = run.about, list(run.records())
    cells = {cell["key"]: cell for cell in about["cells"]}
    summaries = summarized(run)
    yield from error_charts.pictures(cells, records)
    yield from speed.pictures(about, summaries)
    yield from start.pictures(about, summaries)
    yield from peak.pictures(about, summaries)
    yield from device_ratios.pictures(curves(about, records))
    yield from stability.pictures(about, records)


def svg(picture: Picture) -> str:
    """The picture as it stands in a document, on light ground."""
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(picture.vega_lite())
    return drawn


def write(run: Run) -> list[Path]:
    """The pictures of a run in a folder beside its records, as SVG and PNG: of each case its main task."""
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
    """What a picture's file is called: a name that a record made up leads to no other folder."""
    return re.sub(r"[^\w.,=\[\]-]", "_", name)[:LONGEST]


def names(case: str) -> tuple[str, str]:
    """A case, and the one that it is a size of: what the pictures of a sweep go by."""
    return case, case.partition("[")[0]


def of_main_tasks(run: Run, found: Iterable[Picture]) -> Iterator[Picture]:
    """The pictures of no task, and of each case's main one: many steps in one call."""
    about = run.about
    known = set()
    for _, cells in groups(summarized(run)):
        cell, task = cells[0].cell, headline(cells, about)
        known |= {(cell["workload"], case, task) for case in names(cell["case"])}
    for picture in found:
        named = tuple(picture.filters.get(name, "") for name in ("workload", "case", "task"))
        if not named[2] or named in known:
            yield picture
