"""What several commands share: their options, and what follows from them."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from samestep.errors import SamestepError

if TYPE_CHECKING:
    from samestep.catalog.catalog import Catalog
    from samestep.records.validated import LeftOut
    from samestep.workers.launcher import Workshop

#: Of what was left out, so many lines are said.
LINES = 10

DIFFERS = 1  # the exit code where something differs, or is not there and should be

Command = Callable[..., Any]


def selection(command: Command) -> Command:
    """The options that every command with a selection has."""
    decorators = [
        click.argument("selectors", nargs=-1, metavar="[SELECTOR]..."),
        click.option("--device", "devices", multiple=True, type=click.Choice(["cpu", "gpu"]),
                     help="Where to compute (default: cpu); may be given twice."),
        click.option("--dtype", "dtypes", multiple=True, type=click.Choice(["float32", "float64"]),
                     help="In which precision; may be given twice."),
        click.option("--threads", type=click.IntRange(1), help="Threads (default: all; check: 1)."),
        click.option("--matmul", type=click.Choice(["float32", "tf32"]), default="float32", show_default=True,
                     help="Precision of float32 matrix products on a GPU."),
        click.option("--python", "pythons", multiple=True, metavar="FRAMEWORK=PATH",
                     help="Interpreter to run a framework's workers with."),
        click.option("--require", multiple=True, metavar="FRAMEWORK",
                     help="Fail where this framework is missing."),
        click.option("--impls", "roots", multiple=True, type=click.Path(path_type=Path), metavar="DIR",
                     help="A further folder of workloads and rungs."),
        click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
                     help="Seed of all inputs and of the order of turns."),
    ]  # fmt: skip
    command = formatted(command)
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


def formatted(command: Command) -> Command:
    """In which form a command answers on standard output; it is given the one that was asked for."""

    @functools.wraps(command)
    def asked(*given: Any, as_json: bool, form: str | None, **options: Any) -> Any:
        if as_json and form not in (None, "json"):
            raise SamestepError(f"--json and --format {form}: ask for one of them")
        return command(*given, form="json" if as_json else form or "table", **options)

    choice = click.Choice(["table", "json", "csv", "markdown"])
    asked = click.option("--format", "form", type=choice, help="In which form to answer (default: table).")(
        asked
    )
    return click.option("--json", "as_json", is_flag=True, help="The same as --format json.")(asked)


def measured(command: Command) -> Command:
    """The options of commands that write a run."""
    decorators = [
        click.option("--profile", type=click.Choice(["quick", "full"]), default="quick", show_default=True,
                     help="How much to measure."),
        click.option("--invocations", type=click.IntRange(1), help="Fresh processes for each cell."),
        click.option("--width", type=click.FloatRange(0, min_open=True), metavar="PART",
                     help="Go on until every ratio's 95 % interval is this narrow (0.02: 2 %)."),
        click.option("--budget", type=click.FloatRange(0, min_open=True), metavar="SECONDS",
                     help="Go on until so many seconds are used."),
        click.option("--sweep", metavar="SIZE=FROM:TO",
                     help="Each case at these sizes, 4 times as large each (or FROM:TO:FACTOR, or 1,8,64)."),
        click.option("--shard", metavar="I/N", help="Only the I-th of N parts of the selection."),
        click.option("--out", type=click.Path(path_type=Path), default=Path("results"), show_default=True,
                     help="Where runs are kept."),
    ]  # fmt: skip
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


def workshop(options: dict[str, Any]) -> tuple[Catalog, Workshop]:
    """What ``--impls``, ``--python``, ``--require`` and ``--seed`` ask for."""
    from samestep.catalog.catalog import Catalog
    from samestep.workers.launcher import Workshop

    catalog = Catalog(options["roots"])
    pythons = {}
    for text in options["pythons"]:
        framework, equals, path = text.partition("=")
        if not equals or framework not in catalog.adapters:
            known = ", ".join(sorted(catalog.adapters))
            raise SamestepError(f"--python {text}: write FRAMEWORK=PATH, with one of {known}")
        pythons[framework] = path
    unknown = [name for name in options["require"] if name not in catalog.adapters]
    if unknown:
        known = ", ".join(sorted(catalog.adapters))
        raise SamestepError(f"--require {unknown[0]}: no such framework; there are {known}")
    return catalog, Workshop(catalog, options["roots"], pythons, options["seed"])


def emit(form: str, document: dict[str, Any], rows: Sequence[dict[str, Any]] = ()) -> None:
    """The document as JSON, or its rows as CSV or Markdown, on standard output."""
    from samestep.records.store import finite

    if form == "json":
        click.echo(json.dumps(finite(document), indent=2))
    else:
        from samestep.report.rows import written

        click.echo(written(rows, form), nl=False)


def say_left_out(found: Sequence[LeftOut]) -> None:
    """Name on standard error what could not be read."""
    from samestep.report import formatting

    for one in found[:LINES]:
        click.echo(f"samestep: {formatting.plain(f'{one.folder}/{one.why}')}", err=True)
    if found[LINES:]:
        click.echo(f"samestep: {len(found[LINES:])} more are left out", err=True)
