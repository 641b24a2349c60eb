"""What a job reports of its progress; how it is shown is the command's business."""

from __future__ import annotations

from typing import Protocol

from samestep.catalog.cell import Cell
from samestep.jobs.eta import Unit


class Progress(Protocol):
    """Told of every step, in the thread of whoever runs the job."""

    def doing(self, what: str) -> None:
        """Something has begun."""

    def done(self, unit: Unit, seconds: float) -> None:
        """A unit of work was done."""

    def dismissed(self, cell: Cell) -> None:
        """A worker is gone: its cell takes no more turns in this invocation."""


class Silent:
    """Progress that nobody looks at."""

    def doing(self, what: str) -> None:
        """Ignore it."""

    def done(self, unit: Unit, seconds: float) -> None:
        """Ignore it."""

    def dismissed(self, cell: Cell) -> None:
        """Ignore it."""
