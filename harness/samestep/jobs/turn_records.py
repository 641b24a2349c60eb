"""The records of one invocation of a group, made of what its workers answer."""

from __future__ import annotations

from dataclasses import dataclass

from samestep.agreement.verdict import Verdict
from samestep.catalog.cell import Cell
from samestep.measure import clock
from samestep.records.schema import CellVerdict, Finish, Peak, Sample
from samestep.workers.protocol import MemoryRead, PeakMeasured, Sampled


@dataclass(frozen=True)
class TurnRecords:
    """Makes records of the ``invocation`` of a ``group``."""

    group: int
    invocation: int

    def sample(self, cell: Cell, turn: int, task: str, answer: Sampled, repeated: bool) -> Sample:
        """Return the record of a sample; one that was ``repeated`` does not count."""
        return Sample(
            cell.key, group=self.group, invocation=self.invocation, time=clock.wall_time(), round=turn,
            task=task, loops=answer.loops, seconds=answer.seconds, disturbed=answer.disturbed,
            repeated=repeated, gpu=answer.gpu,
        )  # fmt: skip

    def peak(self, cell: Cell, turn: int, answer: PeakMeasured) -> Peak:
        """Return the record of the machine's speed."""
        return Peak(
            cell.key, group=self.group, invocation=self.invocation, time=clock.wall_time(), round=turn,
            seconds=answer.seconds, flops=answer.flops, processors=answer.processors,
            disturbed=answer.disturbed,
        )  # fmt: skip

    def verdict(self, cell: Cell, verdict: Verdict, stderr: str | None = None) -> CellVerdict:
        """Return the record of a verdict."""
        return CellVerdict(
            cell.key, verdict, stderr=stderr, group=self.group, invocation=self.invocation,
            time=clock.wall_time(),
        )  # fmt: skip

    def finish(self, cell: Cell, memory: MemoryRead) -> Finish:
        """Return the record of a worker's end."""
        return Finish(
            cell.key, memory.peak_memory_bytes, memory.device_memory_bytes, self.group, self.invocation,
            clock.wall_time(),
        )  # fmt: skip
