"""From a run's records to one summary for each cell: what every table, page and export is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from samestep.agreement.verdict import AGREE, INVALID, UNAVAILABLE, Divergence, Verdict
from samestep.analysis.by_cell import CellRecords, Samples, by_cell, by_process, last_verdicts
from samestep.analysis.curves import calls_until_steady
from samestep.analysis.ratios import ComparisonGroup, prior_of
from samestep.analysis.statistics import TIE, Contrast, Estimate, location
from samestep.records.plan import Plan, PlannedCell
from samestep.records.schema import CellVerdict, Latency, Parts, Peak, Record, Transfer

#: The reason of a cell without a verdict.
NOT_RUN = "not run yet"

#: No correct program exceeds the flop/s of the machine's best large matrix product by this factor.
PLAUSIBLE = 2.0


@dataclass
class TaskSummary:
    """One task of one cell: seconds of a call, against the baseline, against the machine's peak.

    ``rounds`` counts those that were taken in each process.
    ``noise`` is the A/A ratio in the same rounds (None where the baseline had no copy). ``until_steady``
    counts the calls before the times are steady. ``latency`` is that of calls waited for one by one, which
    are the samples themselves where one call makes a sample.
    """

    seconds: Estimate
    ratio: Contrast | None
    flops: float
    fraction_of_peak: float | None
    first_call_seconds: float | None
    rounds: tuple[int, ...] = ()
    steps: int | None = None
    noise: float | None = None
    until_steady: int | None = None
    latency: Latency | None = None
    parts: Parts | None = None
    transfer: Transfer | None = None
    disturbed: int = 0
    repeated: int = 0

    @property
    def seconds_per_step(self) -> float | None:
        return self.seconds.value / self.steps if self.steps else None

    @property
    def stable(self) -> bool:
        """Whether the rounds were stable enough to compare in: the A/A ratio is within 2 % of 1."""
        return self.noise is None or abs(self.noise - 1) <= TIE


@dataclass
class CellSummary:
    """One cell: its verdict, its start-up costs in seconds, its tasks where it was timed, and the group that
    it is compared in."""

    cell: PlannedCell
    verdict: str
    reason: str | None
    first_divergence: Divergence | None
    tasks: dict[str, TaskSummary] = field(default_factory=dict)
    peak_memory_bytes: float | None = None
    device_memory_bytes: float | None = None
    import_seconds: float | None = None
    build_seconds: float | None = None
    stderr: str | None = None
    group: ComparisonGroup | None = field(default=None, repr=False)

    def start_seconds(self, task: str) -> float | None:
        """Return the seconds until the first call of the task is over, in a process that has imported its
        framework."""
        first = self.tasks[task].first_call_seconds
        return None if first is None or self.build_seconds is None else self.build_seconds + first


def summarize(plan: Plan, records: Iterable[Record]) -> list[CellSummary]:
    """Return one summary for each cell of the plan, in its order; A/A copies are not cells of their own."""
    records = list(records)
    cells, found_records = plan.by_key(), by_cell(plan, records)
    peaks = _peaks(cells, records)
    found = {key: _summary(cell, found_records[key], plan, peaks) for key, cell in cells.items()}
    groups = []
    for planned in dict.fromkeys(cell.baseline for cell in cells.values()):
        members = {key: cell for key, cell in cells.items() if cell.baseline == planned}
        timed = {key: found_records[key].samples for key in members if found[key].tasks}
        groups.append(ComparisonGroup(planned, timed, members))
    prior = prior_of(groups)
    for group in groups:
        _compare(replace(group, prior=prior), found)
    return [summary for summary in found.values() if not summary.cell.aa_copy]


def measured_peaks(summaries: Iterable[CellSummary]) -> dict[tuple[str, str], float]:
    """Return the peak that each (dtype, device) was measured against, in flop/s."""
    found = {}
    for summary in summaries:
        for task in summary.tasks.values():
            if task.fraction_of_peak:
                rate = task.flops / task.seconds.value / task.fraction_of_peak
                found[summary.cell.dtype, summary.cell.device] = rate
    return found


@dataclass(frozen=True)
class _MachinePeak:
    """The best framework's flop/s, ``usual`` over the processes, and the ``best`` that was ever seen; None
    where each time others took a processor."""

    usual: float
    best: float | None


def _peaks(
    cells: Mapping[str, PlannedCell], records: Sequence[Record]
) -> dict[tuple[str, str], _MachinePeak]:
    """Return the machine's speed for each (dtype, device), of products that nobody disturbed where there are
    any."""
    rates: dict[tuple[str, str], dict[str, Samples]] = {}
    rates_undisturbed: dict[tuple[str, str], list[float]] = {}
    for record in sorted((one for one in records if isinstance(one, Peak)), key=lambda one: one.disturbed):
        cell = cells[record.cell]
        of_framework = rates.setdefault((cell.dtype, cell.device), {}).setdefault(cell.framework, {})
        if not (record.disturbed and of_framework):
            rate = record.flops / record.seconds
            of_framework[record.moment] = max(rate, of_framework.get(record.moment, rate))
            if not record.disturbed:
                had = min(1.0, (record.processors or cell.threads) / cell.threads)
                rates_undisturbed.setdefault((cell.dtype, cell.device), []).append(
                    rate / had if cell.device == "cpu" else rate
                )
    return {
        key: _MachinePeak(
            max(location(by_process(one)).value for one in of_framework.values()),
            max(rates_undisturbed.get(key, ()), default=None),
        )
        for key, of_framework in rates.items()
    }


def _compare(group: ComparisonGroup, found: Mapping[str, CellSummary]) -> None:
    """Give each cell of a group its ratios to the baseline, all ratios of a task judged together."""
    for key in group.samples:
        found[key].group = group
    for task in group.samples[group.baseline] if group.baseline else ():
        noise = group.noise(task)
        for key, contrast in group.against(str(group.baseline), task).items():
            found[key].tasks[task].ratio = contrast
            found[key].tasks[task].noise = noise


def _summary(
    cell: PlannedCell, mine: CellRecords, plan: Plan, peaks: Mapping[tuple[str, str], _MachinePeak]
) -> CellSummary:
    worst = _verdict(cell, mine.verdicts)
    start = mine.first_start
    summary = CellSummary(
        cell=cell,
        verdict=worst.verdict.verdict,
        reason=worst.verdict.reason,
        first_divergence=worst.verdict.first_divergence,
        peak_memory_bytes=max((one.bytes for one in mine.finishes), default=None),
        device_memory_bytes=max((one.device_bytes or 0 for one in mine.finishes), default=0) or None,
        import_seconds=start.framework.import_seconds if start else None,
        build_seconds=start.build_seconds if start else None,
        stderr=worst.stderr,
    )
    if summary.verdict != AGREE:
        return summary
    tasks, peak = plan.tasks_of(cell), peaks.get((cell.dtype, cell.device))
    for task in mine.samples:
        summary.tasks[task] = _task(mine, task, tasks[task].flops, peak.usual if peak else None)
    return _plausible(summary, peak.best if peak else None)


def _verdict(cell: PlannedCell, verdicts: Sequence[CellVerdict]) -> CellVerdict:
    """Return the worst verdict of all invocations."""
    if not verdicts:
        return CellVerdict(cell.key, Verdict(UNAVAILABLE, NOT_RUN))
    own = (None, cell.dtype)  # says more than another dtype's
    first = sorted(last_verdicts(verdicts), key=lambda one: one.checked_in not in own)
    return next((one for one in first if one.verdict.verdict != AGREE), verdicts[0])


def _task(mine: CellRecords, task: str, flops: float, rate: float | None) -> TaskSummary:
    processes, start = by_process(mine.samples[task]), mine.first_start
    seconds = location(processes)
    calls = (start.first_calls or {}).get(task) if start else None
    latency = (start.latency or {}).get(task) if start else None
    if latency is None and start and (start.loops or {}).get(task) == 1:  # a sample is one call
        latency = Latency(median=seconds.value, p95=seconds.p95)
    return TaskSummary(
        seconds=seconds,
        ratio=None,
        flops=flops,
        fraction_of_peak=flops / seconds.value / rate if rate and flops and seconds.known else None,
        first_call_seconds=start.first_call(task) if start else None,
        rounds=tuple(map(len, processes)),
        steps=(start.steps or {}).get(task) if start else None,
        until_steady=calls_until_steady(calls) if calls else None,
        latency=latency,
        parts=(start.parts or {}).get(task) if start else None,
        transfer=mine.transfer(task),
        disturbed=mine.disturbed[task],
        repeated=mine.repeated[task],
    )


def _plausible(summary: CellSummary, rate: float | None) -> CellSummary:
    """A task that is faster than the machine was ever seen to be computes nothing: its cell is refused."""
    for name, task in summary.tasks.items():
        times = task.flops / task.seconds.value / rate if rate else 0.0
        if times > PLAUSIBLE:
            summary.verdict = INVALID
            summary.reason = (
                f"{name} does {times:.3g} times the flop/s of this machine's best matrix "
                "product: a result that is kept from call to call, or a missing wait"
            )
            summary.tasks = {}
            break
    return summary
