"""The table of conventions, and what changed between two of them, for a terminal and as Markdown."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from samestep.report import formatting

Row = Mapping[str, Any]
Document = Mapping[str, Any]

DIFFER, AGREE, FAILED = "≠", "=", "!"
FAILURE = "failed: "
#: From here on an integer is easier to read as a power of two.
LARGE = 2**20
PIPE = "\\|"
LEGEND = f"{DIFFER} answers differ, {AGREE} they are the same to four digits, {FAILED} a measurement failed"
WORDS = (
    "a dash: the framework has nothing of the kind; raises: it refuses, with an error; "
    "none: there is no gradient, and the framework says so with None"
)
DECLARED = (
    "declared: what samestep's workloads say that each of their implementations does; "
    "answers that depart from it are bold"
)

HEADER = """# Conventions: what the frameworks do differently

Every answer is measured by `samestep conventions`, none is written down. This page is what
`samestep conventions --format markdown` prints; `tests/values/conventions.json` is the same with `--json`,
and a test compares it with what the frameworks of `constraints.txt` answer. Each question is a function
in each framework's own words, side by side in `harness/samestep/conventions/<topic>/`.
"""


def shown(value: Any) -> str:
    """An answer as the table has it: numbers to four digits, lists with blanks between."""
    if value is None:
        return "-"
    if isinstance(value, list):
        return " ".join(shown(item) for item in value)
    if isinstance(value, int) and abs(value) >= LARGE:
        return _power(value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _power(number: int) -> str:
    """A large integer as 2^n or 2^n - 1, where it is one of these."""
    sign, size = "-" if number < 0 else "", abs(number)
    bits = (size + 1).bit_length() - 1
    named = {2**bits: f"{sign}2^{bits}", 2**bits - 1: f"{sign}2^{bits}-1"}
    return named.get(size, str(number))


def mark(row: Row) -> str:
    if row["failed"]:
        return FAILED
    given = [value for value in (*row["answers"].values(), row["declared"]) if value is not None]
    if len(given) < 2:
        return ""
    return DIFFER if len({shown(value) for value in given}) > 1 else AGREE


def frameworks(document: Document) -> list[str]:
    """Those that could be asked."""
    return [name for name, about in document["frameworks"].items() if not about["missing"]]


def topics(document: Document) -> Iterator[tuple[str, str, list[Row]]]:
    """Title, note and rows of each topic that has any."""
    for name in dict.fromkeys(row["topic"] for row in document["rows"]):
        about = importlib.import_module(f"samestep.conventions.{name}")
        yield about.TITLE, about.NOTE, [row for row in document["rows"] if row["topic"] == name]


def versions(document: Document) -> str:
    found = document["frameworks"].items()
    told = [f"{name} {about['version']}" for name, about in found if about["version"]]
    return f"{', '.join(told)}; {document['processor']}"


def missing(document: Document) -> list[str]:
    found = document["frameworks"].items()
    return [f"{name}: {about['missing']}" for name, about in found if about["missing"]]


def failures(document: Document) -> list[str]:
    return [
        f"{name}, {row['name']}: {row['answers'][name].removeprefix(FAILURE)}"
        for row in document["rows"]
        for name in row["failed"]
    ]


# -- for a person --------------------------------------------------------------------------------------


def show(document: Document, console: Console, links: bool) -> None:
    """A table for each topic; ``links`` lists the documentation of each row below."""
    asked = frameworks(document)
    console.print(versions(document), highlight=False)
    for title, note, rows in topics(document):
        console.print(_table(title, rows, asked))
        console.print(note, style="dim", highlight=False)
        for row in rows if links else ():
            for name, link in row["links"].items():
                console.print(f"{escape(row['name'])}: {name} {link}", highlight=False, soft_wrap=True)
        console.print()
    console.print(LEGEND, style="dim", highlight=False)
    console.print(WORDS, style="dim", highlight=False)
    if any(row["declared"] is not None for row in document["rows"]):
        console.print(DECLARED, style="dim", highlight=False)
    for line in missing(document):
        console.print(escape(line), highlight=False)
    for line in failures(document):
        console.print(f"[bold red]failed[/] {escape(line)}", highlight=False)


def _table(title: str, rows: Sequence[Row], asked: Sequence[str]) -> Table:
    declares = any(row["declared"] is not None for row in rows)
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0)
    table.add_column("")
    table.add_column("question", overflow="fold", min_width=18)
    for name in (*asked, *(["declared"] if declares else [])):
        table.add_column(name, overflow="fold")
    for row in rows:
        declared = [_declared(row)] if declares else []
        cells = [_cell(row, name) for name in asked]
        sign, text = mark(row), escape(row["question"])
        linked = f"[link={row['link']}]{text}[/link]" if row["link"] else text
        table.add_row(sign, linked, *cells, *declared, style="dim" if sign == AGREE else "")
    return table


def _cell(row: Row, name: str) -> str:
    if name in row["failed"]:
        return "[bold red]failed[/]"
    text = escape(shown(row["answers"][name]))
    return f"[bold yellow]{text}[/]" if departs(row, name) else text


def _declared(row: Row) -> str:
    return "" if row["declared"] is None else shown(row["declared"])


def departs(row: Row, name: str) -> bool:
    """Whether the framework's answer is another than the declared one."""
    value = row["answers"][name]
    return None not in (value, row["declared"]) and shown(value) != shown(row["declared"])


# -- for a page ----------------------------------------------------------------------------------------


def rows(document: Document) -> list[dict[str, Any]]:
    """A row for each question, an answer in each framework's column."""
    return [
        {
            "name": row["name"], "question": row["question"],
            **{name: row["answers"].get(name) for name in frameworks(document)},
            "declared": row["declared"], "link": row["link"],
        }
        for row in document["rows"]
    ]  # fmt: skip


def markdown(document: Document) -> str:
    asked = frameworks(document)
    lines = [HEADER, f"Measured with {versions(document)}."]
    for text in (LEGEND, WORDS, DECLARED):
        lines += ["", f"{text[0].upper()}{text[1:]}."]
    for title, note, rows in topics(document):
        declares = any(row["declared"] is not None for row in rows)
        heads = ("", "question", *asked, *(["declared"] if declares else []), "documentation")
        told = [_told(row, asked, declares) for row in rows]
        lines += ["", f"## {title}", "", note, "", *formatting.table(heads, told, "l" * len(heads))]
    notes = [*missing(document), *(f"failed: {one}" for one in failures(document))]
    return "\n".join([*lines, *([""] if notes else []), *(f"- {note}" for note in notes)]) + "\n"


def _told(row: Row, asked: Sequence[str], declares: bool) -> list[str]:
    """A row of the Markdown table."""
    declared = [_declared(row)] if declares else []
    links = " ".join(f"[{name}]({link})" for name, link in row["links"].items())
    cells = [mark(row), f"`{row['question']}`", *(_bold(row, name) for name in asked), *declared, links]
    return [cell.replace("|", PIPE) for cell in cells]


def _bold(row: Row, name: str) -> str:
    if name in row["failed"]:
        return "failed"
    text = shown(row["answers"][name])
    return f"**{text}**" if departs(row, name) else text
