"""What changed between two runs, as a reviewer wants to read it: Markdown that names no folder.

First what changed and by how much; then what could not be told, and why; then what else differs, and how long
a run would have to be to see more.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from samestep.analysis.run_diff import Change, Difference, RunDiff
from samestep.catalog.cell import Cell
from samestep.records.store import Run
from samestep.report import formatting, run_diff_text
from samestep.report.run_diff_document import compared
from samestep.report.run_diff_text import real_changes, verdict_changes
from samestep.report.status import status_of

#: The columns of what changed, and of what could not be told.
CHANGED: Sequence[str] = (
    "implementation", "task", "before", "after", "after / before", "", "its code", "compared",
)  # fmt: skip
UNKNOWN = ("implementation", "task", "after / before", "what is possible, or why nothing is known")

#: As many rows has the second table at most: a comment on GitHub ends at 65,536 characters.
MOST = 40

#: How the field of a difference begins that is the hash of an implementation's code.
SOURCES = "sources."

#: An absolute path without its last part: a slash that follows no word, and the folders after it.
FOLDERS = re.compile(r"(?<![\w.~/\]])/(?:[^/\s:,;=`'\"]+/)+")


def markdown(diff: RunDiff, before: Run, after: Run) -> str:
    """Return what to paste into a pull request, or to post there."""
    changed = [*_verdicts(diff), *_times(diff)]
    parts = [
        [f"### samestep: {_plain(run_diff_text.headline(diff))}"],
        [f"**{_plain(text)}**" for text in _notes(diff, before, after)],
        [_between(diff, before, after)],
        _changed(diff, changed) if changed else ["Nothing changed that this could tell."],
        [f"- {_plain(text)}" for text, _ in run_diff_text.notes(diff)],
        list(_unknown(diff)),
        list(_differing(diff)),
        [f"{_plain(text)}" for text in (run_diff_text.sentence(diff), run_diff_text.longer(diff)) if text],
        [_legend(diff)] if diff.changes else [],
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _between(diff: RunDiff, before: Run, after: Run) -> str:
    """Return what was compared, and how it was measured."""
    one, other = (run.plan.revision for run in (before, after))
    plan = after.plan
    amount = (
        f"{formatting.counted(plan.profile.invocations, 'invocation')} of "
        f"{formatting.counted(plan.profile.rounds, 'round')}, "
        f"{formatting.counted(plan.options.threads, 'thread')}, {' and '.join(_kinds(diff))}"
    )
    names = [
        _plain(run.plan.revision.label if run.plan.revision else f"the run {run.name}")
        for run in (before, after)
    ]
    if before.plan.together_with(plan) and one and other:
        how = f"in the same rounds: {amount}, on {_plain(plan.machine.words)}"
    else:
        machines = dict.fromkeys(_plain(run.plan.machine.words) for run in (before, after))
        how = f"one after the other: the second in {amount}, on {' and on '.join(machines)}"
    return f"Before is {names[0]} and after is {names[1]}, measured {how}."


def _notes(diff: RunDiff, before: Run, after: Run) -> Iterator[str]:
    """Yield what there is to know of either run before its numbers; of two that are one, once."""
    if cpus := run_diff_text.machines(diff):
        yield cpus
    notes = {name: list(map(str, status_of(run).notes())) for name, run in _both(before, after)}
    shared = [note for note in notes["before"] if note in notes["after"]]
    yield from shared
    for name, own in notes.items():
        yield from (f"{name}: {note}" for note in own if note not in shared)


def _both(before: Run, after: Run) -> tuple[tuple[str, Run], ...]:
    return ("before", before), ("after", after)


def _changed(diff: RunDiff, rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the table of what changed; how each was compared is left out where all were in the same way."""
    columns, align = CHANGED, "llrrrlll"
    if all(one.paired for one in diff.changes):
        columns, align, rows = columns[:-1], align[:-1], [row[:-1] for row in rows]
    return _table(columns, rows, align)


def _verdicts(diff: RunDiff) -> Iterator[Sequence[str]]:
    for one in diff.verdicts:
        for what, change, word in verdict_changes(one):
            yield _name(diff, one.cell), what, "", "", change, word, _code(diff, one.cell), ""


