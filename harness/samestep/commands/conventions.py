"""``samestep conventions``; what it needs is imported when it runs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from samestep.commands.options import DIFFERS, emit, formatted, interpreters
from samestep.commands.streams import write
from samestep.errors import SamestepError
from samestep.printable import printable

if TYPE_CHECKING:
    from samestep.catalog.catalog import Catalog
    from samestep.records.convention_document import ConventionTable


@click.command("conventions")
@click.argument("questions", nargs=-1, metavar="[QUESTION]...")
@click.option("--python", "pythons", multiple=True, metavar="FRAMEWORK=PATH",
              help="Interpreter to ask a framework with.")  # fmt: skip
@click.option("--require", multiple=True, metavar="FRAMEWORK", help="Fail where this framework is missing.")
@formatted
def command(questions: Sequence[str], form: str, pythons: Sequence[str], require: Sequence[str]) -> None:
    """What the installed frameworks do differently, measured. How a port matches stands beside it.

    QUESTION is a topic, a name or a text, with globs: gradients, relu, 'losses/label_*', '*nan*'. Otherwise
    it is words of what you see: conv transpose, gru bias, loss constant factor. Two tables that --json made,
    here and there, are compared by `samestep compare`.
    """
    from samestep.catalog.catalog import Catalog
    from samestep.conventions.questions import FRAMEWORKS
    from samestep.report.convention_tables import markdown, rows, show
    from samestep.report.printable_console import PrintableConsole

    catalog = Catalog()
    chosen = interpreters(catalog, pythons)
    for name in (*require, *chosen):
        if name not in FRAMEWORKS:
            raise SamestepError(
                f"{name} is not surveyed for conventions; choose from {', '.join(FRAMEWORKS)}"
            )
    table = survey_table(catalog, chosen, questions)
    if form == "markdown":
        write(markdown(table))
    elif form == "table":
        show(table, PrintableConsole(), links=bool(questions))
    else:
        emit(form, table, rows(table))
    problems = find_problems(table, require)
    for line in problems:
        click.echo(printable(f"samestep: {line}"), err=True)
    if problems:
        sys.exit(DIFFERS)


def find_problems(table: ConventionTable, require: Sequence[str]) -> list[str]:
    """Return a line for each required framework that is missing, and one on failed measurements."""
    from samestep.report.convention_tables import failures

    reasons = {name: table.frameworks[name].missing for name in require}
    problems = [f"--require {name}: {reason}" for name, reason in reasons.items() if reason]
    if failed := failures(table):
        problems.append(f"{len(failed)} measurement{'s' * (len(failed) > 1)} failed")
    return problems


def survey_table(catalog: Catalog, pythons: Mapping[str, str], asked: Sequence[str]) -> ConventionTable:
    """Return the answers to the questions that match, with a progress bar on standard error meanwhile."""
    from samestep import paths
    from samestep.commands.shown_progress import count_progress
    from samestep.jobs.convention_table import make_table, select_questions
    from samestep.jobs.survey import Survey
    from samestep.report.printable_console import PrintableConsole

    selected = select_questions(asked)
    if selected.left_over:
        nothing = f"nothing here speaks of {', '.join(selected.left_over)}"
        click.echo(printable(f"samestep: {nothing}; this is what speaks of the rest"), err=True)
    cache = paths.home() / "compilers"
    survey = Survey(catalog, list(selected.questions), pythons, cache, on_result=lambda key: None)
    with count_progress(PrintableConsole(stderr=True), "asking", survey.expected_results) as done:
        return make_table(replace(survey, on_result=done), selected.questions)


def compare_files(before: Path, after: Path, form: str) -> None:
    """Print which answers changed between two tables that ``--json`` made; exit with 1 where any did."""
    from samestep.analysis.convention_diff import diff_tables
    from samestep.codec import encode
    from samestep.records.convention_document import read_table
    from samestep.report.convention_changes import markdown_lines, text_lines

    diff = diff_tables(read_table(before), read_table(after))
    if form in ("table", "markdown"):
        click.echo("\n".join((markdown_lines if form == "markdown" else text_lines)(diff)))
    else:
        emit(form, diff, [encode(change) for change in diff.changes])
    if diff.changes:
        sys.exit(DIFFERS)
