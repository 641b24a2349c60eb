"""What a run knows so far: everything follows from its records, which update it as they come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

from samestep.agreement.verdict import AGREE, TIMEOUT, WRONG
from samestep.catalog.cell import Cell
from samestep.records.plan import Plan, PlannedCell
from samestep.records.schema import (
    CellVerdict,
    Eta,
    Finished,
    Peak,
    Process,
    Record,
    Sample,
    Start,
    Stopped,
)

#: A turn that was taken: the kind of its record, its process, cell, round and task.
Turn = tuple[str, Process, str, int, str]

#: What is imported, and for which device: a GPU is looked for as well where there may be one.
Import = tuple[str, str]


def import_of(cell: Cell) -> Import:
    """Return what the worker of a cell imports."""
    return cell.runtime, cell.device


@dataclass(frozen=True)
class Known:
    """What an invocation needs to know of those before it.

    ``agreed`` are the keys of the cells that are to be timed; ``loops`` the number of calls in a sample, by
    cell and task; ``imports`` the seconds that an import took by itself; ``taken`` the turns that an earlier,
    interrupted try of this invocation has recorded.
    """

    agreed: Set[str] = frozenset()
    loops: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    imports: Mapping[Import, float] = field(default_factory=dict)
    taken: Set[Turn] = frozenset()


@dataclass
class RunState:
    """The state of a run, updated by each of its records.

    ``examined`` holds (cell, dtype) of each examination before the timing; ``agreed`` the cells that agreed
    in all of them and gave no wrong answer since; ``stopped`` says what ended the run before all its
    invocations: "width", "most", or "budget" until it is gone on with, which counts its seconds anew.
    """

    plan: Plan
    taken: set[Turn] = field(default_factory=set)
    finished: set[Process] = field(default_factory=set)
    examined: set[tuple[str, str]] = field(default_factory=set)
    checked: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    loops: dict[str, Mapping[str, int]] = field(default_factory=dict)
    imports: dict[Import, float] = field(default_factory=dict)
    elapsed_seconds: float = 0.0
    stopped: str | None = None

    def __post_init__(self) -> None:
        self._cells: dict[str, PlannedCell] = self.plan.by_key()

    @classmethod
    def of(cls, plan: Plan, records: Iterable[Record]) -> RunState:
        """Return the state that follows from the records of a run."""
        state = cls(plan)
        for record in records:
            state.update(record)
        return state

    def update(self, record: Record) -> None:
        """Take in one record."""
        match record:
            case Sample() | Peak() if not (isinstance(record, Sample) and record.repeated):
                self.taken.add(turn_of(record))
            case CellVerdict():
                self._verdict(record)
            case Start():
                self.loops[record.cell] = record.loops or {}
                if record.invocation == 0 and record.framework.import_seconds is not None:
                    seconds = record.framework.import_seconds
                    self.imports.setdefault(import_of(self._cells[record.cell]), seconds)
            case Finished() if record.group is not None and record.invocation is not None:
                self.finished.add((record.group, record.invocation))
            case Eta():
                if self.stopped:
                    self.stopped, self.elapsed_seconds = None, 0.0
                self.elapsed_seconds = max(self.elapsed_seconds, record.elapsed_seconds)
            case Stopped():
                self.stopped = record.reason

    def _verdict(self, record: CellVerdict) -> None:
        verdict = record.verdict.verdict
        if record.checked_in is not None:
            self.examined.add((record.cell, record.checked_in))
            self.checked.add(record.cell)
            if verdict != AGREE:
                self.refused.add(record.cell)
        elif verdict in (*WRONG, TIMEOUT):  # it has no speed; and to wait once for what hangs is enough
            self.refused.add(record.cell)

    @property
    def agreed(self) -> Set[str]:
        """The cells that agreed whenever they were examined, and gave no wrong answer since."""
        return frozenset(self.checked - self.refused)

    @property
    def known(self) -> Known:
        """What the next invocation needs to know."""
        return Known(self.agreed, dict(self.loops), dict(self.imports), frozenset(self.taken))


def turn_of(record: Sample | Peak) -> Turn:
    """Return the turn in which a record was taken."""
    task = record.task if isinstance(record, Sample) else ""
    return record.KIND, record.process, record.cell, record.round, task
