"""The documents of `samestep compare`: JSON, and rows for CSV."""

from __future__ import annotations

import math

from samestep.analysis.run_diff import Change, RunDiff, VerdictChange
from samestep.analysis.statistics import TWICE
from samestep.catalog.cell import Cell
from samestep.codec import encode
from samestep.records.store import Run
from samestep.report.status import status_of

#: The fields of a cell that each entry begins with.
CELL = ("workload", "implementation", "case", "dtype", "device")


def document(diff: RunDiff) -> dict[str, object]:
    """Return the JSON of ``compare``."""
    return {
        "differences": [encode(one) for one in diff.differences],
        "cells": [_change(one) for one in diff.changes],
        "verdicts": [_verdict(one) for one in diff.verdicts],
        "only_before": list(diff.only_before),
        "only_after": list(diff.only_after),
        "worse": diff.worse,
    }


def rows(diff: RunDiff) -> list[dict[str, object]]:
    """Return a row for each cell and task."""
    return [
        {name: value for name, value in _change(one).items() if name != "ci"}
        | dict(zip(("low", "high"), _interval(one), strict=True))
        for one in diff.changes
    ]


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
        "compared": "absolutely" if change.absolutely else "to the baseline",
        "why": change.absolutely,
        "baseline": change.baseline,
        "noise": change.floor if math.log(change.floor) < TWICE else math.inf,
        "detectable": contrast.detectable,
    }


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
