"""What the tables of a run mean, and how far its numbers can be trusted, in sentences that are true of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from samestep.analysis.certainty import Certainty, certainties, certainty
from samestep.analysis.statistics import Contrast
from samestep.analysis.summary import CellSummary, measured_peaks
from samestep.records.plan import Plan
from samestep.records.schema import Start
from samestep.records.store import Run
from samestep.report import formatting
from samestep.report.summaries import groups


def legend(plan: Plan, summaries: Sequence[CellSummary]) -> list[str]:
    """Return what the columns mean, one paragraph each."""
    lines = [
        "ratio: the time over the baseline's (the row with 1.00) in the same round, below 1 is faster; "
        f"{_interval(summaries)}.",
        "mark: < faster, > slower, = a tie (within 2 %), ? statistically indistinguishable; with probability "
        "99 % all <, > and = of a table are right.",
    ]
    if any(not one.known for one in _ratios(summaries)):
        lines.append(f"{formatting.UNKNOWN}: the 95 % interval is wider than from half to twice the number.")
    if any(task.noise is not None for one in summaries for task in one.tasks.values()):
        lines.append("A/A control: the ratio of a second copy of the baseline to the baseline itself.")
    peaks = ", ".join(
        f"{formatting.flop_rate(rate)} in {dtype} on the {device}"
        for (dtype, device), rate in measured_peaks(summaries).items()
    )
    if peaks:
        lines.append(f"of peak: flop/s as a part of the best matrix product's, measured here: {peaks}.")
    inherited = {name: value for one in (plan.inherited or {}).values() for name, value in one.items()}
    if inherited:
        variables = ", ".join(f"{name}={value}" for name, value in inherited.items())
        lines.append(f"inherited from the environment of the run: {formatting.escaped(variables)}.")
    return lines


def _ratios(summaries: Sequence[CellSummary]) -> list[Contrast]:
    """Return the ratios to a baseline."""
    timed = [task.ratio for one in summaries for task in one.tasks.values()]
    return [ratio for ratio in timed if ratio and ratio.word != "baseline"]


def _interval(summaries: Sequence[CellSummary]) -> str:
    """Return what stands in parentheses behind a ratio."""
    processes, rounds = counts(summaries)
    if processes == (0, 0):
        return "none was taken"
    single = "(?): a single process gives no interval"
    if processes == (1, 1):
        return single
    several = max(2, processes[0]), processes[1]
    over = f"{_counted(several, 'process', 'processes')} of {_counted(rounds, 'round')}"
    interval = f"in parentheses its 95 % interval over {over}"
    return f"{interval}, or {single}" if processes[0] == 1 else interval


def extent(plan: Plan, summaries: Sequence[CellSummary]) -> str:
    """Return how much was measured, and what had been asked for where that is more: "1 to 2 processes of each
    implementation (3 were asked for), 5 rounds in each"."""
    counted = [one.rounds for summary in summaries for one in summary.tasks.values()]
    asked = plan.profile.invocations
    if not counted:
        return f"nothing timed, of {formatting.counted(asked, 'process', 'processes')} that were asked for"
    processes = min(map(len, counted)), max(map(len, counted))
    rounds = min(map(min, counted)), max(map(max, counted))
    fewer = f" ({asked} were asked for)" if processes[0] < asked else ""
    return (
        f"{_counted(processes, 'process', 'processes')} of each implementation{fewer}, "
        f"{_counted(rounds, 'round')} in each"
    )


def counts(summaries: Sequence[CellSummary]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the fewest and the most processes that a ratio is over, and rounds of a process; (0, 0) where
    there is no ratio."""
    found = [one for one in certainties(cells for _, cells in groups(summaries)) if one.compared]
    if not found:
        return (0, 0), (0, 0)
    return _widest(one.processes for one in found), _widest(one.rounds for one in found)


def _widest(ends: Iterable[tuple[int, int]]) -> tuple[int, int]:
    low, high = zip(*ends, strict=True)
    return min(low), max(high)


def _counted(ends: tuple[int, int], noun: str, plural: str = "") -> str:
    """Return a range with its noun: "2 processes", "1 to 2 processes"."""
    low, high = ends
    text = formatting.counted(high, noun, plural)
    return text if low == high else f"{low} to {text}"


def comparison_note(plan: Plan, group: Sequence[CellSummary], task: str) -> str:
    """Return what may be said of a table: that less was measured than asked for, that it cannot tell, its
    noise."""
    found = certainty(group, task)
    doubt = "" if found.tells else f"this run cannot tell: {reason(found)}"
    return "; ".join(filter(None, (shortfall(plan, group, task), doubt, noise_note(group, task))))


def shortfall(plan: Plan, group: Sequence[CellSummary], task: str) -> str:
    """Return how many processes and rounds the ratios of a task are over; "" where they are over as many as
    was asked for, or more."""
    found, profile = certainty(group, task), plan.profile
    few = found.processes[0] < profile.invocations or found.rounds[0] < profile.rounds
    if not found.compared or not few:
        return ""
    processes = _counted(found.processes, "process", "processes")
    rounds = _counted(found.rounds, "round")
    return f"{processes} of {rounds}, where {profile.invocations} of {profile.rounds} were asked for"


def reason(found: Certainty) -> str:
    """Return why a comparison cannot tell."""
    processes = _counted(found.processes, "process", "processes")
    return (
        f"of {formatting.counted(found.compared, 'ratio')} over {processes} of "
        f"{_counted(found.rounds, 'round')} none is known to within half or twice it"
    )


def noise_note(group: Sequence[CellSummary], task: str) -> str:
    """Return the A/A ratio of a group's rounds, and which differences could have been detected in them."""
    timed = [one.tasks[task] for one in group if task in one.tasks]
    detectable = sorted(t.ratio.detectable for t in timed if t.ratio and t.ratio.word != "baseline")
    noise = next((t.noise for t in timed if t.noise is not None), None)
    notes = [] if noise is None else [f"A/A control: {formatting.control(noise)}"]
    if detectable and math.isfinite(middle := detectable[len(detectable) // 2]):
        notes.append(f"in half of the rows a ratio above {middle:.2f} would have been called slower")
    elif certainty(group, task).processes[1] > 1:
        notes.append("in half of the rows not even twice the time would have been called slower")
    if not all(t.stable for t in timed):
        notes.append("not stable: the A/A ratio is more than 2 % from 1, so small differences say nothing")
    return "; ".join(notes) or "the noise is not known: a single process, or nothing to compare with"


def worker_versions(run: Run) -> list[str]:
    """Return what the workers themselves reported to run, each once: interpreters may differ."""
    found = [record.framework.versions for record in run.records() if isinstance(record, Start)]
    return sorted({f"{name} {version}" for one in found for name, version in one.items() if version})
