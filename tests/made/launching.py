"""Launchers for the workloads of a folder, and their cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from samestep.agreement.verdict import Verdict
from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Cell, Options
from samestep.catalog.selection import select
from samestep.workers.launcher import Launcher
from samestep.workers.process import RequestFailed, WorkerProcess


def launcher_for(folder: Path, patience: float = 120, **more: Any) -> Launcher:
    """Return what starts the workers of the workloads in a folder; ``more`` are fields of the launcher."""
    return Launcher(Catalog([folder]), roots=[folder], patience=patience, **more)


def cells_of(launcher: Launcher, selector: str = "rigged") -> list[Cell]:
    """Return the cells that a selector means, on one thread."""
    return select(launcher.catalog, [selector], Options())


def reason_of(launcher: Launcher, cell: Cell, bound_to: list[int] | None = None) -> str:
    """Return why the examination of a cell failed: what its implementation raises."""
    with launcher.start(cell, bound_to) as worker, pytest.raises(RequestFailed) as failed:
        examined(launcher, worker, cell)
    return str(failed.value)


def examined(launcher: Launcher, worker: WorkerProcess, cell: Cell) -> Verdict:
    """Return the verdict on a cell, whose framework a worker opens first; by a judge of its own."""
    launcher.open(worker, cell)
    with launcher.judge(cell) as judge:
        return launcher.examine(judge, worker, cell).verdict
