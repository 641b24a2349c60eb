"""Options that several commands share, and the objects that they are turned into."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Cell, Options
from samestep.catalog.ladder import remarks
from samestep.commands.streams import write
from samestep.errors import SamestepError
from samestep.field_checks import MOST, MOST_REPEATS, amount
from samestep.ports.catalogs import catalog_of
from samestep.ports.words import words_of
from samestep.printable import printable

if TYPE_CHECKING:
    from samestep.records.validated import LeftOut
    from samestep.workers.launcher import Launcher

#: How many lines name what was left out.
LINES = 10

#: The exit code where something disagrees, or is not there and should be.
DIFFERS = 1

#: The function of a command: Click passes its options by name, with whatever types they have.
Command = Callable[..., Any]


def selection(dtypes: tuple[str, ...], threads: int | None = None) -> Callable[[Command], Command]:
    """Add the options that every command with a selection has; it is given the `Selection` as ``asked``.

    ``dtypes`` and ``threads`` are the defaults of the command, None for all processors.
    """
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
                     help="A further folder of workloads and implementations."),
        click.option("--seed", type=click.IntRange(0, MOST - 1), default=0, show_default=True,
                     help="Seed of all inputs and of the order of turns."),
    ]  # fmt: skip

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def with_selection(**options: Any) -> Any:
            return command(asked=_selection(dtypes, threads, options), **options)

        return _decorated(formatted(with_selection), decorators)

    return decorate


def _selection(dtypes: tuple[str, ...], threads: int | None, options: dict[str, Any]) -> Selection:
    """Take the options of a selection out of those of a command. Raises SamestepError for what cannot be
    had."""
    selectors, file = options.pop("selectors"), options.pop("file", None)
    if file is not None and (len(selectors) != 1 or not file.is_file()):
        what = "no such file" if not file.is_file() else "name the one workload that it implements"
        raise SamestepError(f"--file {file}: {what}, as in `samestep check two_layer --file {file}`")
    words, required = words_of(selectors, options.pop("roots")), options.pop("require")
    if words.has_ports:
        _refuse_with_ports(file, options)
    catalog = catalog_of(words.roots)
    _check_known(catalog, required)
    return Selection(
        catalog=catalog,
        selectors=words.selectors,
        options=Options(
            dtypes=options.pop("dtypes") or dtypes,
            devices=options.pop("devices") or ("cpu",),
            matmul=options.pop("matmul"),
            threads=_threads(options.pop("threads"), threads),
            sweep=options.pop("sweep", None),
            shard=options.pop("shard", None),
        ),
        pythons=interpreters(catalog, options.pop("pythons")),
        required=required,
        roots=words.roots,
        seed=options.pop("seed"),
        file=file,
    )


def _refuse_with_ports(file: Path | None, options: Mapping[str, Any]) -> None:
    """Raise SamestepError for what means nothing where models are the user's own."""
    wrong = {
        "--file": file is not None,
        "--dtype float64": "float64" in options["dtypes"],
        "--device gpu": "gpu" in options["devices"],
    }
    for option, asked in wrong.items():
        if asked:
            raise SamestepError(f"{option} is for workloads of a folder: leave it out with a port file")


def measured(command: Command) -> Command:
    """Add the options of commands that write a run; how much to measure is given as ``profile``."""
    decorators = [
        click.option("--profile", type=click.Choice(["quick", "full"]), default="quick", show_default=True,
                     help="How much to measure."),
        click.option("--invocations", type=click.IntRange(1, MOST_REPEATS),
                     help="Fresh processes for each cell."),
        click.option("--until", "--width", "width", type=float, callback=_amount, metavar="PART",
                     help="Go on until every ratio's 95 % interval is this narrow (0.05: 5 %)."),
        click.option("--budget", type=float, callback=_amount, metavar="SECONDS",
                     help="Go on until this many seconds are used."),
        click.option("--sweep", metavar="SIZE=FROM:TO",
                     help="Each case at these sizes, 4 times as large each (or FROM:TO:FACTOR, or 1,8,64)."),
        click.option("--shard", metavar="I/N", help="Only the I-th of N parts of the selection."),
        click.option("--out", type=click.Path(path_type=Path), default=Path("results"), show_default=True,
                     help="Where runs are kept."),
    ]  # fmt: skip

    @functools.wraps(command)
    def with_profile(
        profile: str, invocations: int | None, width: float | None, budget: float | None, **options: Any
    ) -> Any:
        from samestep.jobs.planning import PROFILES, room

        found = PROFILES[profile]
        count = invocations or found.invocations
        amount = replace(found, invocations=count, width=width, budget=budget, alive=room())
        return command(profile=amount, **options)

    return _decorated(with_profile, decorators)


def formatted(command: Command) -> Command:
    """Add the form in which a command answers on standard output; it is given as ``form``."""

    @functools.wraps(command)
    def with_form(as_json: bool, form: str | None, **options: Any) -> Any:
        if as_json and form not in (None, "json"):
            raise SamestepError(f"--json and --format {form}: ask for one of them")
        return command(form="json" if as_json else form or "table", **options)

    choice = click.Choice(["table", "json", "csv", "markdown"])
    decorators = [
        click.option("--json", "as_json", is_flag=True, help="The same as --format json."),
        click.option("--format", "form", type=choice, help="In which form to answer (default: table)."),
    ]
    return _decorated(with_form, decorators)


