"""From a run's records to one row for each cell: what every table, page and export is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from samestep.agreement.verdict import AGREE, INVALID
from samestep.analysis.by_cell import Gathered, gather, grouped, moment
from samestep.analysis.curves import break_even, calls_until_steady
from samestep.analysis.ratios import Arena, Samples
from samestep.analysis.statistics import TIE, Contrast, Estimate, location

#: No honest program does so many times the flop/s of the machine's best large matrix product.
PLAUSIBLE = 2.0

#: A start so many times as dear as another's, and by so many seconds, is a price that is paid for something,
#: as compiling is. A start is timed once, and by less than that two are apart that compile nothing.
DEARER, DEARER_SECONDS = 2.0, 0.25


@dataclass
class TaskSummary:
    """One task of one cell: seconds of a call, against the baseline, against the machine's peak.

    ``noise`` is how far the same code under two names was apart in these very rounds (a ratio; None where
    there was no second name). ``until_steady`` counts the calls before the times are steady. ``latency`` has
    quantiles of calls waited for one by one, as they are in the samples where one call makes a sample;
    ``parts`` the device's share of a sample; ``transfers`` the seconds to the device and back.
    """

    seconds: Estimate
    ratio: Contrast | None
    flops: float
    fraction_of_peak: float | None
    first_call_seconds: float | None
    steps: int | None = None
    noise: float | None = None
    until_steady: int | None = None
    latency: Mapping[str, float] | None = None
    parts: Mapping[str, Any] | None = None
    transfers: Mapping[str, float] | None = None
    disturbed: int = 0
    repeated: int = 0

    @property
    def seconds_per_step(self) -> float | None:
        return self.seconds.value / self.steps if self.steps else None

    @property
    def fit(self) -> bool:
        """Whether the rounds were calm enough to compare in: the same code was within 2 % of itself."""
        return self.noise is None or abs(self.noise - 1) <= TIE


@dataclass
class CellSummary:
    """One cell: its verdict, what starting it cost (seconds), its tasks where it was timed, and those that it
    is compared with."""

    cell: Mapping[str, Any]
    verdict: str
    reason: str | None
    first_divergence: Mapping[str, Any] | None
    tasks: dict[str, TaskSummary] = field(default_factory=dict)
    peak_memory_bytes: int | None = None
    device_memory_bytes: int | None = None
    import_seconds: float | None = None
    build_seconds: float | None = None
    stderr: str | None = None
    arena: Arena | None = field(default=None, repr=False)

    def start_seconds(self, task: str) -> float | None:
        """Until the first call of the task is over, in a process that has imported its framework."""
        first = self.tasks[task].first_call_seconds
        return None if first is None or self.build_seconds is None else self.build_seconds + first


def summarize(about: Mapping[str, Any], records: Iterable[Mapping[str, Any]]) -> list[CellSummary]:
    """One summary for each cell of the run's plan, in its order; second names are no cells of their own."""
    cells = {cell["key"]: cell for cell in about["cells"]}
    records = list(records)
    gathered = gather(about, records)
    rates: dict[tuple[str, str], dict[str, Samples]] = {}
    for record in records:
        if record["kind"] == "peak":
            cell = cells[record["cell"]]
            mine = rates.setdefault((cell["dtype"], cell["device"]), {})
            mine.setdefault(cell["framework"], {})[moment(record)] = record["flops"] / record["seconds"]
    best = {
        key: max(location(grouped(one)).value for one in of_framework.values())
        for key, of_framework in rates.items()
    }
    found = {key: _summary(cell, gathered[key], about, best) for key, cell in cells.items()}
    twins = frozenset(key for key, cell in cells.items() if cell.get("twin"))
    for planned in dict.fromkeys(str(cell["baseline"]) for cell in cells.values()):
        timed = [key for key, cell in cells.items() if cell["baseline"] == planned and found[key].tasks]
        _compare(Arena(planned, {key: gathered[key].samples for key in timed}, twins), found)
    return [summary for key, summary in found.items() if not cells[key].get("twin")]


def peaks(summaries: Iterable[CellSummary]) -> dict[tuple[str, str], float]:
    """The peak that each (dtype, device) was measured against, in flop/s."""
    found = {}
    for summary in summaries:
        for task in summary.tasks.values():
            if task.fraction_of_peak:
                rate = task.flops / task.seconds.value / task.fraction_of_peak
                found[summary.cell["dtype"], summary.cell["device"]] = rate
    return found


