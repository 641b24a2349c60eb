"""Workers that have made their first calls, and take a sample whenever they are asked to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from samestep.catalog.cell import Cell
from samestep.workers.launcher import Launcher
from samestep.workers.process import WorkerProcess
from samestep.workers.protocol import Prepare, Sampled, TakeSample


@dataclass(frozen=True)
class WarmWorker:
    """A worker that takes samples of one task, of N ``loops`` each; ``patience`` is in seconds."""

    process: WorkerProcess
    task: str
    loops: int
    patience: float

    def sample(self) -> Sampled:
        """Return one sample."""
        return self.process.ask(TakeSample(self.task, self.loops), self.patience)

    def seconds_per_call(self) -> float:
        """Take a sample, and return the seconds of one call in it."""
        return self.sample().seconds / self.loops


@contextmanager
def warm_worker(launcher: Launcher, cell: Cell, task: str) -> Iterator[WarmWorker]:
    """Start a worker for a cell and make its first calls; it ends with the context."""
    with launcher.start(cell) as process:
        launcher.open(process, cell)
        prepared = process.ask(Prepare(launcher.subject(cell)), launcher.patience)
        yield WarmWorker(process, task, prepared.loops[task], launcher.patience)
