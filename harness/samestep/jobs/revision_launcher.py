"""Starts the workers of two revisions, each with the files, the path and the interpreters of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from samestep.agreement.verdict import Verdict
from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Cell
from samestep.workers.judge import Judge
from samestep.workers.launcher import Launcher
from samestep.workers.process import WorkerProcess
from samestep.workers.protocol import Confirmed, Examined, Opened, TimedJudged
from samestep.workers.raw_requests import Subject

#: The names of the two, as the ``release`` of a cell.
BEFORE, AFTER = "before", "after"


@dataclass(frozen=True)
class RevisionLauncher(Launcher):
    """Passes each request on to the launcher of the revision that its cell is of; compilers' caches are kept
    apart."""

    sides: Mapping[str, Launcher] = field(default_factory=dict)

    def _of(self, cell: Cell) -> tuple[Launcher, Cell]:
        side = replace(
            self.sides[cell.release], cache=self.cache / cell.release,
            separate_caches=self.separate_caches, patience=self.patience,
        )  # fmt: skip
        return side, replace(cell, release="")

    def catalog_of(self, cell: Cell) -> Catalog:
        return self.sides[cell.release].catalog

    def missing(self, cell: Cell) -> Verdict | None:
        side, own = self._of(cell)
        return side.missing(own)

    def start(self, cell: Cell, bound_to: Sequence[int] | None = None) -> WorkerProcess:
        side, own = self._of(cell)
        return side.start(own, bound_to)

    def open(self, worker: WorkerProcess, cell: Cell) -> Opened:
        side, own = self._of(cell)
        return side.open(worker, own)

    def examine(
        self, judge: Judge, worker: WorkerProcess, cell: Cell, keep: Path | None = None, free_steps: int = 0,
        only: bool = False,
    ) -> Examined:  # fmt: skip
        side, own = self._of(cell)
        return side.examine(judge, worker, own, keep, free_steps, only)

    def confirm(self, judge: Judge, worker: WorkerProcess, cell: Cell) -> Confirmed:
        side, own = self._of(cell)
        return side.confirm(judge, worker, own)

    def judge_timed(self, judge: Judge, worker: WorkerProcess, cell: Cell, judged: bool) -> TimedJudged:
        side, own = self._of(cell)
        return side.judge_timed(judge, worker, own, judged)

    def subject_to_time(self, cell: Cell) -> Subject:
        side, own = self._of(cell)
        return side.subject_to_time(own)
