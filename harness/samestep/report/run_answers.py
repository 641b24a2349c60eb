"""For each network one answer: which is the fastest here, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from samestep.agreement.verdict import AGREE
from samestep.analysis.break_even import BreakEven, break_even
from samestep.analysis.certainty import Certainty, certainty
from samestep.analysis.fastest import Follower, Ranking, ranking
from samestep.analysis.statistics import Contrast
from samestep.analysis.summary import NOT_RUN, CellSummary, TaskSummary
from samestep.records.plan import Plan, PlannedCell
from samestep.report.legend import reason, shortfall
from samestep.report.summaries import groups, main_task, unit


@dataclass(frozen=True)
class Answer:
    """One group of cells that are compared with each other, by its main task.

    ``ranking`` is None where none of them was timed; ``break_evens`` are of all tasks. ``shortfall`` says how
    much less was measured than was asked for.
    """

    run: str
    cells: Sequence[CellSummary]
    task: str
    ranking: Ranking | None
    break_evens: Sequence[BreakEven]
    certainty: Certainty
    shortfall: str = ""

    @property
    def workload(self) -> str:
        """The workload of all cells, as are case, dtype and device."""
        return self.cells[0].cell.workload

    @property
    def case(self) -> str:
        return self.cells[0].cell.case

    @property
    def dtype(self) -> str:
        return self.cells[0].cell.dtype

    @property
    def device(self) -> str:
        return self.cells[0].cell.device

    @property
    def unit(self) -> str:
        """What a time is of: a call of the main task, or one of its steps."""
        return unit(self.cells, self.task)

    @property
    def agreeing(self) -> int:
        """How many of the cells agree with the reference."""
        return sum(one.verdict == AGREE for one in self.cells)

    @property
    def unexamined(self) -> int:
        """How many of the cells have no verdict yet."""
        return sum(one.reason == NOT_RUN for one in self.cells)

    @property
    def timed_cells(self) -> int:
        """How many of the cells timed the main task."""
        return sum(self.task in one.tasks for one in self.cells)

    @property
    def doubt(self) -> str | None:
        """Why this run cannot tell which cell is the fastest; None where it can tell something."""
        if self.ranking is None or (self.ranking.decided and self.certainty.tells):
            return None
        if not self.certainty.tells:
            return reason(self.certainty)
        if self.certainty.processes == (1, 1):
            return "a single process says nothing about others"
        return "none is surely slower than the one that took the least time, all comparisons taken together"

    @property
    def fastest(self) -> CellSummary | None:
        """The cell that ranks first."""
        return self.ranking.first if self.ranking else None

    @property
    def sentence(self) -> str:
        """Which is the fastest, and what else may be: in the words of tables and pictures."""
        return self.ranking.sentence(lambda one: one.cell.implementation) if self.ranking else ""

    @property
    def timed(self) -> TaskSummary | None:
        """What the fastest one took for the main task."""
        return self.fastest.tasks[self.task] if self.fastest else None

    @property
    def baseline(self) -> PlannedCell | None:
        """What the fastest one is compared with; None where it is the baseline itself."""
        group = self.fastest.group if self.fastest else None
        if self.ratio is None or group is None or group.baseline is None:
            return None
        return group.cells[group.baseline]

    @property
    def ratio(self) -> Contrast | None:
        """The ratio of the fastest one to the baseline; None where it is the baseline itself, and where noise
        leaves nothing known of it."""
        ratio = self.timed.ratio if self.timed else None
        return ratio if ratio and ratio.word != "baseline" and ratio.known else None

    @property
    def second(self) -> Follower | None:
        """The cell that ranks next."""
        return self.ranking.others[0] if self.ranking and self.ranking.others else None

    @property
    def flops(self) -> float:
        """Floating-point operations of a call of the main task; 0 where nothing was timed."""
        return self.timed.flops if self.timed else 0.0

    @property
    def main_break_evens(self) -> list[BreakEven]:
        """Those of the main task."""
        return [one for one in self.break_evens if one.task == self.task]


def answers(run: str, plan: Plan, summaries: Sequence[CellSummary]) -> list[Answer]:
    """Return one for each group, in the order of `groups`."""
    return [_answer(run, plan, cells) for _, cells in groups(summaries)]


def workload_order(found: Iterable[Answer]) -> dict[str, int]:
    """Return the place of each workload, which is the same all over the page: that of its answers."""
    return {name: place for place, name in enumerate(dict.fromkeys(one.workload for one in found))}


def _answer(run: str, plan: Plan, cells: Sequence[CellSummary]) -> Answer:
    task = main_task(cells, plan)
    found = [
        break_even(cells, cell, name)
        for name in plan.tasks_of(cells[0].cell)
        for cell in cells
        if name in cell.tasks
    ]
    return Answer(
        run, cells, task, ranking(cells, task), [one for one in found if one], certainty(cells, task),
        shortfall(plan, cells, task),
    )  # fmt: skip
