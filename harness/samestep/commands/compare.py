"""What `samestep compare` says: what differs, what changed, how much did not."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from samestep.analysis.run_diff import Change, Comparison, Difference, Side, Turned, compare
from samestep.commands.options import say_left_out
from samestep.errors import SamestepError
from samestep.records.store import Run
from samestep.records.validated import Legible
from samestep.report import formatting

CELL = ("workload", "implementation", "case", "dtype", "device")
COLUMNS = ("cell", "task", "before", "after", "change", "")
STYLES = {"slower": "bold red", "worse": "bold red", "faster": "bold green", "better": "bold green"}
ORDER = {"slower": "slower", "faster": "faster", "tie": "tie (the same within 2 %)", "unclear": "unclear"}
#: Of what only one run has, so many are named.
NAMED = 10

NOTHING_DIFFERS = "nothing differs in machine, options, environment, versions and sources"
TIMES = (
    "before and after: of a call, or of a step where a call makes many. change: time after over time before, "
    "above 1 is slower, in parentheses its 95 % interval"
)
TO_BASELINE = "of the ratio to the baseline of the same run, without what the machine did to both"
LEGEND = f"{TIMES}. to baseline: {TO_BASELINE}; absolutely: by the clock, with it."


def opened(before: Path, after: Path) -> tuple[Legible, Legible]:
    """The runs, without what cannot be read, which is said on standard error.

    Raises SamestepError where one is none.
    """
    one, other = (Legible(Run.open(folder).folder) for folder in (before, after))
    say_left_out([*one.left_out, *other.left_out])
    return one, other


def compared(before: Run, after: Run) -> Comparison:
    """Raises SamestepError where the runs have no cell in common: then nothing can be said."""
    one, other = (Side.of(run.about, run.records()) for run in (before, after))
    if not one.cells.keys() & other.cells.keys():
        raise SamestepError(
            f"{before.folder} and {after.folder} have no cell in common: "
            f"the first has {_some(one)}, the second {_some(other)}"
        )
    return compare(one, other)


def _some(side: Side) -> str:
    """The name of a cell, and how many there are."""
    first, *others = side.cells or ["none"]
    return f"{first} and {len(others)} more" if others else first


# -- for a program -------------------------------------------------------------------------------------


def document(found: Comparison) -> dict[str, Any]:
    """The JSON of ``compare``."""
    return {
        "differences": [asdict(one) for one in found.differences],
        "cells": [_cell(change) for change in found.changes],
        "verdicts": [_verdict(turned) for turned in found.verdicts],
        "only_before": list(found.only_before),
        "only_after": list(found.only_after),
        "worse": found.worse,
    }


def rows(found: Comparison) -> list[dict[str, Any]]:
    """What a table of changes holds: a row for each cell and task."""
    found_rows = [_cell(change) for change in found.changes]
    for row in found_rows:
        row["low"], row["high"] = row.pop("ci")
    return found_rows


def _cell(change: Change) -> dict[str, Any]:
    contrast = change.contrast
    return {
        **{name: change.cell[name] for name in CELL},
        "task": change.task,
        "before": change.before,
        "after": change.after,
        "of": "a step" if change.a_step else "a call",
        "ratio": contrast.value,
        "ci": [contrast.low, contrast.high],
        "word": contrast.word,
        "compared": "absolutely" if change.absolutely else "to the baseline",
        "why": change.absolutely,
        "baseline": change.baseline,
        "noise": change.floor,
        "detectable": contrast.detectable,
    }


def _verdict(turned: Turned) -> dict[str, Any]:
    return {
        **{name: turned.cell[name] for name in CELL},
        "before": turned.before,
        "after": turned.after,
        "reason": turned.reason,
        "first_divergence": turned.first_divergence,
        "precision": list(turned.precision),
        "worse": turned.word == "worse",
    }


# -- for a person --------------------------------------------------------------------------------------


def show(found: Comparison, before: Run, after: Run, console: Console) -> None:
    """What differs, one table of what changed, why; how much did not change last."""

    def say(text: str, style: str | None = None) -> None:
        console.print(escape(text), style=style, highlight=False)

    if found.machines:
        say(_machines(found.machines), "bold")
    say(formatting.plain(f"before: {before.folder}"))
    say(formatting.plain(f"after:  {after.folder}"))
    for one in found.differences:
        say(f"  {_difference(one)}")
    if not found.differences:
        say(NOTHING_DIFFERS)
    moved = _moved(found)
    changed = bool(found.verdicts or moved)
    if changed:
        console.print(_table(found.verdicts, moved))
    if moved:
        say(f"{TIMES}: {TO_BASELINE}; * by the clock, with it.", "dim")
    for text, worse in _notes(found):
        say(text, "bold red" if worse else None)
    say(_count(found) if changed or not found.changes else f"no real change: {_count(found)}", "bold")
    if len(found.changes) > len(moved):
        say(f"all {len(found.changes)}, one by one: --format csv", "dim")


def _moved(found: Comparison) -> list[Change]:
    """What became slower, and then what became faster; the largest change of each first."""
    moved = (change for change in found.changes if change.contrast.word in ("slower", "faster"))
    return sorted(moved, key=lambda one: (one.contrast.word != "slower", -abs(math.log(one.contrast.value))))


def _table(turns: Sequence[Turned], moved: Sequence[Change]) -> Table:
    """The cells that answer otherwise, then those that take another time."""
    cells = [*(one.cell for one in turns), *(one.cell for one in moved)]
    kinds = {(cell["dtype"], cell["device"]) for cell in cells}
    told = "".join(f", in {dtype} on the {device}" for dtype, device in kinds) if len(kinds) == 1 else ""
    title = escape(formatting.plain(f"what changed{told}"))
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0, show_edge=False)
    for column in COLUMNS:
        number = column in ("before", "after", "change")
        table.add_column(
            column, justify="right" if number else "left", no_wrap=column != "cell", overflow="fold"
        )
    for turned in turns:
        for what, change, word in _turns(turned):
            _row(table, _name(turned.cell, not told), what, "", "", change, word)
    for one in moved:
        task, *times, word, _ = _times(one)
        star = "*" if one.absolutely else ""
        _row(table, _name(one.cell, not told), task, *times, f"{word}{star}")
    return table


def _row(table: Table, *texts: str) -> None:
    style = STYLES.get(texts[-1].rstrip("*"))
    table.add_row(*(escape(formatting.plain(text)) for text in texts), style=style)


def _name(cell: Mapping[str, Any], whole: bool) -> str:
    """It may be broken between its words."""
    name = f"{cell['workload']}:{cell['case']} {cell['implementation']}"
    return f"{name} {cell['dtype']} {cell['device']}" if whole else name


def _times(change: Change) -> tuple[str, ...]:
    return (
        change.task,
        formatting.seconds(change.before),
        formatting.seconds(change.after),
        formatting.interval(change.contrast, places=3),
        change.contrast.word,
        "absolutely" if change.absolutely else "to baseline",
    )


# -- in words ------------------------------------------------------------------------------------------


def _notes(found: Comparison) -> Iterator[tuple[str, bool]]:
    """What the tables do not say, each with whether it is bad news."""
    reasons = [change.absolutely for change in found.changes if change.absolutely and not change.baseline]
    for reason, times in Counter(reasons).items():
        yield formatting.plain(f"{times} compared absolutely: {reason}"), False
    moved: dict[tuple[str, str, str], list[str]] = {}
    for change in found.changes:
        word = change.contrast.word
        if change.baseline and word in ("faster", "slower"):
            cause = f"the machine, or {change.cell['framework']}"
            if change.absolutely != "it is the baseline":
                cause = f"{cause}; {change.absolutely}"
            moved.setdefault((change.cell["key"], word, cause), []).append(change.task)
    for (key, word, cause), tasks in moved.items():
        yield (
            formatting.plain(f"the baseline {key} is {word} in {', '.join(tasks)}: {cause}"),
            word == "slower",
        )
    for turned in found.verdicts:
        if turned.reason:
            yield formatting.plain(f"{turned.cell['key']}: {turned.reason}"), turned.word == "worse"
    for name, keys in (("before", found.only_before), ("after", found.only_after)):
        more = len(keys[NAMED:])
        for key in (*keys[:NAMED], *([f"{more} more"] if more else [])):
            yield formatting.plain(f"only {name}: {key}"), False


def _turns(turned: Turned) -> Iterator[tuple[str, str, str]]:
    """What answers otherwise, how, and whether that is worse."""
    if turned.before != turned.after:
        yield "answer", f"{turned.before} -> {turned.after}", turned.word
    one, other = turned.precision
    if None not in (one, other) and one != other:
        yield "arithmetic", f"{one} -> {other}", "other"


def _count(found: Comparison) -> str:
    """How many of each word, and what could have been seen."""
    if not found.changes:
        return "no task was timed in both runs"
    counts = Counter(change.contrast.word for change in found.changes)
    told = ", ".join(f"{counts[word]} {said}" for word, said in ORDER.items() if counts[word])
    visible = sorted(change.contrast.detectable for change in found.changes)[len(found.changes) // 2]
    if not math.isfinite(visible):
        return f"{told}; one process tells nothing of others: take runs of more invocations"
    return f"{told}; half of them would have shown a slowdown of {formatting.digits(100 * (visible - 1))} %"


def _machines(cpus: Difference) -> str:
    return f"two machines: {_value(cpus.before)} and {_value(cpus.after)}"


def _difference(one: Difference) -> str:
    return f"{formatting.plain(one.field)}: {_value(one.before)} -> {_value(one.after)}"


def _value(value: Any) -> str:
    return "-" if value is None else formatting.plain(value if isinstance(value, str) else json.dumps(value))


# -- for a page ----------------------------------------------------------------------------------------


def markdown(found: Comparison, before: Run, after: Run) -> str:
    """To paste into a pull request: what differs, and what changed; one line where nothing did."""
    names = f"{formatting.escaped(str(before.folder))} and {formatting.escaped(str(after.folder))}"
    notes = [f"- {formatting.escaped(text)}" for text, _ in _notes(found)]
    changed: list[tuple[str, ...]] = [
        (turned.cell["key"], what, "", "", change, word, "")
        for turned in found.verdicts
        for what, change, word in _turns(turned)
    ]
    moved = _moved(found)
    changed += [(one.cell["key"], *_times(one)) for one in moved]
    if not (found.differences or changed or found.only_before or found.only_after):
        return f"No real change between {names}: {_count(found)}.\n"
    lines = [f"**{formatting.escaped(_machines(found.machines))}**", ""] if found.machines else []
    lines += [f"Between {names}:" if found.differences else f"Between {names} {NOTHING_DIFFERS}."]
    if found.differences:
        differing = [(one.field, _value(one.before), _value(one.after)) for one in found.differences]
        lines += ["", *_pasted(("differs", "before", "after"), differing, "lll")]
    if changed:
        lines += ["", *_pasted((*COLUMNS, "compared"), changed, "llrrrll")]
    lines += ["", *notes] if notes else []
    lines += ["", f"{_count(found)[0].upper()}{_count(found)[1:]}."]
    return "\n".join([*lines, "", LEGEND] if moved else lines) + "\n"


def _pasted(columns: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> list[str]:
    return formatting.table(columns, [[formatting.escaped(cell) for cell in row] for row in rows], align)
