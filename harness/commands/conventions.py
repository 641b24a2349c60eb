"""``samestep conventions``; what it needs is imported when it runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from harness.commands.options import DIFFERS, print_json, workshop
from harness.errors import SamestepError


@click.command()
@click.argument("questions", nargs=-1, metavar="[QUESTION]...")
@click.option("--python", "pythons", multiple=True, metavar="FRAMEWORK=PATH",
              help="Interpreter to ask a framework with.")  # fmt: skip
@click.option("--require", multiple=True, metavar="FRAMEWORK", help="Fail where this framework is missing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@click.option("--format", "form", type=click.Choice(["table", "markdown", "json"]), default="table",
              show_default=True, help="For a terminal, for a page, or like --json.")  # fmt: skip
def conventions(questions: Sequence[str], as_json: bool, form: str, **options: Any) -> None:
    """What the installed frameworks do differently, measured.

    QUESTION is a topic, a name or a text, with globs: gradients, relu, 'losses/label_*', '*nan*'. Two tables
    that --json made, here and there, are compared by `samestep compare`.
    """
    from rich.console import Console

    from harness.commands.interviews import asked
    from harness.conventions.questions import FRAMEWORKS
    from harness.report.conventions import failures, markdown, show

    catalog, shop = workshop({**options, "roots": (), "seed": 0})
    for name in (*options["require"], *shop.pythons):
        if name not in FRAMEWORKS:
            raise SamestepError(f"{name} is asked no questions; {', '.join(FRAMEWORKS)} are")
    document = asked(catalog, questions, shop.pythons)
    if as_json or form == "json":
        print_json(document)
    elif form == "markdown":
        click.echo(markdown(document), nl=False)
    else:
        show(document, Console(), links=bool(questions))
    gone = {name: document["frameworks"][name]["missing"] for name in options["require"]}
    told = [f"--require {name}: {reason}" for name, reason in gone.items() if reason]
    if failed := failures(document):
        told.append(f"{len(failed)} measurement{'s' * (len(failed) > 1)} failed")
    for line in told:
        click.echo(f"samestep: {line}", err=True)
    if told:
        sys.exit(DIFFERS)


def compare_files(before: Path, after: Path, as_json: bool, form: str) -> None:
    """Which answers changed between two tables that ``--json`` made."""
    from harness.commands.interviews import compared, lines, read

    found = compared(read(before), read(after))
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(lines(found, table=form == "markdown")))
    if found["changes"]:
        sys.exit(DIFFERS)
