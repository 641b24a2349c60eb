"""What the records say of each cell, sorted by cell: nothing is computed yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from statistics import median

from samestep.records.plan import Plan
from samestep.records.schema import CellVerdict, Finish, Process, Record, Sample, Start, Transfer

#: Seconds of one call, by the process and the round in which it was taken.
Samples = dict[tuple[Process, int], float]


def with_copy(samples: Samples, again: Samples) -> Samples:
    """Return the samples of a cell: in a round that its A/A copy took as well, the geometric mean of both."""
    return samples | {at: sqrt(samples[at] * again[at]) for at in samples.keys() & again.keys()}


@dataclass
class CellRecords:
    """The records of one cell. ``samples`` (seconds of one call), ``transfers``, ``disturbed`` and
    ``repeated`` are by task."""

    verdicts: list[CellVerdict] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    finishes: list[Finish] = field(default_factory=list)
    samples: dict[str, Samples] = field(default_factory=dict)
    transfers: dict[str, dict[Process, Transfer]] = field(default_factory=dict)
    disturbed: Counter[str] = field(default_factory=Counter)
    repeated: Counter[str] = field(default_factory=Counter)

    def add(self, record: Record) -> None:
        """Sort in one record of this cell."""
        match record:
            case CellVerdict():
                self.verdicts.append(record)
            case Start():
                self.starts.append(record)
                for task, transfer in (record.transfers or {}).items():
                    if transfer:
                        self.transfers.setdefault(task, {})[record.process] = transfer
            case Finish():
                self.finishes.append(record)
            case Sample():
                self.disturbed[record.task] += record.disturbed
                self.repeated[record.task] += record.repeated
                if not record.repeated:
                    self.samples.setdefault(record.task, {})[record.moment] = record.seconds_per_call

    @property
    def first_start(self) -> Start | None:
        """The first start, before compilers' caches were filled; None where the run has none."""
        return self.starts[0] if self.starts else None

    def transfer(self, task: str) -> Transfer | None:
        """Return the median over all processes, each way; None where nothing had to be transferred."""
        timed = list(self.transfers.get(task, {}).values())
        if not timed:
            return None
        return Transfer(median(one.to_device for one in timed), median(one.from_device for one in timed))


def by_cell(plan: Plan, records: Iterable[Record]) -> dict[str, CellRecords]:
    """Return the records of every cell of a plan, by its key."""
    found = {cell.key: CellRecords() for cell in plan.cells}
    for record in records:
        key = getattr(record, "cell", None)
        if key in found:
            found[key].add(record)
    return found


def last_verdicts(verdicts: Sequence[CellVerdict]) -> Sequence[CellVerdict]:
    """Return of each invocation, and of each examination before, the last one: a resumed one is begun
    again."""
    return list({(one.group, one.invocation, one.checked_in): one for one in verdicts}.values())


def by_process(samples: Mapping[tuple[Process, int], float]) -> Sequence[Sequence[float]]:
    """Return the values grouped by process, which is the unit of inference."""
    processes: dict[Process, list[float]] = {}
    for (process, _), value in sorted(samples.items()):
        processes.setdefault(process, []).append(value)
    return list(processes.values())
