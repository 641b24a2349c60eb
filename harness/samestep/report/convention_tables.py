"""The table of conventions, for a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from samestep.codec import encode
from samestep.conventions.answers import answer_text
from samestep.conventions.ask import topic
from samestep.conventions.ports.pitfall import PORT_TOPICS
from samestep.records.convention_document import FAILURE, ConventionRow, ConventionTable, FrameworkState
from samestep.report import formatting, pitfall_cards

DIFFER, AGREE, FAILED = "≠", "=", "!"
PIPE = "\\|"
LEGEND = f"{DIFFER} answers differ, {AGREE} they are the same to four digits, {FAILED} a measurement failed"
WORDS = (
    "a dash: the framework has no such function; raises: it raises an error; "
    "none: there is no gradient, and the framework returns None"
)
DECLARED = (
    "declared: what the specs of samestep's workloads require of every implementation; "
    "answers that depart from it are bold"
)

HEADER = """# Conventions: what the frameworks do differently

Where a port differs, `samestep conventions conv transpose`, or any words of what you see, finds the row.
First comes [what ports meet](#what-ports-meet), with the code that matches, then [tables](#gradients) of
answers to single questions.

Every answer is measured by `samestep conventions`, none is written by hand. This page is the output of
`samestep conventions --format markdown`; `tests/values/conventions.json` is the same with `--json`, and a
test compares it with what the frameworks of `constraints.txt` answer. Each question is a function in each
framework's own words, side by side in `harness/samestep/conventions/<topic>/` and in `ports/<topic>/` there.
"""


def mark(row: ConventionRow) -> str:
    """Return the sign of a row: whether its answers and the declared one differ, agree, or one failed.

    "" where fewer than two are given.
    """
    if row.failed:
        return FAILED
    given = [value for value in (*row.answers.values(), row.declared) if value is not None]
    if len(given) < 2:
        return ""
    return DIFFER if len({answer_text(value) for value in given}) > 1 else AGREE


def departs(row: ConventionRow, framework: str) -> bool:
    """Return whether the framework's answer is another than the declared one."""
    value = row.answers[framework]
    return None not in (value, row.declared) and answer_text(value) != answer_text(row.declared)


def topics(table: ConventionTable) -> Iterator[tuple[str, str, list[ConventionRow]]]:
    """Yield title, note and rows of each topic that has any."""
    for name in dict.fromkeys(row.topic for row in table.rows):
        about = topic(name)
        yield about.TITLE, about.NOTE, [row for row in table.rows if row.topic == name]


def versions(table: ConventionTable) -> str:
    """Return the frameworks with their versions and the processor, in one line."""
    found = [
        f"{name} {state.version}{_and(state)}" for name, state in table.frameworks.items() if state.version
    ]
    return f"{', '.join(found)}; {table.processor}"


def _and(state: FrameworkState) -> str:
    libraries = ", ".join(f"{name} {version}" for name, version in state.libraries.items())
    return f" ({libraries})" if libraries else ""


def missing(table: ConventionTable) -> list[str]:
    """Return a line for each framework that is missing, with the reason."""
    return [f"{name}: {state.missing}" for name, state in table.frameworks.items() if state.missing]


def failures(table: ConventionTable) -> list[str]:
    """Return a line for each measurement that failed, with its error."""
    return [
        f"{name}, {row.name}: {str(row.answers[name]).removeprefix(FAILURE)}"
        for row in table.rows
        for name in row.failed
    ]


def _declares(rows: Sequence[ConventionRow]) -> bool:
    return any(row.declared is not None for row in rows)


def _declared_text(row: ConventionRow) -> str:
    return "" if row.declared is None else answer_text(row.declared)


# -- for a person --------------------------------------------------------------------------------------


def show(table: ConventionTable, console: Console, links: bool) -> None:
    """Print a table for each topic; ``links`` lists the documentation of each row below, and makes a card of
    what ports meet."""
    console.print(versions(table), highlight=False)
    for card in pitfall_cards.cards(table) if links else ():
        pitfall_cards.show_card(card, console)
    for title, note, rows in topics(table):
        if links and rows[0].topic in PORT_TOPICS:
            continue
        console.print(_terminal_table(title, rows, table.installed))
        console.print(note, style="dim", highlight=False)
        for row in rows if links else ():
            for name, link in row.links.items():
                console.print(f"{escape(row.name)}: {name} {link}", highlight=False, soft_wrap=True)
        console.print()
    if not links or any(row.topic not in PORT_TOPICS for row in table.rows):
        console.print(LEGEND, style="dim", highlight=False)
        console.print(WORDS, style="dim", highlight=False)
    if _declares(table.rows):
        console.print(DECLARED, style="dim", highlight=False)
    for line in missing(table):
        console.print(escape(line), highlight=False)
    for line in failures(table):
        console.print(f"[bold red]failed[/] {escape(line)}", highlight=False)


def _terminal_table(title: str, rows: Sequence[ConventionRow], frameworks: Sequence[str]) -> Table:
    declares = _declares(rows)
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0)
    table.add_column("")
    table.add_column("question", overflow="fold", min_width=18)
    for name in (*frameworks, *(["declared"] if declares else [])):
        table.add_column(name, overflow="fold")
    for row in rows:
        declared = [_declared_text(row)] if declares else []
        cells = [_terminal_cell(row, name) for name in frameworks]
        sign, text = mark(row), escape(row.question)
        linked = f"[link={row.link}]{text}[/link]" if row.link else text
        table.add_row(sign, linked, *cells, *declared, style="dim" if sign == AGREE else "")
    return table


