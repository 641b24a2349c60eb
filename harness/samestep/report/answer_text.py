"""An answer in sentences: which is fastest, by how much, is that sure, what does compiling cost and repay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from samestep.analysis.break_even import BreakEven
from samestep.report import formatting
from samestep.report.run_answers import Answer

#: What may be said of the next one, by the word of its ratio to the fastest.
SURE = {
    "slower": "the difference is real",
    "tie": "a tie, surely within 2 %",
    "unclear": "statistically indistinguishable in this run",
}

#: As many start-up costs of an answer are named: those that are recovered first.
MOST_STARTS = 4


def heading(answer: Answer) -> str:
    """Return what is compared: ``two_layer:tutorial, float32, cpu: train, one of 500 steps``."""
    return f"{answer.cells[0].cell.of_case}, {answer.dtype}, {answer.device}: {answer.unit}"


def sentences(answer: Answer) -> list[str]:
    """Return the answer, each sentence a line of its own: the verdict first."""
    if answer.ranking is None:
        return [f"Nothing was timed: {_agreeing(answer)}."]
    return [*_fastest(answer), *_starts(answer.main_break_evens), f"{_agreeing(answer)}; {_timed(answer)}."]


def _fastest(answer: Answer) -> Iterator[str]:
    if answer.doubt:
        yield f"This run cannot tell which is the fastest: {answer.doubt}."
    else:
        yield f"{answer.sentence}{_by_how_much(answer)}."
        if answer.second:
            yield _next(answer)
    if answer.shortfall:
        yield f"Only {answer.shortfall}."
    if answer.timed and answer.timed.noise and not answer.timed.stable:
        yield (
            "Unfit for fine comparisons: in these rounds the baseline and its A/A control differ by "
            f"{formatting.deviation(answer.timed.noise)}."
        )


def _by_how_much(answer: Answer) -> str:
    """Return ": it takes 91.1 µs and is 1.38 (1.37-1.40) times as fast as numpy_manual", of what is known."""
    assert answer.fastest is not None
    assert answer.timed is not None
    parts = []
    if answer.timed.seconds.known:
        parts.append(f"takes {formatting.time(answer.timed.seconds, answer.timed.steps)}")
    if answer.ratio and answer.baseline:
        where = f" on the {answer.baseline.device}" if answer.baseline.device != answer.device else ""
        speed = f"{formatting.speedup(answer.ratio)} times as fast as {answer.baseline.implementation}{where}"
        parts.append(f"is {speed}{'' if answer.ratio.word == 'faster' else ', which is not sure'}")
    if not parts:
        return ""
    others = answer.ranking.indistinguishable if answer.ranking else ()
    return f": {answer.fastest.cell.implementation if others else 'it'} {' and '.join(parts)}"


def _next(answer: Answer) -> str:
    """Return which ranks next, and whether that is sure; where it is the baseline, how much longer it takes
    stands above."""
    second = answer.second
    assert second is not None
    name, ratio = second.cell.cell.implementation, second.ratio
    known = ratio and ratio.known and not (answer.baseline and answer.baseline.key == second.cell.cell.key)
    longer = f", which takes {formatting.interval(ratio)} times as long" if known else ""
    return f"Next is {name}{longer}: {SURE[second.word]}."


def _starts(found: Sequence[BreakEven]) -> Iterator[str]:
    """Return what high start-up costs are, and from when on they are recovered; the first to be so first."""
    ordered = sorted(found, key=lambda one: (one.calls is None, one.calls or 0.0, one.start_seconds))
    for one in ordered[:MOST_STARTS]:
        cost = (
            f"{one.cell.cell.implementation} takes {formatting.seconds(one.start_seconds)} to start, "
            f"{one.against.cell.implementation} {formatting.seconds(one.against_start_seconds)}"
        )
        yield f"{cost}: {_recovered(one)}."
    if ordered[MOST_STARTS:]:
        yield f"{len(ordered[MOST_STARTS:])} more start-up costs are in report.md."


def _recovered(one: BreakEven) -> str:
    if one.calls is None:
        if one.surely_not_faster:
            return "that never pays off, as it is not faster"
        return "that never pays off by these times: the two are statistically indistinguishable"
    pays = f"that pays off from {formatting.break_even(one.calls, one.steps)} on"
    return pays if one.surely_faster else f"{pays}, if at all: the two are statistically indistinguishable"


def _agreeing(answer: Answer) -> str:
    missing = f", not examined yet: {answer.unexamined}" if answer.unexamined else ""
    return f"{answer.agreeing} of {formatting.counted(len(answer.cells), 'implementation')} agree{missing}"


def _timed(answer: Answer) -> str:
    if answer.timed_cells < answer.agreeing:
        return f"{answer.timed_cells} of those were timed"
    return "only those are timed"
