"""What the tables of a run mean, and how far its numbers can be trusted, in sentences that are true of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from samestep.analysis.summary import CellSummary, measured_peaks
from samestep.records.plan import Plan, Profile
from samestep.records.schema import Start
from samestep.records.store import Run
from samestep.report import formatting


def legend(plan: Plan, summaries: Sequence[CellSummary]) -> list[str]:
    """Return what the columns mean, one paragraph each."""
    lines = [
        "ratio: the time over the baseline's (the row with 1.00) in the same round, below 1 is faster; "
        f"{_interval(plan.profile)}. < faster, > slower, = a tie (within 2 %), ? statistically "
        "indistinguishable; with probability 99 % all <, > and = of a table are right."
    ]
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


def _interval(profile: Profile) -> str:
    """Return what stands in parentheses behind a ratio."""
    processes, rounds = _extent(profile)
    if processes == "1 process":
        return "(?): a single process gives no interval"
    return f"in parentheses its 95 % interval over {processes} of {rounds}"


def extent(profile: Profile) -> str:
    """Return how much was asked for: "at least 3 processes of each implementation, 5 rounds in each"."""
    processes, rounds = _extent(profile)
    return f"{processes} of each implementation, {rounds} in each"


def _extent(profile: Profile) -> tuple[str, str]:
    least = "at least " if profile.width or profile.budget else ""
    processes = formatting.counted(profile.invocations, "process", "processes")
    return f"{least}{processes}", formatting.counted(profile.rounds, "round")


def noise_note(group: Sequence[CellSummary], task: str) -> str:
    """Return the A/A ratio of a group's rounds, and which differences could have been detected in them."""
    timed = [one.tasks[task] for one in group if task in one.tasks]
    detectable = sorted(t.ratio.detectable for t in timed if t.ratio and t.ratio.word != "baseline")
    noise = next((t.noise for t in timed if t.noise is not None), None)
    notes = [] if noise is None else [f"A/A control: {noise:.3f}"]
    if detectable and math.isfinite(middle := detectable[len(detectable) // 2]):
        notes.append(f"in half of the rows a ratio above {middle:.2f} would have been called slower")
    if not all(t.stable for t in timed):
        notes.append("not stable: the A/A ratio is more than 2 % from 1, so small differences say nothing")
    return "; ".join(notes) or "the noise is not known: a single process, or nothing to compare with"


def worker_versions(run: Run) -> list[str]:
    """Return what the workers themselves reported to run, each once: interpreters may differ."""
    found = [record.framework.versions for record in run.records() if isinstance(record, Start)]
    return sorted({f"{name} {version}" for one in found for name, version in one.items() if version})
