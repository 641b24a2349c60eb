"""``samestep conventions``; what it needs is imported when it runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from samestep.commands.options import DIFFERS, emit, formatted, workshop
from samestep.errors import SamestepError


@click.command()
@click.argument("questions", nargs=-1, metavar="[QUESTION]...")
@click.option("--python", "pythons", multiple=True, metavar="FRAMEWORK=PATH",
              help="Interpreter to ask a framework with.")  # fmt: skip
@click.option("--require", multiple=True, metavar="FRAMEWORK", help="Fail where this framework is missing.")
@formatted
def conventions(questions: Sequence[str], form: str, **options: Any) -> None:
    """What the installed frameworks do differently, measured.

    QUESTION is a topic, a name or a text, with globs: gradients, relu, 'losses/label_*', '*nan*'. Two tables
    that --json made, here and there, are compared by `samestep compare`.
    """
    from rich.console import Console

    from samestep.commands.interviews import asked
    from samestep.conventions.questions import FRAMEWORKS
    from samestep.report.convention_tables import failures, markdown, rows, show

    catalog, shop = workshop({**options, "roots": (), "seed": 0})
    for name in (*options["require"], *shop.pythons):
        if name not in FRAMEWORKS:
            raise SamestepError(f"{name} is asked no questions; {', '.join(FRAMEWORKS)} are")
    document = asked(catalog, questions, shop.pythons)
    if form == "markdown":
        click.echo(markdown(document), nl=False)
    elif form == "table":
        show(document, Console(), links=bool(questions))
    else:
        emit(form, document, rows(document))
    gone = {name: document["frameworks"][name]["missing"] for name in options["require"]}
    told = [f"--require {name}: {reason}" for name, reason in gone.items() if reason]
    if failed := failures(document):
        told.append(f"{len(failed)} measurement{'s' * (len(failed) > 1)} failed")
    for line in told:
        click.echo(f"samestep: {line}", err=True)
    if told:
        sys.exit(DIFFERS)


def compare_files(before: Path, after: Path, form: str) -> None:
    """Which answers changed between two tables that ``--json`` made."""
    from samestep.commands.interviews import compared, lines, read

    found = compared(read(before), read(after))
    if form in ("table", "markdown"):
        click.echo("\n".join(lines(found, table=form == "markdown")))
    else:
        emit(form, found, found["changes"])
    if found["changes"]:
        sys.exit(DIFFERS)
