"""Two revisions in one measurement: the cells of both take turns in the same rounds.

Each revision has its own files, path and interpreters, and a cell's ``release`` says whose it is. Each
implementation is a comparison group of its own: the first revision's, its A/A copy, and the second one's.
What is recorded goes to two runs, one of each revision, whose cells have their usual names; so each can be
read as any other run, and both together by `samestep compare`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Cell
from samestep.jobs.planning import make_plan
from samestep.jobs.revision_launcher import AFTER, BEFORE
from samestep.records.plan import Plan, PlannedCell, Profile, Revision, RunOptions, TaskFacts, planned
from samestep.records.schema import CellDistance, Record
from samestep.records.store import Run


@dataclass(frozen=True)
class Side:
    """What one revision gives to a measurement: its name as it was asked for, its commit, its catalog and its
    cells."""

    asked: str
    commit: str
    catalog: Catalog
    cells: Sequence[Cell]


def plans(
    sides: Mapping[str, Side], selectors: Sequence[str], options: RunOptions, profile: Profile
) -> dict[str, Plan]:
    """Return the plans of the runs of two revisions: in the first one's, an A/A copy of every cell that the
    second one has as well."""
    together = uuid.uuid4().hex
    common = {cell.key for cell in sides[AFTER].cells}
    found = {}
    for name, side in sides.items():
        copied = common if name == BEFORE else set()
        cells = [one for cell in side.cells for one in (cell, *_copies(cell, copied))]
        plan = make_plan(side.catalog, cells, selectors, options, profile)
        alone = [replace(cell, baseline=replace(cell, aa_copy=False).key) for cell in plan.cells]
        revision = Revision(side.asked, side.commit, together)
        found[name] = replace(plan, cells=alone, revision=revision)
    return found


def _copies(cell: Cell, keys: set[str]) -> Iterator[Cell]:
    if cell.key in keys:
        yield replace(cell, aa_copy=True)


class RunOfTwo(Run):
    """The runs of two revisions as one that is measured: what is recorded of a cell goes to its revision's
    run, and what concerns all of them to both."""

    def __init__(self, halves: Mapping[str, Run]) -> None:
        super().__init__(halves[BEFORE].folder)
        self.halves = halves
        self._own = {
            _of(cell, name).key: (name, cell.key) for name, run in halves.items() for cell in run.plan.cells
        }

    @classmethod
    def begin(cls, out: Path, machine: str, of_sides: Mapping[str, Plan]) -> RunOfTwo:
        """Make the folders of both runs, with their plans."""
        return cls({name: Run.create(out, machine, plan) for name, plan in of_sides.items()})

    @cached_property
    def plan(self) -> Plan:
        """The plan of the whole: a cell of the second revision is held against the first one's."""
        before = self.halves[BEFORE].plan
        first = {_of(cell, BEFORE).key for cell in before.cells}
        cells = []
        for name, run in self.halves.items():
            for cell in run.plan.cells:
                own, other = (replace(_of(cell, side), aa_copy=False).key for side in (name, BEFORE))
                cells.append(planned(_of(cell, name), other if other in first else own))
        return replace(before, cells=cells, tasks=_least_work(run.plan for run in self.halves.values()))

    def append(self, records: Iterable[Record], sync: bool = True) -> None:
        """Add records, each to the run that it is of. Raises NotWritten where the disk refuses."""
        kept: dict[str, list[Record]] = {name: [] for name in self.halves}
        for record in records:
            for name, own in self._split(record):
                kept[name].append(own)
        for name, mine in kept.items():
            if mine or sync:
                self.halves[name].append(mine, sync)

    def hold(self) -> None:
        for run in self.halves.values():
            run.hold()

    def records(self) -> Iterator[Record]:
        """Return the records of both runs, those that both have once."""
        whole = {own: key for key, own in self._own.items()}
        for name, run in self.halves.items():
            for record in run.records():
                key = getattr(record, "cell", None)
                if key is None and name == BEFORE:
                    yield record
                elif key is not None and not isinstance(record, CellDistance):
                    yield replace(record, cell=whole[name, key])  # type: ignore[call-arg]

    def _split(self, record: Record) -> Iterator[tuple[str, Record]]:
        """Return which run a record goes to, with the names that it has there; of a distance between two
        revisions there is none."""
        key = getattr(record, "cell", None)
        if key is None:
            yield from ((name, record) for name in self.halves)
            return
        name, cell = self._own[key]
        if not isinstance(record, CellDistance):
            yield name, replace(record, cell=cell)  # type: ignore[call-arg]
        elif self._own[record.other][0] == name:
            yield name, replace(record, cell=cell, other=self._own[record.other][1])


def _of(cell: PlannedCell, name: str) -> Cell:
    """Return a cell of a revision's run as it is called in the whole."""
    return Cell(**{key: value for key, value in vars(cell).items() if key != "baseline"} | {"release": name})


def _least_work(of_sides: Iterable[Plan]) -> dict[str, dict[str, TaskFacts]]:
    """Return the tasks of all cases, with the smaller number of operations where a revision has another:
    none is taken to be faster than the machine for what only the other one computes."""
    found: dict[str, dict[str, TaskFacts]] = {}
    for plan in of_sides:
        for case, tasks in plan.tasks.items():
            mine = found.setdefault(case, {})
            for task, facts in tasks.items():
                mine[task] = min(facts, mine.get(task, facts), key=lambda one: one.flops)
    return found
