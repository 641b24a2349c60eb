"""From how many calls on has a high start-up cost paid, within one framework?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from samestep.analysis.curves import calls_until_break_even
from samestep.analysis.summary import CellSummary

#: A start-up cost is high where it is this many times another's, and this many seconds above it: it is paid
#: for something, as compiling is. A start is timed once, and by less than that two differ that compile
#: nothing.
HIGH_FACTOR, HIGH_SECONDS = 2.0, 0.25

#: What two cells must have in common.
ALIKE = ("workload", "case", "framework", "dtype", "device", "matmul")


@dataclass(frozen=True)
class BreakEven:
    """A cell with a high start-up cost, and the cell ``against`` which it breaks even last.

    ``calls`` is how many calls of the task that takes after the first; None where it never does, and then
    ``against`` is the fastest of those. Seconds of a start are without the import.
    """

    cell: CellSummary
    against: CellSummary
    task: str
    calls: float | None
    start_seconds: float
    against_start_seconds: float

    @property
    def steps(self) -> int | None:
        """How many training steps a call makes; None where it is one."""
        return self.cell.tasks[self.task].steps

    @property
    def surely_faster(self) -> bool:
        """Whether the cell is statistically distinguishable as the faster one of the two."""
        return self._word == "slower"

    @property
    def surely_not_faster(self) -> bool:
        """Whether it is statistically distinguishable as the slower one, or as fast."""
        return self._word in ("faster", "tie")

    @property
    def _word(self) -> str:
        """What may be said of the other cell's ratio to this one."""
        group = self.cell.group
        ratios = group.against(self.cell.cell.key, self.task) if group else {}
        key = self.against.cell.key
        return ratios[key].word if key in ratios else "unclear"


def break_even(summaries: Sequence[CellSummary], summary: CellSummary, task: str) -> BreakEven | None:
    """Return when a cell breaks even; None where its start-up cost is not high."""
    start = summary.start_seconds(task)
    if start is None:
        return None
    found = [
        BreakEven(
            summary, other, task, calls_until_break_even(start, step, its_start, its_step), start, its_start
        )
        for other, step, its_start, its_step in _cheaper(summaries, summary, task, start)
    ]
    return max(found, key=_last, default=None)


def _cheaper(
    summaries: Sequence[CellSummary], summary: CellSummary, task: str, start: float
) -> list[tuple[CellSummary, float, float, float]]:
    """Return the cells beside which the start-up cost is high, each with the seconds that decide it."""
    found = []
    for other in summaries:
        if task not in other.tasks or any(
            getattr(other.cell, name) != getattr(summary.cell, name) for name in ALIKE
        ):
            continue
        if not (summary.tasks[task].seconds.known and other.tasks[task].seconds.known):
            continue
        step, its_step = (one.tasks[task].seconds.value for one in (summary, other))
        its_start = other.start_seconds(task)
        if its_start is not None and _high(start, step, its_start, its_step):
            found.append((other, step, its_start, its_step))
    return found


def _high(start: float, step: float, its_start: float, its_step: float) -> bool:
    """Whether a start-up cost is high beside another's, less the work of the first call."""
    return start > HIGH_FACTOR * its_start and (start - step) - (its_start - its_step) > HIGH_SECONDS


def _last(one: BreakEven) -> tuple[float, float, str]:
    """The one that is overtaken last; of those that never are, the fastest."""
    calls = float("inf") if one.calls is None else one.calls
    return calls, -one.against.tasks[one.task].seconds.value, one.against.cell.implementation
