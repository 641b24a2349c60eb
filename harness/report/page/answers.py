"""The first screen: for each network one answer, which is the fastest here and is that sure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.agreement.verdict import AGREE
from harness.measure.statistics import Contrast
from harness.report import tables, words
from harness.summary import CellSummary, pays_from

#: What follows from the ratio of the second to the first, in the words of a sentence.
SURE = {
    "slower": "the difference is real",
    "tie": "a tie, surely within 2 %",
    "unclear": "not told apart in this run",
    "faster": "not told apart in this run",
}
REVERSE = {"faster": "slower", "slower": "faster", "tie": "tie", "unclear": "unclear"}


@dataclass(frozen=True)
class Pays:
    """From how many calls and steps on an implementation's dear start has paid, against a cheaper one.

    ``calls`` is inf where it never does; ``steps`` is None where a call is one step.
    """

    implementation: str
    against: str
    task: str
    calls: float
    steps: float | None
    start: float
    cheap: float

    @property
    def never(self) -> bool:
        return self.calls == float("inf")

    @property
    def told(self) -> str:
        if self.never:
            return "never: it is not faster"
        calls = f"{_rounded(self.calls)} calls"
        if self.steps is None or self.steps == self.calls:
            return calls
        return f"{_rounded(self.steps)} steps ({calls})"


def _rounded(number: float) -> str:
    """Two digits, as more are not known: 38,000. What has paid before the first call is over is 1."""
    return f"{max(1.0, float(f'{number:.2g}')):,.0f}"


@dataclass(frozen=True)
class Answer:
    """One group of cells that are compared with each other, by its main task.

    ``noise`` is the ratio of the same code to itself where that is unfit; ``lead`` says how many times as
    fast as the baseline the fastest is, and ``sure`` what may be said of the next; ``like`` names all that
    are not told apart from the fastest; ``pays`` is of all tasks.
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
    fastest: str = ""
    seconds: str = ""
    flops: float = 0.0
    baseline: str = ""
    lead: str = ""
    second: str = ""
    longer: str = ""
    sure: str = ""
    like: tuple[str, ...] = ()
    pays: tuple[Pays, ...] = field(default=())


def answers(run: str, about: Mapping[str, Any], summaries: Sequence[CellSummary]) -> Iterator[Answer]:
    """One for each group, the one with most to compute first: the networks before the lessons."""
    found = [_answer(run, about, cells) for _, cells in tables.groups(summaries)]
    yield from sorted(found, key=lambda one: -one.flops)


def _answer(run: str, about: Mapping[str, Any], cells: Sequence[CellSummary]) -> Answer:
    task, cell = tables.headline(cells, about), cells[0].cell
    fast = _fastest(cells, task) if any(task in one.tasks for one in cells) else {}
    tasks = about["tasks"][f"{cell['workload']}:{cell['case']}"]
    return Answer(
        run=run, workload=cell["workload"], case=cell["case"], dtype=cell["dtype"], device=cell["device"],
        task=task, unit=tables.unit(cells, task), agree=sum(one.verdict == AGREE for one in cells),
        cells=len(cells), pays=tuple(pays for name in tasks for pays in paying(cells, name)), **fast,
    )  # fmt: skip


def _fastest(cells: Sequence[CellSummary], task: str) -> dict[str, Any]:
    timed = {one.cell["key"]: one for one in cells if task in one.tasks}
    first = min(timed.values(), key=_order(timed.values(), task))
    mine = first.tasks[task]
    found: dict[str, Any] = {
        "fastest": str(first.cell["implementation"]), "flops": mine.flops,
        "noise": "" if mine.fit else f"{mine.noise:.3f}",
        "seconds": words.seconds(mine.seconds_per_step or mine.seconds.value),
    }  # fmt: skip
    planned = next((key for key, one in timed.items() if _word(one, task) == "baseline"), None)
    if mine.ratio and planned and timed[planned] is not first:
        found |= {"baseline": timed[planned].cell["implementation"], "lead": times(mine.ratio)}
    return found | _second(first, timed, planned, task)


def _second(
    first: CellSummary, timed: Mapping[str, CellSummary], planned: str | None, task: str
) -> dict[str, Any]:
    """The next, and whether it is told apart from the first.

    Against the planned baseline the ratio that stands in all tables says so, and not its reverse: each
    baseline has its own family of ratios, and intervals of its own.
    """
    if first.arena is None:
        return {}
    ratios = first.arena.against(first.cell["key"], task)
    said = {key: ratio.word for key, ratio in ratios.items() if key in timed and timed[key] is not first}
    if planned in said and first.tasks[task].ratio:
        said[planned] = REVERSE[_word(first, task)]
    if not said:
        return {}
    second = min(said, key=lambda key: ratios[key].value)
    return {
        "second": str(timed[second].cell["implementation"]), "sure": SURE[said[second]],
        "longer": "" if second == planned else words.interval(ratios[second]),
        "like": tuple(sorted(timed[key].cell["implementation"] for key in said if said[key] != "slower")),
    }  # fmt: skip


def _order(timed: Iterable[CellSummary], task: str) -> Callable[[CellSummary], float]:
    """By the ratio within the same round, which the weather between rounds did not touch; by the time where
    one of them has no ratio."""
    if all(one.tasks[task].ratio for one in timed):
        return lambda one: one.tasks[task].ratio.value  # type: ignore[union-attr]
    return lambda one: one.tasks[task].seconds.value


def _word(summary: CellSummary, task: str) -> str:
    ratio = summary.tasks[task].ratio
    return ratio.word if ratio else ""


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
        against, calls = found
        cheap = next(s.start_seconds(task) for s in summaries if s.cell["implementation"] == against)
        steps = one.tasks[task].steps
        yield Pays(
            one.cell["implementation"], against, task, calls, calls * steps if steps else None, start,
            cheap or 0.0,
        )  # fmt: skip