def _times(diff: RunDiff) -> Iterator[Sequence[str]]:
    for one in real_changes(diff):
        times = (formatting.seconds(one.before), formatting.seconds(one.after))
        code, word = _code(diff, one.cell), one.contrast.word
        yield _name(diff, one.cell), _task(one), *times, _ratio(one), word, code, compared(one)


def _task(change: Change) -> str:
    """Return a task, and that its times are of one of its steps where a call makes many."""
    return f"{change.task}, a step" if change.a_step else change.task


def _ratio(change: Change) -> str:
    return formatting.interval(change.contrast, places=3)


def _kinds(diff: RunDiff) -> list[str]:
    """Return the dtypes and devices of all that is compared."""
    cells = [*(one.cell for one in diff.changes), *(one.cell for one in diff.verdicts)]
    return list(dict.fromkeys(f"{cell.dtype} on the {cell.device}" for cell in cells))


def _name(diff: RunDiff, cell: Cell) -> str:
    """Return the name of a cell, with its dtype and device where there are several."""
    name = f"{cell.of_case}/{cell.implementation}"
    return f"{name} {cell.dtype} {cell.device}" if len(_kinds(diff)) > 1 else name


def _code(diff: RunDiff, cell: Cell) -> str:
    """Return whether the code of a cell is another one."""
    name = f"{SOURCES}{cell.workload}/{cell.implementation}"
    return "edited" if any(one.field == name for one in diff.differences) else "the same"


def _unknown(diff: RunDiff) -> Iterator[str]:
    """Yield the table of what could not be told, which opens on a click."""
    unclear = [one for one in diff.changes if one.contrast.word == "unclear"]
    if not unclear:
        return
    ordered = sorted(unclear, key=_widest, reverse=True)
    shown = ordered[:MOST]
    rows = [(_name(diff, one.cell), _task(one), _ratio(one), run_diff_text.why(one)) for one in shown]
    yield f"<details><summary>Could not be told: {formatting.counted(len(unclear), 'timing')}</summary>"
    yield ""
    yield from _table(UNKNOWN, rows, "llrl")
    yield ""
    if left := len(ordered[MOST:]):
        yield f"{left} more, of which less is possible: `--format csv` has all."
        yield ""
    yield "</details>"


def _widest(change: Change) -> float:
    """Return the largest change that is possible yet, as a logarithm."""
    low, high = change.contrast.sure
    return math.inf if low <= 0 else max(abs(math.log(low)), abs(math.log(high)))


def _differing(diff: RunDiff) -> Iterator[str]:
    """Yield the code that differs by its names, and whatever else does as a table."""
    code = [one.field.removeprefix(SOURCES) for one in diff.differences if one.field.startswith(SOURCES)]
    others = [one for one in diff.differences if not one.field.startswith(SOURCES)]
    if code:
        yield f"Edited, or what it is made of: {', '.join(map(_plain, code))}."
        yield ""
    if others:
        yield "What else differs:"
        yield ""
        yield from _table(("field", "before", "after"), list(map(_difference, others)), "lll")
    else:
        yield "Nothing differs in machine, options, environment and versions."


def _difference(one: Difference) -> Sequence[str]:
    return one.field, run_diff_text.value_text(one.before), run_diff_text.value_text(one.after)


def _legend(diff: RunDiff) -> str:
    if all(one.paired for one in diff.changes):
        ratio = "time after over time before within the same round"
    else:
        ratio = (
            "time after over time before; to the baseline: of the ratio to the baseline of the same run, "
            "which cancels machine drift; absolutely: of the time itself, drift included"
        )
    return (
        f"<sub>after / before: {ratio}; above 1 is slower, in parentheses its 95 % interval. What is called "
        "slower or faster is so with 99 % for all timings together, and beyond the A/A control.</sub>"
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> list[str]:
    return formatting.table(columns, [[_plain(cell) for cell in row] for row in rows], align)


def _plain(text: str) -> str:
    """Return a text as Markdown that shows it, without the folders of absolute paths."""
    return formatting.escaped(FOLDERS.sub("", text))
