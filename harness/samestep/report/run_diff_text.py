"""What changed between two runs, in sentences: printable, but not escaped for any markup."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator

from samestep.analysis.longer_run import ASKED, MOST, LongerRun
from samestep.analysis.run_diff import Change, Difference, RunDiff, VerdictChange
from samestep.analysis.statistics import TWICE
from samestep.printable import printable
from samestep.report import formatting

#: The words of changes as a count has them, in its order.
COUNTED = {
    "slower": "slower",
    "faster": "faster",
    "tie": "the same within 2 %",
    "unclear": "statistically indistinguishable",
}
#: The words of verdicts that changed, as a headline has them.
VERDICTS = {"worse": "verdict worse", "better": "verdict better", "other": "answer of another kind"}
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


def headline(diff: RunDiff) -> str:
    """Return how many verdicts and times changed, and how."""
    words = Counter(word for one in diff.verdicts for _, _, word in verdict_changes(one))
    verdicts = [f"{words[word]} {text}" for word, text in VERDICTS.items() if words[word]]
    if not diff.changes:
        return "; ".join([*verdicts, "no task was timed in both runs"])
    return "; ".join([*verdicts, _counts(diff)])


def _counts(diff: RunDiff) -> str:
    counts = Counter(change.contrast.word for change in diff.changes)
    return ", ".join(f"{counts[word]} {words}" for word, words in COUNTED.items() if counts[word])


def count(diff: RunDiff) -> str:
    """Return how many changes there are of each word, and which slowdown could have been detected."""
    return f"{_counts(diff)}; {_detectable(diff)}" if diff.changes else "no task was timed in both runs"


def sentence(diff: RunDiff) -> str:
    """Return which slowdown could have been detected, as a sentence; "" where nothing was timed."""
    if not diff.changes:
        return ""
    text = _detectable(diff)
    return f"{text[0].upper()}{text[1:]}."


def _detectable(diff: RunDiff) -> str:
    middle = sorted(change.contrast.detectable for change in diff.changes)[len(diff.changes) // 2]
    if not math.isfinite(middle) and max(change.contrast.processes for change in diff.changes) > 1:
        return "in half of them not even twice the time would have been detected"
    if not math.isfinite(middle):
        return "a single process gives no interval: compare runs of more invocations"
    percent = formatting.digits(100 * (middle - 1))
    return f"in half of them a slowdown of {percent} % would have been detected"


def longer(diff: RunDiff) -> str:
    """Return how long a run would have to be to see a change of 5 %; "" where this one is long enough, or
    knows nothing of its noise."""
    found = diff.longer
    if found is None:
        return ""
    asked = f"A slowdown of {formatting.digits(100 * (ASKED - 1))} %"
    had = f"where {formatting.counted(found.now, 'invocation')} were taken here"
    if found.half is None:
        return f"{asked} would not be seen by {MOST:,} invocations, {had}: noise is too large."
    if found.half == found.all:
        return f"{asked} would be seen in all of them by about {_amount(found, found.half)}, {had}."
    if found.half <= found.now:
        half = f"{asked} is seen in half of them already"
    else:
        half = f"{asked} would be seen in half of them by about {_amount(found, found.half)}"
    if found.all is None:
        return f"{half}, in all of them by more than {MOST:,}, {had}."
    return f"{half}, in all of them by about {_amount(found, found.all)}, {had}."


def _amount(longer: LongerRun, invocations: int) -> str:
    count = formatting.counted(invocations, "invocation")
    if longer.seconds is None:
        return count
    return f"{count} ({_duration(longer.seconds * invocations)} at the pace of these)"


def _duration(seconds: float) -> str:
    """Return a time in two digits: 45 s, 12 min, 3.5 h."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:.2g} h"


def _times(ratio: float, word: str) -> str:
    """Return how much a ratio above 1 is: 12 % slower, more than twice as slow."""
    if ratio <= 0 or math.log(ratio) >= TWICE:
        return f"more than twice as {word}"
    return f"{formatting.digits(100 * (ratio - 1))} % {word}er"


def why(change: Change) -> str:
    """Return why it cannot be told whether a task takes longer, or what is possible yet."""
    contrast = change.contrast
    if not contrast.known:
        return "noise: it is not known to within half or twice it"
    if contrast.processes < 2:
        return "a single process says nothing about others"
    low, high = contrast.sure
    if low > 1 or high < 1:
        return f"it may be the A/A control's, which is {formatting.deviation(change.floor)} off"
    return f"{_times(1 / low, 'fast')} to {_times(high, 'slow')}"
