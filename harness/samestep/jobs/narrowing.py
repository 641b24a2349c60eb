"""How far a run is from the width of intervals that it goes on for, and how long that will take."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from samestep.analysis.summary import summarize
from samestep.jobs.forecast import duration
from samestep.records.plan import Plan
from samestep.records.schema import Record


@dataclass(frozen=True)
class Narrowing:
    """The width of each ratio's 95 % interval, high / low - 1, by cell and task (inf where a single process
    gives none); ``width`` is what was asked for."""

    width: float
    widths: Mapping[tuple[str, str], float]

    @classmethod
    def of(cls, plan: Plan, records: Iterable[Record], width: float) -> Narrowing:
        """Return that of the ratios of a run; the baselines' own have none."""
        ratios = {
            (summary.cell.key, task): timed.ratio
            for summary in summarize(plan, records)
            for task, timed in summary.tasks.items()
            if timed.ratio is not None and timed.ratio.word != "baseline"
        }
        widths = {key: one.high / one.low - 1 if one.low else math.inf for key, one in ratios.items()}
        return cls(width, widths)

    @property
    def wide(self) -> frozenset[str]:
        """The keys of the cells that have an interval wider than was asked for."""
        return frozenset(key for (key, _), width in self.widths.items() if not width <= self.width)

    def more(self, invocations: int) -> float:
        """Return how many invocations the widest interval needs beyond these, as its logarithm
        shrinks with the root of their number; inf where nothing is known of it."""
        widest = max(self.widths.values(), default=0.0)
        needed = invocations * (math.log1p(widest) / math.log1p(self.width)) ** 2
        return math.ceil(needed) - invocations if math.isfinite(needed) else math.inf

    def sentence(self, invocations: int, most: int, seconds: float) -> str:
        """Return what a run has after ``invocations`` of ``most``; one more takes ``seconds``."""
        narrow = sum(width <= self.width for width in self.widths.values())
        (key, task), widest = max(self.widths.items(), key=lambda one: one[1])
        so_far = (
            f"after {invocations} invocations {narrow} of {len(self.widths)} intervals are within "
            f"{_percent(self.width)}; the widest, {key} {task}, is {_percent(widest)}"
        )
        more, left = self.more(invocations), most - invocations
        if more <= left:
            return f"{so_far}: about {more:.0f} more, {duration(more * seconds)}, will do"
        return f"{so_far}: the {left} that are left, {duration(left * seconds)}, will hardly do"


def _percent(width: float) -> str:
    return f"{100 * width:.3g} %" if math.isfinite(width) else "not known"
