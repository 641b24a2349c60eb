"""Which is fastest: one order and one judgement, for the page, the pictures and the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from samestep.analysis.statistics import Contrast
from samestep.analysis.summary import CellSummary

#: So many rivals of the fastest are named.
FEW = 2

#: What the baseline is against the fastest, by what the fastest is against the baseline.
REVERSE = {"faster": "slower", "tie": "tie"}


@dataclass(frozen=True)
class Behind:
    """Another than the fastest: how many times as long it takes (None where the two met in no round), and
    whether it surely takes longer ("slower"), is surely within 2 % ("tie"), or neither ("unclear")."""

    cell: CellSummary
    ratio: Contrast | None
    word: str


@dataclass(frozen=True)
class Ranking:
    """The fastest, and the others in their order."""

    first: CellSummary
    others: tuple[Behind, ...]

    @property
    def like(self) -> list[CellSummary]:
        """Those that are not told apart from the fastest."""
        return [one.cell for one in self.others if one.word != "slower"]

    def said(self, label: Callable[[CellSummary], str]) -> str:
        """The fastest, and who else may be it."""
        first, *others = (label(cell) for cell in (self.first, *self.like))
        if not others:
            return f"{first} is the fastest"
        if len(others) > FEW:
            return f"{first} is the fastest, or one of {len(others)} not told apart from it"
        return f"{', '.join([first, *others[:-1]])} or {others[-1]} is the fastest"


def ordered(cells: Sequence[CellSummary], task: str) -> list[CellSummary]:
    """Those that timed the task, the fastest first.

    By the ratio to the baseline within the same round, which the weather between rounds did not touch; by the
    time where one of them has no such ratio, or where they are to several baselines.
    """
    timed = [cell for cell in cells if task in cell.tasks]
    ratios = [ratio.value for cell in timed if (ratio := cell.tasks[task].ratio)]
    if len(ratios) < len(timed) or len({cell.cell["baseline"] for cell in timed}) > 1:
        return sorted(timed, key=lambda cell: cell.tasks[task].seconds.value)
    return [cell for _, cell in sorted(zip(ratios, timed, strict=True), key=lambda pair: pair[0])]


def ranked(cells: Sequence[CellSummary], task: str) -> Ranking | None:
    """None where nobody timed the task."""
    timed = ordered(cells, task)
    if not timed:
        return None
    first = timed[0]
    ratios = first.arena.against(first.cell["key"], task) if first.arena else {}
    behind = [(one, ratios.get(one.cell["key"])) for one in timed[1:]]
    return Ranking(first, tuple(Behind(one, ratio, _word(first, one, ratio, task)) for one, ratio in behind))


def _word(first: CellSummary, other: CellSummary, ratio: Contrast | None, task: str) -> str:
    """Against the planned baseline the ratio that stands in all tables says so, and not its reverse: each
    baseline has its own family of ratios, and intervals of its own."""
    mine, theirs = first.tasks[task].ratio, other.tasks[task].ratio
    if mine and theirs and theirs.word == "baseline":
        return REVERSE.get(mine.word, "unclear")
    # "faster" contradicts the order: then the two are not told apart.
    return ratio.word if ratio and ratio.word in ("slower", "tie") else "unclear"
