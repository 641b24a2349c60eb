"""Is a run finished: which cells were never examined, never timed, timed less than was asked for, or failed;
and was it to go on until a width was reached, or a budget used up.

A process of a cell is whole where it took every round of each task that the cell has samples of, and, in a
run that says which of its invocations are over, was examined again after that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from samestep.agreement.verdict import AGREE
from samestep.analysis.by_cell import CellRecords, by_cell, last_verdicts
from samestep.records.plan import Plan, PlannedCell
from samestep.records.schema import CellVerdict, Finished, Process, Record, Start, Stopped


@dataclass(frozen=True)
class Completeness:
    """What a run has of what it was asked for; cells without A/A copies, unless they are said to be counted.

    ``asked`` processes of each cell (with a budget or a width at least), ``cells`` in all; ``unexamined``
    have no verdict at all, ``untimed`` agree and have no sample, ``short`` (with A/A copies) agree and were
    timed in this number of whole processes, fewer than asked; ``failed`` have, of each verdict, the cells
    that have no time for it. ``budget`` is that which ended the run, in seconds, None where none did;
    ``going`` says that the run was to go on until a width is reached or a budget used up, and did not.
    """

    asked: int
    cells: int
    unexamined: Sequence[PlannedCell]
    untimed: Sequence[PlannedCell]
    short: Mapping[PlannedCell, int]
    failed: Mapping[str, Sequence[PlannedCell]]
    budget: float | None
    going: bool

    @property
    def finished(self) -> bool:
        """Whether nothing is left of what was asked for."""
        return not (self.unexamined or self.untimed or self.short or self.going)

    @property
    def timed(self) -> int:
        """How many cells were timed in as many processes as was asked."""
        failed = sum(map(len, self.failed.values()))
        short = sum(not cell.aa_copy for cell in self.short)
        return self.cells - len(self.unexamined) - len(self.untimed) - short - failed


def completeness(plan: Plan, records: Iterable[Record]) -> Completeness:
    """Return what a run has of what it was asked for."""
    records = list(records)
    found = by_cell(plan, records)
    stopped = _stopped(records)
    over = {(record.group, record.invocation) for record in records if isinstance(record, Finished)}
    unexamined, untimed, short = [], [], {}
    failed: dict[str, list[PlannedCell]] = {}
    for cell in plan.cells:
        mine = found[cell.key]
        wrong = _failure(mine.verdicts)
        processes = {process for samples in mine.samples.values() for process, _ in samples}
        processes = processes & over if over else processes
        whole = sum(_whole(mine, process, plan.profile.rounds) for process in processes)
        if wrong:
            failed.setdefault(wrong, []).append(cell)
        elif not mine.verdicts:
            unexamined.append(cell)
        elif not mine.samples:
            untimed.append(cell)
        elif whole < plan.profile.invocations:
            short[cell] = whole
    return Completeness(
        asked=plan.profile.invocations,
        cells=len(_own(plan.cells)),
        unexamined=_own(unexamined),
        untimed=_own(untimed),
        short=short,
        failed={verdict: own for verdict, cells in failed.items() if (own := _own(cells))},
        budget=plan.profile.budget if stopped == "budget" else None,
        going=(plan.profile.width or plan.profile.budget) is not None and stopped is None,
    )


def _stopped(records: Iterable[Record]) -> str | None:
    """Return what ended a run before all invocations that it might have taken; None where nothing did, or
    where it was gone on with since."""
    reason = None
    for record in records:
        if isinstance(record, Stopped):
            reason = record.reason
        elif isinstance(record, Start):
            reason = None
    return reason


def _own(cells: Iterable[PlannedCell]) -> list[PlannedCell]:
    return [cell for cell in cells if not cell.aa_copy]


def _failure(verdicts: Sequence[CellVerdict]) -> str | None:
    """Return the verdict for which a cell has no time; None where it agreed, or has none."""
    return next((v for one in last_verdicts(verdicts) if (v := one.verdict.verdict) != AGREE), None)


def _whole(mine: CellRecords, process: Process, rounds: int) -> bool:
    return all(sum(of == process for of, _ in samples) >= rounds for samples in mine.samples.values())
