"""What a port meets, one card each: how it is seen, why, who is how far off, and the code that matches."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import indent

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from samestep.conventions.answers import answer_text
from samestep.conventions.ports.pitfall import AGREES, MATCHED, Pitfall, pitfalls
from samestep.conventions.ports.written import functions
from samestep.records.convention_document import ConventionRow, ConventionTable
from samestep.report import formatting

FOLDER = "../harness/samestep/conventions/ports"
EXPLAINED = (
    "Each has a formula in NumPy, and in every framework a function as it is written first, by the defaults, "
    "and one that matches. All are measured on the same random arrays: *agrees* is within the limits of "
    "rounding that samestep derives for the formula, *times 0.5* one factor whatever the arrays are, and a "
    "percentage the Euclidean norm of the difference over that of the formula's result, on these arrays: on "
    "yours it is another. The code is the one that was measured; imports and small helpers stand at the top "
    "of its file. `x` is in PyTorch's layout, and so is what comes back."
)


@dataclass(frozen=True)
class Card:
    """A pitfall with its two rows; ``matched`` is None where no framework needs another function."""

    key: str
    pitfall: Pitfall
    default: ConventionRow
    matched: ConventionRow | None

    @property
    def topic(self) -> str:
        """The folder that it comes from."""
        return self.key.partition("/")[0]

    def frameworks(self) -> list[str]:
        """Return the frameworks that have it."""
        return [name for name, value in self.default.answers.items() if value is not None]

    def answer(self, framework: str, matched: bool) -> str:
        """Return how near a framework's function is, in words; "" where there is none."""
        row = self.matched if matched else self.default
        value = row.answers.get(framework) if row else None
        return "" if value is None else answer_text(value)

    def blocks(self) -> Iterator[tuple[str, str]]:
        """Yield the formula and each framework's code that agrees with it, with a heading."""
        name = self.pitfall.name
        yield "numpy, the formula", functions(self.topic, "numpy")[name]
        for framework in self.frameworks():
            first = self.answer(framework, False) == AGREES
            heading = f"{framework}, as it is by default" if first else f"{framework}, matched"
            written = functions(self.topic, framework)
            yield heading, written.get(name if first else name + MATCHED, written[name])


def cards(table: ConventionTable) -> list[Card]:
    """Return the pitfalls of a table, in its order."""
    rows: Mapping[str, ConventionRow] = {row.name: row for row in table.rows}
    about = pitfalls()
    return [Card(key, about[key], row, rows.get(key + MATCHED)) for key, row in rows.items() if key in about]


def show_card(card: Card, console: Console) -> None:
    """Print a card for a terminal."""
    one = card.pitfall
    console.print(f"[bold]{escape(one.title)}[/]  {card.key}", highlight=False)
    for text in (
        f"seen as: {'; '.join(one.symptoms)}",
        one.cause,
        f"the formula is {one.formula}",
        *_said(one),
    ):
        console.print(Padding(escape(text), (0, 0, 0, 2)), highlight=False)
    for framework in card.frameworks():
        first, second = card.answer(framework, False), card.answer(framework, True)
        matched = f"; matched: {second}" if second else ""
        console.print(Padding(escape(f"{framework}: {first}{matched}"), (0, 0, 0, 4)), highlight=False)
    for heading, code in card.blocks():
        console.print(f"\n  # {heading}", style="dim", highlight=False)
        console.print(escape(indent(code, "  ")), highlight=False, soft_wrap=True)
    for framework, link in one.links.items():
        console.print(f"  {framework} {link}", highlight=False, soft_wrap=True)
    console.print()


def _said(one: Pitfall) -> list[str]:
    return [f"samestep.compare says: {one.said}"] if one.said else []


def card_lines(card: Card) -> list[str]:
    """Return a card as lines of Markdown."""
    one, names = card.pitfall, card.frameworks()
    rows = [
        ["by default", *(card.answer(name, False) for name in names)],
        ["matched", *(card.answer(name, True) for name in names)],
    ]
    code = "\n\n\n".join(f"# {heading}\n{text}" for heading, text in card.blocks())
    links = [f"[{name}]({link})" for name, link in one.links.items()]
    return [
        f"### {one.title}", "",
        f"Seen as: {'; '.join(one.symptoms)}.", "", one.cause, "",
        f"The formula is {one.formula}. `samestep conventions {one.name}`", "",
        *(line for said in _said(one) for line in (f"{said}.", "")),
        *formatting.table(("", *names), rows, "l" * (len(names) + 1)), "",
        "```python", code, "```", "",
        " ".join([f"[code]({FOLDER}/{card.topic})", *links]), "",
    ]  # fmt: skip


def contents(made: list[Card]) -> list[str]:
    """Return a line for each card, with a link to its heading."""
    return [f"- [{one.pitfall.title}](#{anchor(one.pitfall.title)})" for one in made]


def anchor(title: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
