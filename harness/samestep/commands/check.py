"""``samestep check``: every cell's verdict, as it comes and then in a table."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import click

from samestep.catalog.cell import Cell
from samestep.commands.options import Selection, emit, exit_for, selection
from samestep.commands.shown_progress import count_progress
from samestep.errors import SamestepError
from samestep.jobs.check import Examination, Wanted, check, distances
from samestep.records.check_results import CellPair, CheckResult, pair_to_json, to_json, to_row
from samestep.report import check_tables, port_tables
from samestep.report.printable_console import PrintableConsole
from samestep.workers import cleanup
from samestep.workers.launcher import Launcher

#: Steps of a free run: the tutorials' network makes no more.
FREE_RUN_STEPS = 500


@click.command("check")
@selection(dtypes=("float32", "float64"), threads=1)
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.py",
              help="Check only this file, as an implementation of the selected workload.")  # fmt: skip
@click.option("--explain", is_flag=True, help="Show what each tensor's limits are made of.")
@click.option("--matrix", is_flag=True, help="Show how far every two implementations are apart.")
@click.option("--trajectory", is_flag=True, help="Show how far a free run gets from the reference.")
def command(asked: Selection, form: str, explain: bool, matrix: bool, trajectory: bool) -> None:
    """Do they agree? Each cell against the float64 reference.

    The limits are derived from the arithmetic, and none is set by hand.
    """
    cells = candidates(asked, asked.cells(asked.selectors or asked.catalog.of_own_folders))
    ports = {cell.workload for cell in cells if asked.catalog.is_port(cell.workload)}
    if ports and (matrix or trajectory):
        raise SamestepError("--matrix and --trajectory are for workloads of a folder, not for port files")
    wanted = Wanted(free_run_steps=FREE_RUN_STEPS if trajectory else 0)
    with cleanup.temporary_folder() if matrix else nullcontext() as folder:
        results = examine(asked.launcher, cells, replace(wanted, keep=folder))
        pairs = list(distances(folder, cells)) if folder else None
    if form == "table":
        console = PrintableConsole()
        port_tables.show([one for one in results if one.cell.workload in ports], console, explain)
        results_of_folders = [one for one in results if one.cell.workload not in ports]
        if results_of_folders:
            check_tables.show(results_of_folders, console)
        if explain and results_of_folders:
            check_tables.explain(results_of_folders, console)
        if trajectory:
            check_tables.show_free_runs(results, console)
        if pairs is not None:
            check_tables.show_distances(pairs, results, console)
    else:
        emit(form, document(results, pairs), [to_row(one) for one in results])
    asked.require()
    exit_for(((one.cell, one.verdict.verdict) for one in results), asked.required)


def candidates(asked: Selection, cells: list[Cell]) -> list[Cell]:
    """Return the cells without the references of port files, by which the others are judged; one that was
    named is held against its own float64."""
    catalog = asked.catalog
    return [
        cell
        for cell in cells
        if not catalog.is_port(cell.workload)
        or cell.named
        or cell.implementation != catalog.spec(cell.workload).baseline
    ]


def examine(launcher: Launcher, cells: list[Cell], wanted: Wanted) -> list[CheckResult]:
    """Return the result of each cell, with the progress on standard error meanwhile."""
    found: dict[Cell, CheckResult] = {}
    lock = threading.Lock()
    with count_progress(PrintableConsole(stderr=True), "examining", len(cells)) as done:

        def on_result(one: Examination) -> None:
            with lock:
                found[one.cell] = one.result
                done(f"{one.cell.workload}/{one.cell.implementation}")

        check(launcher, cells, on_result, wanted)
    return [found[cell] for cell in cells]


def document(results: list[CheckResult], pairs: list[CellPair] | None) -> dict[str, object]:
    """Return the document of ``--json``."""
    found: dict[str, object] = {"cells": [to_json(one) for one in results]}
    if pairs is not None:
        found["distances"] = [pair_to_json(pair) for pair in pairs]
    return found
