"""What a reader has to know of a run before its numbers: that it is unfinished, that cells failed, that the
machine was busy, or that its noise leaves nothing to tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from samestep.analysis.busy import Looks, by_others, looks
from samestep.analysis.certainty import Certainty, certainties
from samestep.analysis.completeness import Completeness, completeness
from samestep.records.resume_command import ANEW, resume_command
from samestep.records.store import Run
from samestep.report import formatting
from samestep.report.summaries import groups, summaries_of

#: What is left of a run that has all of its cells.
SHORT_OF_ITS_END = "it came neither to the width nor to the budget that it was to go on for"


@dataclass(frozen=True)
class Note:
    """A sentence or two, and the command that they end with; "" where there is none."""

    text: str
    command: str = ""

    def __str__(self) -> str:
        return f"{self.text} {self.command}".strip()


@dataclass(frozen=True)
class Status:
    """What a run has of what was asked for, what others used meanwhile, and what its comparisons tell;
    ``resume`` is the command that goes on with it, "" where there is none."""

    complete: Completeness
    looks: Looks
    comparisons: Sequence[Certainty]
    resume: str

    @property
    def left(self) -> str | None:
        """The command that goes on with the run; None where nothing is left of it."""
        return None if self.complete.finished else self.resume or None

    @property
    def silent(self) -> int:
        """How many comparisons cannot tell."""
        return sum(not one.tells for one in self.comparisons)

    def notes(self) -> list[Note]:
        """Return what there is to know; nothing of a run that is finished, undisturbed and can tell."""
        return [*self._unfinished(), *map(Note, (*self._failed(), *self._busy(), *self._uncertain()))]

    def _unfinished(self) -> Iterator[Note]:
        found = self.complete
        if found.finished:
            return
        parts = [
            *_part(len(found.unexamined), "not examined"),
            *_part(len(found.untimed), "examined and not timed"),
            *_short(found),
        ]
        what = (
            f"of {formatting.counted(found.cells, 'cell')} {', '.join(parts)}" if parts else SHORT_OF_ITS_END
        )
        if not self.resume:
            yield Note(f"This run is unfinished: {what}; {ANEW}.")
        elif found.budget is None:
            yield Note(f"This run is unfinished: {what}. To go on with it:", self.resume)
        else:
            early = f"Its budget of {found.budget:g} s ended this run early: {what}"
            yield Note(f"{early}. To spend as much on it once more:", self.resume)

    def _failed(self) -> Iterator[str]:
        failed = {verdict: len(cells) for verdict, cells in self.complete.failed.items()}
        if failed:
            each = ", ".join(f"{many} {verdict}" for verdict, many in failed.items())
            cells = formatting.counted(self.complete.cells, "cell")
            yield f"{sum(failed.values())} of {cells} gave no time: {each}."

    def _busy(self) -> Iterator[str]:
        usual = self.looks.usual
        if usual:
            looked = f"{self.looks.busy} of {formatting.counted(self.looks.many, 'look')}"
            yield f"The machine was busy with something else in {looked}: {by_others(usual)}."

    def _uncertain(self) -> Iterator[str]:
        compared = [one for one in self.comparisons if one.compared]
        if not compared:
            return
        why = "no ratio is known to within half or twice it, and no difference is real"
        if self.silent == len(compared):
            yield f"This run cannot tell which is faster: {why}."
        elif self.silent:
            yield f"This run cannot tell in {self.silent} of {len(compared)} comparisons: {why} there."
        if all(one.processes == (1, 1) for one in compared):
            yield "Every ratio is of a single process, which says nothing about others: none is called real."

    def document(self) -> dict[str, object]:
        """Return what JSON documents say of a run's state."""
        found = self.complete
        return {
            "finished": found.finished,
            "resume": self.left,
            "cells": found.cells,
            "timed": found.timed,
            "not_examined": [cell.key for cell in found.unexamined],
            "not_timed": [cell.key for cell in found.untimed],
            "too_few_processes": {cell.key: many for cell, many in found.short.items()},
            "failed": {verdict: [cell.key for cell in cells] for verdict, cells in found.failed.items()},
            "budget_used_up": found.budget is not None,
            "looks": self.looks.many,
            "busy_looks": self.looks.busy,
            "comparisons": len(self.comparisons),
            "cannot_tell": self.silent,
            "notes": list(map(str, self.notes())),
        }


def status_of(run: Run) -> Status:
    """Return the state of a run."""
    records = list(run.records())
    return Status(
        completeness(run.plan, records),
        looks(records, run.plan.options.threads),
        certainties(cells for _, cells in groups(summaries_of(run))),
        "" if run.plan.revision else resume_command(run.folder, run.plan.options.starts_code),
    )


def _part(many: int, what: str) -> Iterable[str]:
    return [f"{many} {'was' if many == 1 else 'were'} {what}"] if many else []


def _short(found: Completeness) -> Iterable[str]:
    """Return how many cells were timed in too few processes, and in how many."""
    own = [many for cell, many in found.short.items() if not cell.aa_copy]
    counts = own or list(found.short.values())
    if not counts:
        return []
    low, high = min(counts), max(counts)
    few = f"{high}" if low == high else f"{low} to {high}"
    whole = f"timed in {few} of {formatting.counted(found.asked, 'whole process', 'whole processes')}"
    return _part(len(own), whole) if own else [f"the A/A control was {whole}"]
