"""What `samestep compare` says: first what differs, then what changed; for a person, a page, a program."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.comparison import Change, Comparison, Difference, Side, Turned, compare
from harness.errors import SamestepError
from harness.report import words
from harness.store import Run

CELL = ("workload", "implementation", "case", "dtype", "device")
COLUMNS = ("implementation", "before", "after", "change", "", "compared")
STYLES = {"faster": "bold green", "slower": "bold red", "unclear": "dim"}
ORDER = ("slower", "faster", "tie", "unclear")

NOTHING_DIFFERS = "nothing differs in machine, options, environment, versions and sources"
LEGEND = (
    "change: time after over time before, above 1 is slower, in parentheses its 95 % interval. to baseline: "
    "of the ratio to the baseline of the same run, without what the machine did to both; absolutely: by the "
    "clock, with it."
)


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
        "worse": turned.worse,
    }


# -- for a person --------------------------------------------------------------------------------------


def show(found: Comparison, before: Run, after: Run, console: Console) -> None:
    """What differs, a table for each group and task, what answers differently; the count last."""

    def say(text: str, style: str | None = None) -> None:
        console.print(escape(text), style=style, highlight=False)

    if found.machines:
        say(_machines(found.machines), "bold")
    say(words.plain(f"before: {before.folder}"))
    say(words.plain(f"after:  {after.folder}"))
    for one in found.differences:
        say(f"  {_difference(one)}")
    if not found.differences:
        say(NOTHING_DIFFERS)
    for title, changes in _groups(found.changes):
        console.print(_table(title, changes))
    if found.changes:
        say(LEGEND, "dim")
    for text, worse in _notes(found):
        say(text, "bold red" if worse else None)
    say(_count(found), "bold")


def _table(title: str, changes: Sequence[Change]) -> Table:
    table = Table(title=escape(title), title_justify="left", box=SIMPLE_HEAD, padding=0)
    for column in COLUMNS:
        number = column in ("before", "after", "change")
        table.add_column(
            column, justify="right" if number else "left", no_wrap=column != "implementation", overflow="fold"
        )
    for change in changes:
        cells = (escape(words.plain(text)) for text in _row(change))
        table.add_row(*cells, style=STYLES.get(change.contrast.word))
    return table


def _row(change: Change) -> tuple[str, ...]:
    return (
        change.cell["implementation"],
        words.seconds(change.before),
        words.seconds(change.after),
        words.interval(change.contrast, places=3),
        change.contrast.word,
        "absolutely" if change.absolutely else "to baseline",
    )


def _groups(changes: Sequence[Change]) -> list[tuple[str, list[Change]]]:
    found: dict[str, list[Change]] = {}
    for change in changes:
        cell, unit = change.cell, "a step" if change.a_step else "a call"
        group = f"{cell['workload']}:{cell['case']}, {cell['dtype']}, {cell['device']}"
        found.setdefault(words.plain(f"{group}: {change.task}, {unit}"), []).append(change)
    return list(found.items())


# -- in words ------------------------------------------------------------------------------------------


def _notes(found: Comparison) -> Iterator[tuple[str, bool]]:
    """What the tables do not say, each with whether it is bad news."""
    reasons = [change.absolutely for change in found.changes if change.absolutely and not change.baseline]
    for reason, times in Counter(reasons).items():
        yield words.plain(f"{times} compared absolutely: {reason}"), False
    for change in found.changes:
        word = change.contrast.word
        if change.baseline and word in ("faster", "slower"):
            cell, task = change.cell["key"], change.task
            cause = f"the machine, or {change.cell['framework']}"
            if change.absolutely != "it is the baseline":
                cause = f"{cause}; {change.absolutely}"
            yield words.plain(f"the baseline {cell} is {word} in {task}: {cause}"), word == "slower"
    for turned in found.verdicts:
        yield words.plain(f"{turned.cell['key']}: {_turn(turned)}"), turned.worse
    for name, keys in (("before", found.only_before), ("after", found.only_after)):
        for key in keys:
            yield words.plain(f"only {name}: {key}"), False


def _turn(turned: Turned) -> str:
    parts = [f"{turned.before} -> {turned.after}"] if turned.before != turned.after else []
    if None not in turned.precision and turned.precision[0] != turned.precision[1]:
        parts.append("computed in {}, now in {}".format(*turned.precision))
    return "; ".join(parts) + (f": {turned.reason}" if turned.reason else "")


def _count(found: Comparison) -> str:
    """How many of each word, and what could have been seen."""
    if not found.changes:
        return "no task was timed in both runs"
    counts = Counter(change.contrast.word for change in found.changes)
    told = ", ".join(f"{counts[word]} {word}" for word in ORDER if counts[word])
    visible = sorted(change.contrast.detectable for change in found.changes)[len(found.changes) // 2]
    if not math.isfinite(visible):
        return f"{told}; one process tells nothing of others: take runs of more invocations"
    return f"{told}; half of them would have shown a slowdown of {words.digits(100 * (visible - 1))} %"


def _machines(cpus: Difference) -> str:
    return f"two machines: {_value(cpus.before)} and {_value(cpus.after)}"


def _difference(one: Difference) -> str:
    return f"{words.plain(one.field)}: {_value(one.before)} -> {_value(one.after)}"


def _value(value: Any) -> str:
    return "-" if value is None else words.plain(value if isinstance(value, str) else json.dumps(value))


# -- for a page ----------------------------------------------------------------------------------------


def markdown(found: Comparison, before: Run, after: Run) -> str:
    """To paste into a pull request: what differs, and what changed; one line where nothing did."""
    names = f"{words.escaped(str(before.folder))} and {words.escaped(str(after.folder))}"
    moved = [change for change in found.changes if change.contrast.word in ("slower", "faster")]
    notes = [f"- {words.escaped(text)}" for text, _ in _notes(found)]
    if not (found.differences or moved or found.verdicts or found.only_before or found.only_after):
        return f"Nothing changed between {names}: {_count(found)}.\n"
    lines = [f"**{words.escaped(_machines(found.machines))}**", ""] if found.machines else []
    lines += [f"Between {names}:" if found.differences else f"Between {names} {NOTHING_DIFFERS}."]
    if found.differences:
        lines += ["", "| differs | before | after |", "|---|---|---|"]
    for one in found.differences:
        lines.append(_line(words.plain(one.field), _value(one.before), _value(one.after)))
    if moved:
        heads = ("cell", "task", *COLUMNS[1:])
        lines += ["", f"| {' | '.join(heads)} |", "|---|---|--:|--:|--:|---|---|"]
    for change in moved:
        lines.append(_line(change.cell["key"], change.task, *_row(change)[1:]))
    lines += ["", *notes] if notes else []
    lines += ["", f"{_count(found)[0].upper()}{_count(found)[1:]}."]
    return "\n".join([*lines, "", LEGEND] if moved else lines) + "\n"


def _line(*cells: str) -> str:
    return "| " + " | ".join(words.escaped(cell) for cell in cells) + " |"
