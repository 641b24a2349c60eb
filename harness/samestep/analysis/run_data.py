"""One of two runs that are compared: what it knows of each cell, and what the cells ran with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from samestep.analysis.by_cell import Samples, by_cell
from samestep.analysis.longer_run import seconds_of_an_invocation
from samestep.analysis.statistics import Mean, means, paired
from samestep.analysis.summary import CellSummary, summarize
from samestep.records.plan import Plan
from samestep.records.schema import CellVerdict, Record, Start

#: A task of a cell, by the cell's key; of a baseline by that of its group.
Timed = tuple[str, str]
Fields = Mapping[str, object]


@dataclass(frozen=True)
class RunData:
    """One of the two runs: the cells that it has answers of, and what they ran with.

    ``software`` holds for each framework what its workers said of themselves; ``precision`` names the
    arithmetic that a cell was found to use; ``baselines`` are those that the ratios (means of logarithms) of
    a group and a task are to; an invocation took ``seconds``, None where the run does not say.
    """

    plan: Plan
    cells: Mapping[str, CellSummary]
    samples: Mapping[str, Mapping[str, Samples]]
    software: Mapping[str, Fields]
    precision: Mapping[str, str]
    baselines: Mapping[Timed, str]
    ratios: Mapping[Timed, Mean]
    seconds: float | None

    @classmethod
    def of(cls, plan: Plan, records: Iterable[Record]) -> RunData:
        """Collect what a run knows."""
        records = list(records)
        answered = {record.cell for record in records if isinstance(record, CellVerdict)}
        found = {s.cell.key: s for s in summarize(plan, records) if s.cell.key in answered}
        samples = {key: mine.samples for key, mine in by_cell(plan, records).items()}
        baselines = {
            (summary.cell.baseline, name): key
            for key, summary in found.items()
            for name, task in summary.tasks.items()
            if task.ratio and task.ratio.word == "baseline"
        }
        ratios = _ratios(found, baselines)
        return cls(
            plan, found, samples, _software(plan, records), _precision(plan, records), baselines, ratios,
            seconds_of_an_invocation(records),
        )  # fmt: skip

    def baseline(self, key: str, task: str) -> str | None:
        """Return the key of the baseline of a cell and task."""
        return self.baselines.get((self.cells[key].cell.baseline, task))

    def identity(self, key: str) -> tuple[str | None, Fields]:
        """Return the hash of a cell's code, and what it runs with."""
        cell = self.cells[key].cell
        source = (self.plan.sources or {}).get(f"{cell.workload}/{cell.implementation}")
        return source, self.software.get(cell.framework, {})

    def work(self, key: str) -> dict[str, float]:
        """Return the flops of each task of a cell that was timed, in the order of the spec."""
        summary = self.cells[key]
        tasks = self.plan.tasks_of(summary.cell)
        return {task: facts.flops for task, facts in tasks.items() if task in summary.tasks}

    def absolute(self, key: str, task: str) -> Mean:
        """Return the logarithm of the seconds. Drift moves all cells together, so none lends its variance."""
        mine = self.samples[key][task]
        return means({task: paired(mine, dict.fromkeys(mine, 1.0))})[task]


def _software(plan: Plan, records: Iterable[Record]) -> dict[str, Fields]:
    """Return the versions, and NumPy's BLAS, of each framework: as its first worker read them, or as
    planned."""
    framework = {cell.key: cell.framework for cell in plan.cells}
    found: dict[str, Fields] = {}
    for record in records:
        if isinstance(record, Start) and framework.get(record.cell) not in found:
            facts = record.framework
            blas = {"blas": ", ".join(facts.blas)} if facts.blas else {}
            found[framework[record.cell]] = {**facts.versions, **blas}
    planned = {name: {name: version} for name, version in (plan.versions or {}).items()}
    return {**planned, **{name: facts for name, facts in found.items() if facts}}


def _precision(plan: Plan, records: Iterable[Record]) -> dict[str, str]:
    """Return the arithmetic that each cell was found to use, by its first verdict in its own dtype."""
    dtypes = {cell.key: cell.dtype for cell in plan.cells}
    found: dict[str, str] = {}
    for record in records:
        if not isinstance(record, CellVerdict) or record.checked_in not in (None, dtypes.get(record.cell)):
            continue
        if record.verdict.precision:
            found.setdefault(record.cell, record.verdict.precision.label)
    return found


def _ratios(cells: Mapping[str, CellSummary], baselines: Mapping[Timed, str]) -> dict[Timed, Mean]:
    """Return for each cell and task the logarithm of its ratio to the baseline, as the run's tables have
    it."""
    found: dict[Timed, Mean] = {}
    for (_, task), baseline in baselines.items():
        group = cells[baseline].group
        assert group is not None, "what was timed has a group"
        found |= {(key, task): mean for key, mean in group.ratios(baseline, task).items() if key in cells}
    return found
