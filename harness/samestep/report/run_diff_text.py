"""What changed between two runs, in sentences: printable, but not escaped for any markup."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator

from samestep.analysis.run_diff import Change, Difference, RunDiff, VerdictChange
from samestep.printable import printable
from samestep.report import formatting

#: The words of changes as a count has them, in its order.
COUNTED = {
    "slower": "slower",
    "faster": "faster",
    "tie": "the same within 2 %",
    "unclear": "statistically indistinguishable",
}
#: At most this many cells of one run alone are named.
MOST_NAMED = 10


def machines(diff: RunDiff) -> str | None:
    """Return that the runs were made on two machines; None where they were not."""
    cpus = diff.machines
    if cpus is None:
        return None
    return f"two machines: {value_text(cpus.before)} and {value_text(cpus.after)}"


def difference(one: Difference) -> str:
    """Return a field with its two values."""
    return f"{printable(one.field)}: {value_text(one.before)} -> {value_text(one.after)}"


def value_text(value: object) -> str:
    """Return a value as JSON, but a text without quotes; "-" of None."""
    if value is None:
        return "-"
    return printable(value if isinstance(value, str) else json.dumps(value))


def real_changes(diff: RunDiff) -> list[Change]:
    """Return what became slower, and then what became faster; the largest change of each first."""
    real = (change for change in diff.changes if change.contrast.word in ("slower", "faster"))
    return sorted(real, key=lambda one: (one.contrast.word != "slower", -abs(math.log(one.contrast.value))))


def verdict_changes(change: VerdictChange) -> Iterator[tuple[str, str, str]]:
    """Return what changed, from what to what, and "worse", "better" or "other"."""
    if change.before != change.after:
        yield "verdict", f"{change.before} -> {change.after}", change.word
    before, after = change.precision
    if None not in (before, after) and before != after:
        yield "arithmetic", f"{before} -> {after}", "other"


def notes(diff: RunDiff) -> Iterator[tuple[str, bool]]:
    """Return what the tables do not say, each with whether something got worse."""
    reasons = [change.absolutely for change in diff.changes if change.absolutely and not change.baseline]
    for reason, times in Counter(reasons).items():
        yield f"{times} compared absolutely: {reason}", False
    yield from _baseline_notes(diff)
    for change in diff.verdicts:
        if change.reason:
            yield f"{change.cell.key}: {change.reason}", change.word == "worse"
    for name, keys in (("before", diff.only_before), ("after", diff.only_after)):
        more = len(keys[MOST_NAMED:])
        for key in (*keys[:MOST_NAMED], *([f"{more} more"] if more else [])):
            yield f"only {name}: {key}", False


def _baseline_notes(diff: RunDiff) -> Iterator[tuple[str, bool]]:
    """Return for each baseline that is slower or faster in which tasks, and what may be the cause."""
    tasks: dict[tuple[str, str, str], list[str]] = {}
    for change in diff.changes:
        word = change.contrast.word
        if change.baseline and word in ("faster", "slower"):
            cause = f"the cause may be the machine, or {change.cell.framework}"
            if change.absolutely != "it is the baseline":
                cause = f"{cause}; {change.absolutely}"
            tasks.setdefault((change.cell.key, word, cause), []).append(change.task)
    for (key, word, cause), names in tasks.items():
        yield f"the baseline {key} is {word} in {', '.join(names)}: {cause}", word == "slower"


def count(diff: RunDiff) -> str:
    """Return how many changes there are of each word, and which slowdown could have been detected."""
    if not diff.changes:
        return "no task was timed in both runs"
    counts = Counter(change.contrast.word for change in diff.changes)
    text = ", ".join(f"{counts[word]} {words}" for word, words in COUNTED.items() if counts[word])
    middle = sorted(change.contrast.detectable for change in diff.changes)[len(diff.changes) // 2]
    if not math.isfinite(middle) and max(change.contrast.processes for change in diff.changes) > 1:
        return f"{text}; in half of them not even twice the time would have been detected"
    if not math.isfinite(middle):
        return f"{text}; a single process gives no interval: compare runs of more invocations"
    percent = formatting.digits(100 * (middle - 1))
    return f"{text}; in half of them a slowdown of {percent} % would have been detected"