def _terminal_cell(row: ConventionRow, name: str) -> str:
    if name in row.failed:
        return "[bold red]failed[/]"
    text = escape(answer_text(row.answers[name]))
    return f"[bold yellow]{text}[/]" if departs(row, name) else text


# -- for a page ----------------------------------------------------------------------------------------


def rows(table: ConventionTable) -> list[dict[str, object]]:
    """Return a row for each question, with an answer in each framework's column, for CSV."""
    return [
        {
            "name": row.name, "question": row.question,
            **{name: encode(row.answers.get(name)) for name in table.installed},
            "declared": encode(row.declared), "link": row.link,
        }
        for row in table.rows
    ]  # fmt: skip


def markdown(table: ConventionTable) -> str:
    """Return the page docs/conventions.md."""
    lines = [HEADER, f"Measured with {versions(table)}."]
    for text in (LEGEND, WORDS, DECLARED):
        lines += ["", f"{text[0].upper()}{text[1:]}."]
    lines += _port_lines(table)
    for title, note, rows in topics(table):
        if rows[0].topic in PORT_TOPICS:
            continue
        declares = _declares(rows)
        heads = ("", "question", *table.installed, *(["declared"] if declares else []), "documentation")
        cells = [_markdown_row(row, table.installed, declares) for row in rows]
        lines += ["", f"## {title}", "", note, "", *formatting.table(heads, cells, "l" * len(heads))]
    notes = [*missing(table), *(f"failed: {one}" for one in failures(table))]
    return "\n".join([*lines, *([""] if notes else []), *(f"- {note}" for note in notes)]) + "\n"


def _port_lines(table: ConventionTable) -> list[str]:
    """What ports meet: contents, and a card each, by topic."""
    made = pitfall_cards.cards(table)
    if not made:
        return []
    lines = ["", "## What ports meet", "", pitfall_cards.EXPLAINED, "", *pitfall_cards.contents(made)]
    for title, note, rows in topics(table):
        if rows[0].topic in PORT_TOPICS:
            lines += ["", f"## {title}", "", note, ""]
            lines += [
                line for one in made if one.topic == rows[0].topic for line in pitfall_cards.card_lines(one)
            ]
    return lines


def _markdown_row(row: ConventionRow, frameworks: Sequence[str], declares: bool) -> list[str]:
    declared = [_declared_text(row)] if declares else []
    links = " ".join(f"[{name}]({link})" for name, link in row.links.items())
    answers = [_markdown_cell(row, name) for name in frameworks]
    cells = [mark(row), f"`{row.question}`", *answers, *declared, links]
    return [cell.replace("|", PIPE) for cell in cells]


def _markdown_cell(row: ConventionRow, name: str) -> str:
    if name in row.failed:
        return "failed"
    text = answer_text(row.answers[name])
    return f"**{text}**" if departs(row, name) else text
