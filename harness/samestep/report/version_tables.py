"""What changed between two releases, as text and as rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from samestep.analysis.version_changes import BEYOND, ONE_ONLY, UNKNOWN, SpeedChange, VersionChange
from samestep.conventions.answers import answer_text
from samestep.printable import printable
from samestep.report import formatting

#: The columns of a row, and those of the three tables.
COLUMNS = ("kind", "framework", "what", "before", "after", "change")
TABLES = ("numbers", "speed", "convention")

STYLES = {
    "slower": "bold red",
    "faster": "bold green",
    BEYOND: "bold red",
    ONE_ONLY: "bold red",
    UNKNOWN: "bold",
}

TIMES = (
    "speed: the time of a call, or of a step where a call makes many; change is after over before, above 1 "
    "is slower, with its 95 % interval; only slower and faster are beyond the noise"
)


def show(changes: Sequence[VersionChange], console: Console) -> None:
    """Print for each pair of environments what is installed otherwise, and a table of what changed."""
    for one in changes:
        heading = escape(printable(f"{one.before} -> {one.after}"))
        console.print(f"[bold]{heading}[/]", highlight=False)
        for name, (before, after) in one.packages.items():
            console.print(f"  {escape(name)}: {before or '-'} -> {after or '-'}", highlight=False)
        for kind in TABLES:
            if found := [row for row in rows([one]) if row["kind"] == kind]:
                console.print(_table(kind, found))
        if any(speed.contrast for speed in one.speeds):
            console.print(TIMES, style="dim", highlight=False)
        console.print(f"{summary(one)}\n", style="bold", highlight=False, soft_wrap=True)


def _table(kind: str, found: Sequence[Mapping[str, str]]) -> Table:
    frameworks = dict.fromkeys(row["framework"] for row in found)
    columns = COLUMNS[1 if len(frameworks) > 1 else 2 : -1 if kind == "convention" else None]
    table = Table(
        title=f"{kind}, {next(iter(frameworks))}" if len(frameworks) == 1 else kind,
        title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False,
    )  # fmt: skip
    for column in columns:
        table.add_column(column, no_wrap=column == "framework", overflow="fold")
    for row in found:
        style = next((style for word, style in STYLES.items() if word in row["change"]), None)
        table.add_row(*(escape(printable(row[column])) for column in columns), style=style)
    return table


def rows(changes: Sequence[VersionChange]) -> list[dict[str, str]]:
    """Return a row for each implementation, each task that was timed and each changed answer."""
    return [
        {"from": one.before, "to": one.after, **dict(zip(COLUMNS, cells, strict=True))}
        for one in changes
        for cells in _rows(one)
    ]


def _rows(one: VersionChange) -> Iterator[tuple[str, ...]]:
    for number in one.numbers:
        change = f"{number.changed}: {number.detail}" if number.detail else number.changed
        yield "numbers", number.framework, number.name, number.before, number.after, change
    for speed in one.speeds:
        times = formatting.seconds(speed.before), formatting.seconds(speed.after)
        yield "speed", speed.framework, f"{speed.name} {speed.task}".strip(), *times, _change(speed)
    for answer in one.conventions.changes:
        texts = answer_text(answer.before), answer_text(answer.after)
        yield "convention", answer.framework, answer.question, *texts, "another answer"


def _change(speed: SpeedChange) -> str:
    if speed.contrast is None or not speed.contrast.known:
        return f"{_word(speed)}: {speed.reason}" if speed.reason else _word(speed)
    return f"{formatting.interval(speed.contrast, places=3)} {_word(speed)}"


def _word(speed: SpeedChange) -> str:
    """Return what may be said of a change: that noise rules, where it does."""
    if speed.contrast is None:
        return "not timed"
    return speed.contrast.word if speed.contrast.known else formatting.UNKNOWN


def summary(one: VersionChange) -> str:
    """Return one line on the numbers, the conventions and the speed of a pair."""
    numbers = _counts(number.changed for number in one.numbers) or "nothing was checked"
    answers = len(one.conventions.changes)
    speeds = _counts(map(_word, one.speeds))
    return (
        f"numbers: {numbers}; conventions: {answers or 'no'} answer{'s' * (answers != 1)} changed; "
        f"speed: {speeds or 'not measured'}"
    )


def _counts(words: Iterator[str]) -> str:
    return ", ".join(f"{count} {word}" for word, count in Counter(words).items())
