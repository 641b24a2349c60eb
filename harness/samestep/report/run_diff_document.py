"""The documents of `samestep compare`: JSON, and rows for CSV."""

from __future__ import annotations

from samestep.analysis.run_diff import Change, RunDiff, VerdictChange
from samestep.catalog.cell import Cell
from samestep.codec import encode

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
        | {"low": one.contrast.low, "high": one.contrast.high}
        for one in diff.changes
    ]


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
        "ratio": contrast.value,
        "ci": [contrast.low, contrast.high],
        "word": contrast.word,
        "compared": "absolutely" if change.absolutely else "to the baseline",
        "why": change.absolutely,
        "baseline": change.baseline,
        "noise": change.floor,
        "detectable": contrast.detectable,
    }


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
