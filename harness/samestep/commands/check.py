"""``samestep check``: every cell's verdict, as it comes and then in a table."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from samestep.catalog.selection import Cell
from samestep.report import check_tables
from samestep.workers import cleanup
from samestep.workers.launcher import Workshop, distances
from samestep.workers.launcher import check as examine_all

FIELDS = ("workload", "implementation", "case", "dtype", "device")
#: Steps of a free run: the tutorials' network makes no more.
LONGEST = 500


def run_checks(
    workshop: Workshop, cells: Sequence[Cell], quiet: bool, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Examine the cells; the document of ``--json``, shown as tables unless ``quiet``."""
    explain, matrix = options["explain"], options["matrix"]
    workshop.trajectory = LONGEST if options["trajectory"] else 0
    with cleanup.temporary_folder() as folder:
        workshop.keep = folder if matrix else None
        answers = examined(workshop, cells)
        document: dict[str, Any] = {"cells": [_result(cell, answers[cell]) for cell in cells]}
        if matrix:
            document["distances"] = [
                {"a": a.key, "b": b.key, **asdict(found)} for a, b, found in distances(workshop, cells)
            ]
    if not quiet:
        console = Console()
        check_tables.show(document["cells"], console)
        if explain:
            check_tables.explain(document["cells"], console)
        if workshop.trajectory:
            check_tables.show_trajectories(document["cells"], console)
        if matrix:
            check_tables.show_distances(document["distances"], console)
    return document


def examined(workshop: Workshop, cells: Sequence[Cell]) -> dict[Cell, dict[str, Any]]:
    """The answer of each cell, with a progress bar on standard error meanwhile."""
    answers: dict[Cell, dict[str, Any]] = {}
    lock = threading.Lock()
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=Console(stderr=True), transient=True,
    ) as progress:  # fmt: skip
        bar = progress.add_task("checking", total=len(cells))

        def heard(cell: Cell, answer: dict[str, Any]) -> None:
            with lock:
                answers[cell] = answer
                progress.update(bar, advance=1, description=f"{cell.workload}/{cell.implementation}")

        examine_all(workshop, cells, heard)
    return answers


def rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a table of verdicts holds: a row for each cell."""
    return [{name: cell[name] for name in (*FIELDS, "verdict", "reason")} for cell in document["cells"]]


def _result(cell: Cell, answer: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {**{name: getattr(cell, name) for name in FIELDS}, **answer["verdict"]}
    return result | ({"trajectory": answer["trajectory"]} if "trajectory" in answer else {})
