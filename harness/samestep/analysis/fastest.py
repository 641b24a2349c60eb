"""Which cell is fastest: one order and one judgement, for the page, the pictures and the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from samestep.analysis.statistics import Contrast
from samestep.analysis.summary import CellSummary

#: At most this many cells that are indistinguishable from the fastest are named.
MOST_NAMED = 2

#: What the baseline is against the fastest, by what the fastest is against the baseline.
REVERSE = {"faster": "slower", "tie": "tie"}


@dataclass(frozen=True)
class Follower:
    """A cell beside the fastest one: how many times as long it takes (None where no round timed both), and
    whether it surely takes longer ("slower"), is surely within 2 % ("tie"), or neither ("unclear")."""

    cell: CellSummary
    ratio: Contrast | None
    word: str


@dataclass(frozen=True)
class Ranking:
    """The fastest cell, and the others in their order."""

    first: CellSummary
    others: tuple[Follower, ...]

    @property
    def decided(self) -> bool:
        """Whether anything is known of who is the fastest: some cell is surely slower than the first, or as
        fast. Where none is, the first is only the one that chance has put there."""
        return not self.others or any(one.word != "unclear" for one in self.others)

    @property
    def indistinguishable(self) -> list[CellSummary]:
        """The cells that are not surely slower than the fastest."""
        return [one.cell for one in self.others if one.word != "slower"]

    def sentence(self, label: Callable[[CellSummary], str]) -> str:
        """Return which cell is the fastest, and which others may be; none where that is not decided."""
        first, *others = (label(cell) for cell in (self.first, *self.indistinguishable))
        if not self.others:
            return f"only {first} was timed"
        if not self.decided:
            return "this run cannot tell which is the fastest"
        if not others:
            return f"{first} is the fastest"
        if len(others) > MOST_NAMED:
            return f"{first} is the fastest, or one of {len(others)} statistically indistinguishable from it"
        return f"{', '.join([first, *others[:-1]])} or {others[-1]} is the fastest"


def fastest_first(cells: Sequence[CellSummary], task: str) -> list[CellSummary]:
    """Return the cells that timed the task, the fastest first.

    The order is that of the ratios to the baseline in the same rounds, which machine drift between rounds
    does not move; that of the times where a cell has no such ratio, or where the baselines differ.
    """
    timed = [cell for cell in cells if task in cell.tasks]
    ratios = [ratio.value for cell in timed if (ratio := cell.tasks[task].ratio)]
    if len(ratios) < len(timed) or len({cell.cell.baseline for cell in timed}) > 1:
        return sorted(timed, key=lambda cell: cell.tasks[task].seconds.value)
    return [cell for _, cell in sorted(zip(ratios, timed, strict=True), key=lambda pair: pair[0])]


def ranking(cells: Sequence[CellSummary], task: str) -> Ranking | None:
    """Return the order of the cells that timed the task; None where none did."""
    timed = fastest_first(cells, task)
    if not timed:
        return None
    first = timed[0]
    ratios = first.group.against(first.cell.key, task) if first.group else {}
    followers = [(one, ratios.get(one.cell.key)) for one in timed[1:]]
    return Ranking(
        first, tuple(Follower(one, ratio, _word(first, one, ratio, task)) for one, ratio in followers)
    )


def _word(first: CellSummary, other: CellSummary, ratio: Contrast | None, task: str) -> str:
    """Return the word of a follower.

    Of the baseline it is the reverse of the fastest one's ratio to it, which stands in all tables: each
    baseline has a family of ratios, and intervals, of its own.
    """
    mine, theirs = first.tasks[task].ratio, other.tasks[task].ratio
    if mine and theirs and theirs.word == "baseline":
        return REVERSE.get(mine.word, "unclear")
    # "faster" contradicts the order: then nothing is sure.
    return ratio.word if ratio and ratio.word in ("slower", "tie") else "unclear"
