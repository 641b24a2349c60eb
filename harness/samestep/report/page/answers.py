"""The first screen: for each network one answer, which is the fastest here and is that sure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from samestep.agreement.verdict import AGREE
from samestep.analysis.statistics import Contrast
from samestep.analysis.summary import CellSummary, pays_from
from samestep.report import formatting, tables
from samestep.report.fastest import Ranking, ranked

#: What follows from the ratio of the second to the first, in the words of a sentence.
SURE = {
    "slower": "the difference is real",
    "tie": "a tie, surely within 2 %",
    "unclear": "not told apart in this run",
}


@dataclass(frozen=True)
class Pays:
    """From how many calls and steps on an implementation's dear start has paid, against a cheaper one.

    ``calls`` is inf where it never does; a call makes so many ``steps``, None where it is one. ``sure`` is
    whether it is surely faster at all; ``start`` and ``cheap`` are seconds without the import.
    """

    implementation: str
    against: str
    task: str
    calls: float
    steps: int | None
    start: float
    cheap: float
    sure: bool

    @property
    def never(self) -> bool:
        return self.calls == float("inf")

    @property
    def told(self) -> str:
        return formatting.since(self.calls, self.steps)


@dataclass(frozen=True)
class Answer:
    """One group of cells that are compared with each other, by its main task.

    ``noise`` is the ratio of the same code to itself where that is unfit; ``says`` names the fastest and who
    else may be it, in the words of the pictures; ``lead`` is how many times as fast as the baseline it is,
    and ``sure`` what may be said of the next, ``why`` what that rests on where it is not told apart; ``like``
    names all that are not told apart from the fastest; ``pays`` is of all tasks.
    """

    run: str
    workload: str
    case: str
    dtype: str
    device: str
    task: str
    unit: str
    agree: int
    cells: int
    noise: str = ""
    says: str = ""
    fastest: str = ""
    seconds: str = ""
    flops: float = 0.0
    baseline: str = ""
    lead: str = ""
    second: str = ""
    longer: str = ""
    sure: str = ""
    why: str = ""
    like: tuple[str, ...] = ()
    pays: tuple[Pays, ...] = field(default=())


def answers(run: str, about: Mapping[str, Any], summaries: Sequence[CellSummary]) -> Iterator[Answer]:
    """One for each group, the workload with most to compute first: the networks before the lessons."""
    found = [_answer(run, about, cells) for _, cells in tables.groups(summaries)]
    most: dict[str, float] = {}
    for one in found:
        most[one.workload] = max(one.flops, most.get(one.workload, 0.0))
    yield from sorted(found, key=lambda one: (-most[one.workload], one.workload, -one.flops))


def _answer(run: str, about: Mapping[str, Any], cells: Sequence[CellSummary]) -> Answer:
    task, cell = tables.headline(cells, about), cells[0].cell
    found = ranked(cells, task)
    fast = _fastest(found, task) if found else {}
    tasks = about["tasks"][f"{cell['workload']}:{cell['case']}"]
    return Answer(
        run=run, workload=cell["workload"], case=cell["case"], dtype=cell["dtype"], device=cell["device"],
        task=task, unit=tables.unit(cells, task), agree=sum(one.verdict == AGREE for one in cells),
        cells=len(cells), pays=tuple(pays for name in tasks for pays in paying(cells, name)), **fast,
    )  # fmt: skip


def _fastest(found: Ranking, task: str) -> dict[str, Any]:
    first, mine = found.first, found.first.tasks[task]
    told: dict[str, Any] = {
        "says": found.said(_name), "fastest": _name(first), "flops": mine.flops,
        "noise": "" if mine.fit or not mine.noise else formatting.apart(mine.noise),
        "seconds": formatting.seconds(mine.seconds_per_step or mine.seconds.value),
        "like": tuple(map(_name, found.like)),
    }  # fmt: skip
    if mine.ratio and mine.ratio.word != "baseline":
        told |= {"baseline": _baseline(first), "lead": times(mine.ratio)}
    for second in found.others[:1]:
        name = _name(second.cell)
        longer = formatting.interval(second.ratio) if second.ratio and name != told.get("baseline") else ""
        why = ""
        if second.word == "unclear" and second.ratio:
            why = _together(second.ratio, mine.noise)
        told |= {"second": name, "sure": SURE[second.word], "longer": longer, "why": why}
    return told


def _baseline(cell: CellSummary) -> str:
    """What the cell is compared with, and where that runs if it is elsewhere."""
    arena = cell.arena
    assert arena is not None, "what was timed has an arena"
    _, name, _, device, *_ = str(arena.baseline).split("/")
    return name if device == cell.cell["device"] else f"{name} on the {device}"


def _together(ratio: Contrast, noise: float | None) -> str:
    """Why a difference is not called one: the wider interval holds 1, or comes too near to it."""
    low, high = ratio.sure
    if low <= 0:
        return "one process tells nothing of others"
    if noise is None or low < 1 < high:
        return f"{low:.2f}-{high:.2f} where all comparisons are to hold together"
    least = 100 * (max(low, 1 / high) - 1)
    return (
        f"surely more than {least:.0f} % where all comparisons are to hold together, but the same code under "
        f"two names was {formatting.apart(noise)} apart"
    )


def _name(cell: CellSummary) -> str:
    return str(cell.cell["implementation"])


def times(ratio: Contrast) -> str:
    """How many times as fast: 3.2 (3.0-3.4)."""
    if ratio.low == 0:
        return f"{1 / ratio.value:.2f} (?)"
    return f"{1 / ratio.value:.2f} ({1 / ratio.high:.2f}-{1 / ratio.low:.2f})"


def paying(summaries: Sequence[CellSummary], task: str) -> Iterator[Pays]:
    """The cells whose start is dear, and from when on it has paid."""
    for one in summaries:
        found = pays_from(summaries, one, task) if task in one.tasks else None
        start = one.start_seconds(task) if found else None
        if found is None or start is None:
            continue
        cheap, calls = found
        yield Pays(
            _name(one), _name(cheap), task, calls, one.tasks[task].steps, start,
            cheap.start_seconds(task) or 0.0, _slower(cheap, one, task),
        )  # fmt: skip


def _slower(other: CellSummary, one: CellSummary, task: str) -> bool:
    ratios = one.arena.against(one.cell["key"], task) if one.arena else {}
    return other.cell["key"] in ratios and ratios[other.cell["key"]].word == "slower"
