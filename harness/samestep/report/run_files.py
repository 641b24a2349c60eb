"""The files that are made from runs: tables, pictures and an export beside each, and one page of all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from samestep.errors import SamestepError
from samestep.records.validated import LeftOut, ValidatedRun
from samestep.report import charts, page, pytest_benchmark, tables
from samestep.report.sources import sources_of

PAGE = "page.html"


def write_files(
    runs: Sequence[ValidatedRun], out: Path, left_out: Sequence[LeftOut] = (), draw: bool = True
) -> Iterator[str]:
    """Write every file of every run, and the page; return a line for each, as it is written.

    ``out`` is the page's file, or the folder that it goes to. ``draw`` asks for each picture as a file, too,
    which takes longer than all the rest. Raises SamestepError where a file cannot be written.
    """
    for run in runs:
        for path in (*tables.write(run), *pytest_benchmark.write(run)):
            yield f"wrote {path}"
        if draw and charts.available():
            yield f"drew {len(charts.write(run))} pictures in {run.folder / 'pictures'}"
    if page.available():
        yield f"wrote {page.write(_page_file(out), runs, sources_of(runs), left_out)}"
    else:
        yield f"samestep: {page.MISSING}"


def _page_file(out: Path) -> Path:
    if out.suffix == ".html" and not out.is_dir():
        return out
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SamestepError(f"{out} cannot be made: {error.strerror}") from error
    return out / PAGE
