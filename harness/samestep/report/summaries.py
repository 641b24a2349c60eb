"""The summaries of a run's cells, and the groups in which tables, pages and pictures show them."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from samestep.analysis.summary import CellSummary, summarize
from samestep.records.plan import Plan
from samestep.records.store import Run
from samestep.records.validated import ValidatedRun

#: The networks in the order of README.md and docs/workloads.md; other workloads follow.
NETWORKS = ("two_layer", "mnist_mlp", "manual_backprop", "conv_net", "transformer_block", "recurrent")

_KNOWN: WeakKeyDictionary[Run, list[CellSummary]] = WeakKeyDictionary()


def summaries_of(run: Run) -> list[CellSummary]:
    """Return one summary for each cell of a run's plan, in its order.

    Those of a `ValidatedRun`, whose records never change, are computed once.
    """
    if not isinstance(run, ValidatedRun):
        return summarize(run.plan, run.records())
    if run not in _KNOWN:
        _KNOWN[run] = summarize(run.plan, run.records())
    return _KNOWN[run]


def groups(summaries: Sequence[CellSummary]) -> list[tuple[str, list[CellSummary]]]:
    """Return the cells of each case, dtype and device under a heading: those that are compared with each
    other; the core `NETWORKS` first."""
    found: dict[str, list[CellSummary]] = {}
    for summary in sorted(summaries, key=lambda one: _place(one.cell.workload)):
        cell = summary.cell
        found.setdefault(f"{cell.of_case}, {cell.dtype}, {cell.device}", []).append(summary)
    return list(found.items())


def _place(workload: str) -> int:
    return NETWORKS.index(workload) if workload in NETWORKS else len(NETWORKS)


def main_task(group: Sequence[CellSummary], plan: Plan) -> str:
    """Return the task that stands for a group: the one with the most steps in a call."""
    return max(plan.tasks_of(group[0].cell), key=lambda task: _steps(group, task) or 0)


def unit(group: Sequence[CellSummary], task: str) -> str:
    """Return what a time is of: "train, one of 500 steps" where a call makes many, "forward, one call"."""
    steps = _steps(group, task)
    return f"{task}, one of {steps} steps" if steps and steps > 1 else f"{task}, one call"


def _steps(group: Sequence[CellSummary], task: str) -> int | None:
    return next((one.tasks[task].steps for one in group if task in one.tasks), None)
