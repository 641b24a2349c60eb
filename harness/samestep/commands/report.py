"""What `samestep report` and `run` leave beside a run's records: tables, pictures, an export, the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from samestep.catalog.catalog import Catalog
from samestep.catalog.selection import Cell
from samestep.commands.bench import identity
from samestep.commands.options import say_left_out
from samestep.errors import SamestepError
from samestep.records.store import latest
from samestep.records.validated import LeftOut, Legible, read
from samestep.report import charts, page, pytest_benchmark, tables

PAGE, RESULTS = "page.html", Path("results")
REQUIRED = ("workload", "case", "implementation", "framework", "dtype", "device", "matmul", "threads")


def report(folders: Sequence[Path], out: Path | None = None, draw: bool = True) -> list[Legible]:
    """Read the runs and write their files; what cannot be read is said on standard error, and left out.
    ``draw`` asks for each picture as a file, too, which takes longer than all the rest.

    ``out`` is where the page goes: without it the folder of the one run, or ``results``. Without a folder it
    is where runs are kept, and the latest is read.

    Raises SamestepError where there is no run that can be read.
    """
    if not folders:
        folders, out = [latest(out or RESULTS).folder], None
    runs, left_out = read(folders)
    say_left_out(left_out)
    write(runs, out or (RESULTS if len(folders) > 1 else folders[0]), left_out, draw)
    return runs


def write(runs: Sequence[Legible], out: Path, left_out: Sequence[LeftOut] = (), draw: bool = True) -> None:
    """Every file of every run, and one page of all of them, named on standard error as they are written.

    ``out`` is the page's file, or the folder that it goes to.
    """
    paths = []
    for run in runs:
        paths += tables.write(run) + pytest_benchmark.write(run)
        if draw and charts.available():
            drawn = charts.write(run)
            click.echo(f"drew {len(drawn)} pictures in {run.folder / 'pictures'}", err=True)
    if page.available():
        paths.append(page.write(_target(out), runs, sources(runs), left_out))
    else:
        click.echo(f"samestep: {page.MISSING}", err=True)
    for path in paths:
        click.echo(f"wrote {path}", err=True)


def _target(out: Path) -> Path:
    if out.suffix == ".html" and not out.is_dir():
        return out
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SamestepError(f"{out} cannot be made: {error.strerror}") from error
    return out / PAGE


def sources(runs: Sequence[Legible]) -> dict[str, str | None]:
    """The text of each ``workload/implementation`` and of its ``workload/spec``, None where a file is gone or
    another one now.

    Only of samestep's own workloads: a folder that a record names is not looked into. Where runs had
    different files of one name, none of them is shown.
    """
    found: dict[str, str | None] = {}
    catalog = Catalog()
    for run in runs:
        recorded = run.about.get("sources") or {}
        for cell in run.about["cells"]:
            name = f"{cell['workload']}/{cell['implementation']}"
            text = _text(catalog, cell, recorded.get(name)) if cell["workload"] in catalog.workloads else None
            found[name] = text if found.get(name, text) == text else None
    # Where a rung is the one that ran, its spec is too.
    for workload in {name.partition("/")[0] for name, text in found.items() if text is not None}:
        found[f"{workload}/{page.SPEC}"] = catalog.specification(workload).read_text(encoding="utf-8")
    return found


def _text(catalog: Catalog, cell: Mapping[str, Any], recorded: str | None) -> str | None:
    one = Cell(**{name: cell[name] for name in REQUIRED})
    try:
        rung = catalog.implementation(one.workload, one.implementation)
        return rung.path.read_text(encoding="utf-8") if identity(catalog, one) == recorded else None
    except SamestepError:
        return None  # no such rung any more