def pays_from(
    summaries: Sequence[CellSummary], summary: CellSummary, task: str
) -> tuple[CellSummary, float] | None:
    """Of the rungs of its framework that start that much cheaper (`_dear`) the one that it
    overtakes last, and after how many calls: from there on its dear start has paid. inf, and the fastest of
    them, where it never overtakes one.

    None where none starts that cheap.
    """
    cell, start, step = summary.cell, summary.start_seconds(task), summary.tasks[task].seconds.value
    same = ("workload", "case", "framework", "dtype", "device", "matmul")
    found = []
    for other in summaries:
        if task not in other.tasks or any(other.cell[name] != cell[name] for name in same):
            continue
        its_start, its_step = other.start_seconds(task), other.tasks[task].seconds.value
        if start is None or its_start is None or not _dear(start, step, its_start, its_step):
            continue
        calls = break_even(start, step, its_start, its_step)
        found.append((float("inf") if calls is None else calls, -its_step, other))
    if not found:
        return None
    calls, _, against = max(found, key=lambda one: (*one[:2], one[2].cell["implementation"]))
    return against, calls


def _dear(start: float, step: float, its_start: float, its_step: float) -> bool:
    """Whether a start is dear beside another's, the work of the first call aside, which later ones do too."""
    return start > DEARER * its_start and (start - step) - (its_start - its_step) > DEARER_SECONDS


def _compare(arena: Arena, found: Mapping[str, CellSummary]) -> None:
    """Each cell of an arena against its baseline, all ratios of a task judged together."""
    for key in arena.taken:
        found[key].arena = arena
    for task in arena.taken[arena.baseline] if arena.baseline else ():
        noise = arena.noise(task)
        for key, contrast in arena.against(str(arena.baseline), task).items():
            found[key].tasks[task].ratio = contrast
            found[key].tasks[task].noise = noise


def _summary(
    cell: Mapping[str, Any],
    mine: Gathered,
    about: Mapping[str, Any],
    peak: Mapping[tuple[str, str], float],
) -> CellSummary:
    # The worst of all invocations is the cell's; of each its last, since a resumed one is begun again.
    last = {(v.get("arena"), v.get("invocation"), v.get("checked_in")): v for v in mine.verdicts}
    own = (None, cell["dtype"])  # says more than another dtype's
    first = sorted(last.values(), key=lambda v: v.get("checked_in") not in own)
    worst = next((v for v in first if v["verdict"] != AGREE), None)
    verdict = worst or (
        mine.verdicts[0] if mine.verdicts else {"verdict": "unavailable", "reason": "not run yet"}
    )
    summary = CellSummary(
        cell=cell,
        verdict=verdict["verdict"],
        reason=verdict.get("reason"),
        first_divergence=verdict.get("first_divergence"),
        peak_memory_bytes=max((r["bytes"] for r in mine.finishes), default=None),
        device_memory_bytes=max((r.get("device_bytes") or 0 for r in mine.finishes), default=0) or None,
        import_seconds=mine.first("framework").get("import_seconds"),
        build_seconds=mine.starts[0].get("build_seconds") if mine.starts else None,
        stderr=verdict.get("stderr"),
    )
    if verdict["verdict"] != AGREE:
        return summary
    facts = about["tasks"][f"{cell['workload']}:{cell['case']}"]
    rate = peak.get((cell["dtype"], cell["device"]))
    for task in mine.samples:
        summary.tasks[task] = _task(mine, task, facts[task]["flops"], rate)
    return _plausible(summary)


def _task(mine: Gathered, task: str, flops: float, rate: float | None) -> TaskSummary:
    seconds = location(grouped(mine.samples[task]))
    calls = mine.first("first_calls").get(task)
    first = calls[0] if calls else mine.first("first_call_seconds").get(task)
    return TaskSummary(
        seconds=seconds,
        ratio=None,
        flops=flops,
        fraction_of_peak=flops / seconds.value / rate if rate and flops else None,
        first_call_seconds=first,
        steps=mine.first("steps").get(task),
        until_steady=calls_until_steady(calls) if calls else None,
        latency=mine.first("latency").get(task) or _latency(seconds, mine.first("loops").get(task)),
        parts=mine.first("parts").get(task),
        transfers=mine.transfer(task),
        disturbed=mine.disturbed[task],
        repeated=mine.repeated[task],
    )


def _latency(seconds: Estimate, loops: int | None) -> Mapping[str, float] | None:
    """What the samples say of calls that are waited for one by one."""
    return {"median": seconds.value, "p95": seconds.p95} if loops == 1 else None


def _plausible(summary: CellSummary) -> CellSummary:
    """A task that is faster than the machine can be computes nothing: its cell is refused."""
    for name, task in summary.tasks.items():
        if task.fraction_of_peak and task.fraction_of_peak > PLAUSIBLE:
            summary.verdict = INVALID
            summary.reason = (
                f"{name} does {task.fraction_of_peak:.3g} times the flop/s of this machine's best matrix "
                "product: a result that is kept from call to call, or a missing wait"
            )
            summary.tasks = {}
            break
    return summary
