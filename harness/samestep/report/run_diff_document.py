"""The documents of `samestep compare`: JSON, and rows for CSV."""

from __future__ import annotations

import math

from samestep.analysis.run_diff import Change, RunDiff, VerdictChange
from samestep.analysis.statistics import TWICE
from samestep.catalog.cell import Cell
from samestep.codec import encode
from samestep.records.store import Run
from samestep.report.status import status_of
from samestep.report.tables import UNIT

#: The fields of a cell that each entry begins with.
CELL = ("workload", "implementation", "case", "dtype", "device")


def document(diff: RunDiff, before: Run, after: Run) -> dict[str, object]:
    """Return the JSON of ``compare``."""
    taken = _taken(before, after)
    return {
        "differences": [encode(one) for one in diff.differences],
        "cells": [_change(one) | taken for one in diff.changes],
        "verdicts": [_verdict(one) for one in diff.verdicts],
        "only_before": list(diff.only_before),
        "only_after": list(diff.only_after),
        "worse": diff.worse,
        "longer": encode(diff.longer),
    }


def rows(diff: RunDiff, before: Run, after: Run) -> list[dict[str, object]]:
    """Return a row for each cell and task."""
    taken = _taken(before, after)
    return [
        {name: value for name, value in _change(one).items() if name != "ci"}
        | dict(zip(("low", "high"), _interval(one), strict=True))
        | taken
        for one in diff.changes
    ]


def _taken(before: Run, after: Run) -> dict[str, object]:
    """Return which runs the numbers of a row are of, on which machines, and in which unit times are."""
    found: dict[str, object] = {}
    for side, run in (("before", before), ("after", after)):
        found |= {f"run_{side}": run.name, f"machine_{side}": run.plan.machine.words}
        found[f"revision_{side}"] = run.plan.revision.commit if run.plan.revision else None
    return {**found, "unit": UNIT}


def status(before: Run, after: Run) -> dict[str, object]:
    """Return how far either run is to be trusted."""
    return {"before": status_of(before).document(), "after": status_of(after).document()}


def _cell(cell: Cell) -> dict[str, object]:
    return {name: getattr(cell, name) for name in CELL}


def _change(change: Change) -> dict[str, object]:
    contrast = change.contrast
    return {
        **_cell(change.cell),
        "task": change.task,
        "before": change.before,
        "after": change.after,
        "of": "a step" if change.a_step else "a call",
        "ratio": contrast.value if contrast.known else None,
        "ci": _interval(change) if contrast.known else None,
        "word": contrast.word,
        "compared": compared(change),
        "why": change.absolutely,
        "baseline": change.baseline,
        "noise": change.floor if math.log(change.floor) < TWICE else math.inf,
        "detectable": contrast.detectable,
    }


def compared(change: Change) -> str:
    """Return what a change is of: the clock's, of the ratio to the baseline, or round by round."""
    if change.paired:
        return "in the same rounds"
    return "absolutely" if change.absolutely else "to the baseline"


def _interval(change: Change) -> list[float | None]:
    """Return the ends of an interval; None where noise leaves nothing known."""
    contrast = change.contrast
    return [contrast.low, contrast.high] if contrast.known else [None, None]


def _verdict(change: VerdictChange) -> dict[str, object]:
    return {
        **_cell(change.cell),
        "before": change.before,
        "after": change.after,
        "reason": change.reason,
        "first_divergence": encode(change.first_divergence),
        "precision": list(change.precision),
        "worse": change.word == "worse",
    }
