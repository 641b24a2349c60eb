"""What a comparison can tell: how many of its ratios are known, and how many decided; over how many of its
processes and rounds.

A ratio is *known* where its interval is narrower than from half to twice (`statistics.TWICE`), and *decided*
where it is called faster, slower or a tie. Where no ratio of a comparison is either, noise rules, and the
comparison cannot tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from samestep.analysis.summary import CellSummary

#: The words of ratios that say something.
DECIDED = ("faster", "slower", "tie")


@dataclass(frozen=True)
class Certainty:
    """What the ratios of one task of one group tell: how many ratios to the baseline there are, how many of
    them are known and how many are decided; and the fewest and the most processes of a ratio, and rounds of a
    process. Without a ratio there is nothing to tell, and all are 0."""

    compared: int
    known: int
    decided: int
    processes: tuple[int, int]
    rounds: tuple[int, int]

    @property
    def tells(self) -> bool:
        """Whether anything may be said of the ratios; so it is where there is none."""
        return not self.compared or self.known > 0 or self.decided > 0


def certainty(cells: Sequence[CellSummary], task: str) -> Certainty:
    """Return what the ratios of a task of these cells tell."""
    timed = [cell.tasks[task] for cell in cells if task in cell.tasks]
    ratios = [one.ratio for one in timed if one.ratio and one.ratio.word != "baseline"]
    return Certainty(
        compared=len(ratios),
        known=sum(one.known for one in ratios),
        decided=sum(one.word in DECIDED for one in ratios),
        processes=_extremes(one.processes for one in ratios),
        rounds=_extremes(count for one in timed for count in one.rounds),
    )


def certainties(groups: Iterable[Sequence[CellSummary]]) -> list[Certainty]:
    """Return that of each task of these groups, which are all of a run."""
    return [
        certainty(cells, task)
        for cells in groups
        for task in dict.fromkeys(name for cell in cells for name in cell.tasks)
    ]


def _extremes(counts: Iterable[int]) -> tuple[int, int]:
    found = sorted(counts)
    return (found[0], found[-1]) if found else (0, 0)