def sorted_rows(command: Command) -> Command:
    """Add the order of a table's rows; it is given as ``order``."""
    from samestep.report.row_order import FASTEST, ORDERS

    return click.option(
        "--sort", "order", type=click.Choice([*ORDERS]), default=FASTEST, show_default=True,
        help="Which implementation stands first in a table.",
    )(command)  # fmt: skip


def _amount(context: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    if value is None or amount(value):
        return value
    raise click.BadParameter(f"{value} is not a finite number above 0")


def _decorated(command: Command, decorators: Sequence[Callable[[Command], Command]]) -> Command:
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


@dataclass(frozen=True)
class Selection:
    """The selection of a command line: what to examine, and with which interpreters and folders."""

    catalog: Catalog
    selectors: tuple[str, ...]
    options: Options
    pythons: Mapping[str, str]
    required: tuple[str, ...]
    roots: tuple[Path, ...]
    seed: int
    file: Path | None = None

    @cached_property
    def launcher(self) -> Launcher:
        """The launcher of the selection's workers."""
        from samestep.workers.launcher import Launcher

        return Launcher(self.catalog, self.roots, self.pythons, self.seed)

    def cells(self, selectors: Sequence[str]) -> list[Cell]:
        """Return the cells of these selectors, without those whose files cannot be used, which are named on
        standard error. Raises SamestepError where none is left."""
        from samestep.catalog.inputs import with_sound_inputs
        from samestep.catalog.selection import select

        cells = select(self.catalog, selectors, self.options, self.file)
        cells = with_sound_inputs(self.catalog, cells, self.seed)
        self.tell((cell.workload, cell.implementation) for cell in cells)
        return cells

    def tell(self, selected: Iterable[tuple[str, str]]) -> None:
        """Name on standard error what is left out, and the files that are not what their names say."""
        for name, error in self.catalog.left_out.items():
            click.echo(printable(f"samestep: {error}; {name} is left out"), err=True)
        for workload, name in dict.fromkeys(selected):
            for line in remarks(self.catalog.implementation(workload, name, self.file)):
                click.echo(printable(f"samestep: {line}"), err=True)

    def require(self) -> None:
        """Exit 2 where a selected file could not be used, and 1 where a framework that must be there is not,
        whether the selection needs it or not."""
        if self.catalog.left_out:
            sys.exit(SamestepError.exit_code)
        for name in self.required:
            reason = None if name in self.pythons else self.catalog.missing(name)
            if reason:
                click.echo(f"samestep: --require {name}: {reason}", err=True)
                sys.exit(DIFFERS)


def interpreters(catalog: Catalog, texts: Iterable[str]) -> dict[str, str]:
    """Return the interpreter of each framework that ``--python FRAMEWORK=PATH`` names.

    Raises SamestepError for one that cannot run the workers of its framework.
    """
    pythons = {}
    for text in texts:
        framework, equals, path = text.partition("=")
        if not equals or framework not in catalog.adapters:
            known = ", ".join(sorted(catalog.adapters))
            raise SamestepError(f"--python {text}: write FRAMEWORK=PATH, with one of {known}")
        from samestep.workers.interpreters import check_interpreter

        try:
            needed = {name: catalog.distributions(name)[0] for name in catalog.modules(framework)}
            check_interpreter(path, needed)
        except SamestepError as error:
            raise SamestepError(f"--python {text}: {error}") from error
        pythons[framework] = path
    return pythons


def _check_known(catalog: Catalog, required: Sequence[str]) -> None:
    for name in required:
        if name not in catalog.adapters:
            known = ", ".join(sorted(catalog.adapters))
            raise SamestepError(f"--require {name}: no such framework; there are {known}")


def _threads(asked: int | None, default: int | None) -> int:
    processors = len(os.sched_getaffinity(0))
    threads = asked or default or processors
    if threads > processors:
        raise SamestepError(f"--threads {threads}: this process may use {processors} processors")
    return threads


def emit(form: str, document: object, rows: Sequence[Mapping[str, object]] = ()) -> None:
    """Write the document as JSON, or its rows as CSV or Markdown, on standard output."""
    from samestep.codec import encode

    if form == "json":
        click.echo(json.dumps(encode(document), indent=2))
    else:
        from samestep.report.rows import rows_as_text

        write(rows_as_text(rows, form))


def exit_for(verdicts: Iterable[tuple[Cell, str]], required: Sequence[str]) -> None:
    """Exit 0 where all that should have answered agree; 1 otherwise, also where nothing answered at all."""
    from samestep.jobs.check import failed

    pairs = list(verdicts)
    silent = not any(verdict == "agree" for _, verdict in pairs)
    if silent or any(failed(cell, verdict, required) for cell, verdict in pairs):
        sys.exit(DIFFERS)


def warn_left_out(found: Sequence[LeftOut]) -> None:
    """Name on standard error what could not be read."""
    for one in found[:LINES]:
        click.echo(f"samestep: {printable(f'{one.folder}/{one.why}')}", err=True)
    if found[LINES:]:
        click.echo(f"samestep: {len(found[LINES:])} more are left out", err=True)
