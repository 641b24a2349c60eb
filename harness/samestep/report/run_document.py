"""The JSON document of a run: each cell with its verdict and its tasks."""

from __future__ import annotations

from collections.abc import Sequence

from samestep.analysis.summary import CellSummary
from samestep.codec import encode
from samestep.records.store import Run
from samestep.report.metrics import metrics_of
from samestep.report.status import status_of
from samestep.report.summaries import summaries_of
from samestep.report.tables import UNIT

CELL = ("workload", "implementation", "case", "dtype", "device")


def document(run: Run) -> dict[str, object]:
    """Return the document of ``samestep bench --json``: the cells, and how far the run is to be trusted."""
    summaries = summaries_of(run)
    of_run = {"run": run.name, "machine": run.plan.machine.words, "unit": UNIT}
    return {
        "cells": [_cell(summaries, summary) | of_run for summary in summaries],
        "status": status_of(run).document(),
    }


def _cell(summaries: Sequence[CellSummary], summary: CellSummary) -> dict[str, object]:
    return {
        **{name: getattr(summary.cell, name) for name in CELL},
        "verdict": summary.verdict,
        "reason": summary.reason,
        "first_divergence": encode(summary.first_divergence),
        "tasks": {name: _task(summaries, summary, name) for name in summary.tasks},
    }


def _task(summaries: Sequence[CellSummary], summary: CellSummary, name: str) -> dict[str, object]:
    """Return the metrics of a task, each interval as a pair."""
    found: dict[str, object] = dict(metrics_of(summaries, summary, name).to_row())
    found["ci"] = [found.pop("seconds_low"), found.pop("seconds_high")]
    low, high = found.pop("ratio_low"), found.pop("ratio_high")
    found["ratio_ci"] = [low, high] if found["ratio"] else None
    if found["seconds_per_step"] is None:
        del found["seconds_per_step"]
    return found
