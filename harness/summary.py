"""From a run's records to one row for each cell: what every table, page and export is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.agreement.verdict import AGREE
from harness.measure.statistics import Estimate, location, ratio

#: ((arena, invocation), round) -> seconds of one call: the first part stands for one process.
Samples = dict[tuple[tuple[int, int], int], float]


@dataclass
class TaskSummary:
    """One task of one cell: seconds of a call, against the baseline, against the machine's peak."""

    seconds: Estimate
    ratio: Estimate | None
    flops: float
    fraction_of_peak: float | None
    first_call_seconds: float | None
    steps: int | None = None

    @property
    def seconds_per_step(self) -> float | None:
        return self.seconds.value / self.steps if self.steps else None


@dataclass
class CellSummary:
    """One cell: its verdict, and its tasks where it was timed."""

    cell: Mapping[str, Any]
    verdict: str
    reason: str | None
    first_divergence: Mapping[str, Any] | None
    tasks: dict[str, TaskSummary] = field(default_factory=dict)
    peak_memory_bytes: int | None = None
    stderr: str | None = None


@dataclass
class _Gathered:
    """What the records say of one cell, before anything is computed."""

    verdicts: list[Mapping[str, Any]] = field(default_factory=list)
    samples: dict[str, Samples] = field(default_factory=dict)
    first_calls: dict[str, float] = field(default_factory=dict)
    steps: dict[str, int | None] = field(default_factory=dict)
    memory: list[int] = field(default_factory=list)


def summarize(about: Mapping[str, Any], records: Iterable[Mapping[str, Any]]) -> list[CellSummary]:
    """One summary for each cell of the run's plan, in its order."""
    gathered: dict[str, _Gathered] = {}
    peaks: dict[tuple[str, str], dict[str, Samples]] = {}
    cells = {cell["key"]: cell for cell in about["cells"]}
    for record in records:
        if record["kind"] in ("verdict", "start", "sample", "memory", "peak"):
            mine = gathered.setdefault(record["cell"], _Gathered())
            _take(mine, record)
        if record["kind"] == "peak":
            cell = cells[record["cell"]]
            of_framework = peaks.setdefault((cell["dtype"], cell["device"]), {})
            rates = of_framework.setdefault(cell["framework"], {})
            rates[_moment(record)] = record["flops"] / record["seconds"]
    best = {
        key: max(location(_grouped(rates)).value for rates in frameworks.values())
        for key, frameworks in peaks.items()
    }
    return [
        _summary(cell, _baseline(cell, cells, gathered), gathered, about, best) for cell in cells.values()
    ]


def peaks(summaries: Iterable[CellSummary]) -> dict[tuple[str, str], float]:
    """The peak that each (dtype, device) was measured against, in flop/s."""
    found = {}
    for summary in summaries:
        for task in summary.tasks.values():
            if task.fraction_of_peak:
                rate = task.flops / task.seconds.value / task.fraction_of_peak
                found[summary.cell["dtype"], summary.cell["device"]] = rate
    return found


def _baseline(
    cell: Mapping[str, Any], cells: Mapping[str, Mapping[str, Any]], gathered: Mapping[str, _Gathered]
) -> str:
    """The planned baseline, or, where it gave no time, the first of its neighbours that did."""

    def timed(key: str) -> bool:
        return key in gathered and bool(gathered[key].samples)

    planned = str(cell["baseline"])
    peers = [key for key, other in cells.items() if other["baseline"] == planned and timed(key)]
    return planned if timed(planned) or not peers else peers[0]


def _moment(record: Mapping[str, Any]) -> tuple[tuple[int, int], int]:
    return (record["arena"], record["invocation"]), record["round"]


def _take(mine: _Gathered, record: Mapping[str, Any]) -> None:
    if record["kind"] == "verdict":
        mine.verdicts.append(record)
    elif record["kind"] == "start" and not mine.first_calls:  # later ones find compilers' caches warm
        mine.first_calls = dict(record["first_call_seconds"])
        mine.steps = dict(record["steps"])
    elif record["kind"] == "sample":
        of_task = mine.samples.setdefault(record["task"], {})
        of_task[_moment(record)] = record["seconds"] / record["loops"]
    elif record["kind"] == "memory":
        mine.memory.append(record["bytes"])


def _summary(
    cell: Mapping[str, Any],
    baseline_key: str,
    gathered: Mapping[str, _Gathered],
    about: Mapping[str, Any],
    peak: Mapping[tuple[str, str], float],
) -> CellSummary:
    mine = gathered.get(cell["key"], _Gathered())
    # The worst verdict of all invocations is the cell's.
    worst = next((v for v in mine.verdicts if v["verdict"] != AGREE), None)
    verdict = worst or (
        mine.verdicts[0] if mine.verdicts else {"verdict": "unavailable", "reason": "not run yet"}
    )
    summary = CellSummary(
        cell=cell,
        verdict=verdict["verdict"],
        reason=verdict.get("reason"),
        first_divergence=verdict.get("first_divergence"),
        peak_memory_bytes=max(mine.memory, default=None),
        stderr=verdict.get("stderr"),
    )
    if verdict["verdict"] != AGREE:
        return summary
    baseline = gathered.get(baseline_key, _Gathered())
    for task, samples in mine.samples.items():
        facts = about["tasks"][f"{cell['workload']}:{cell['case']}"][task]
        seconds = location(_grouped(samples))
        shared = samples.keys() & baseline.samples.get(task, {}).keys()
        rate = peak.get((cell["dtype"], cell["device"]))
        summary.tasks[task] = TaskSummary(
            seconds=seconds,
            ratio=ratio(samples, baseline.samples[task]) if shared else None,
            flops=facts["flops"],
            fraction_of_peak=facts["flops"] / seconds.value / rate if rate else None,
            first_call_seconds=mine.first_calls.get(task),
            steps=mine.steps.get(task),
        )
    return summary


def _grouped(samples: Samples) -> list[list[float]]:
    processes: dict[tuple[int, int], list[float]] = {}
    for (process, _), value in sorted(samples.items()):
        processes.setdefault(process, []).append(value)
    return list(processes.values())
