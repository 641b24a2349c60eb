"""What changed between two tables of conventions, as text or as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from samestep.analysis.convention_diff import ConventionDiff
from samestep.conventions.answers import answer_text
from samestep.printable import printable
from samestep.report import formatting
from samestep.report.convention_tables import PIPE


def text_lines(diff: ConventionDiff) -> Iterator[str]:
    """Yield the lines of a difference for a terminal."""
    yield from _context_lines(diff, printable)
    for one in diff.changes:
        where = f"{printable(one.question)}, {printable(one.framework)}"
        before, after = (printable(answer_text(answer)) for answer in (one.before, one.after))
        yield f"{where}: {before} -> {after}"
    yield _count(diff)


def markdown_lines(diff: ConventionDiff) -> Iterator[str]:
    """Yield the lines of a difference in Markdown, the changed answers as a table."""
    yield from (f"- {line}" for line in _context_lines(diff, formatting.escaped))
    rows = [
        (_code(one.question), *map(formatting.escaped, _cells(one.framework, one.before, one.after)))
        for one in diff.changes
    ]
    if rows:
        yield from ("", *formatting.table(("question", "framework", "before", "after"), rows, "llll"))
    yield from ("", _count(diff))


def _context_lines(diff: ConventionDiff, clean: Callable[[str], str]) -> Iterator[str]:
    """What differs besides answers; ``clean`` makes a text harmless where it is printed."""
    for one in diff.differences:
        yield f"{clean(one.field)}: {clean(one.before or '-')} -> {clean(one.after or '-')}"
    for label, names in (("before", diff.only_before), ("after", diff.only_after)):
        yield from (f"only {label}: {clean(name)}" for name in names)


def _cells(framework: str, before: object, after: object) -> tuple[str, str, str]:
    return framework, answer_text(before), answer_text(after)


def _count(diff: ConventionDiff) -> str:
    count = len(diff.changes)
    return f"{count or 'no'} answer{'s' * (count > 1)} changed"


def _code(text: str) -> str:
    """Return the text as code in a cell of a Markdown table, which only a backtick or a bar could end."""
    return f"`{printable(text).replace('`', chr(39)).replace('|', PIPE)}`"
