"""``samestep``: the command line. What a command needs is imported when it runs, not before."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from samestep import __version__
from samestep.commands.options import DIFFERS, emit, formatted, measured, selection, workshop
from samestep.errors import SamestepError

if TYPE_CHECKING:
    from samestep.catalog.selection import Cell, Options

INTERRUPTED = 3  # 0 where all agree, 1 where something differs; 2, 3 where an error says so (samestep.errors)


class Samestep(click.Group):
    """Turns errors into one line and the right exit code; some commands are loaded when asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        return [*super().list_commands(context), "conventions", "data"]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name == "data":
            from samestep.commands.data import data

            return data
        if name == "conventions":
            from samestep.commands.conventions import conventions

            return conventions
        return super().get_command(context, name)

    def invoke(self, context: click.Context) -> Any:
        debug = context.params.get("debug")
        try:
            if not sys.platform.startswith("linux"):
                raise SamestepError("samestep runs on Linux (affinity, process groups); try a container")
            return super().invoke(context)
        except SamestepError as error:
            if debug:
                raise
            click.echo(f"samestep: {error}", err=True)
            context.exit(error.exit_code)
        except KeyboardInterrupt:
            exec("")  # or Python ends by SIGINT all the same, where Ctrl-C met it as it ran code from a text
            click.echo("samestep: interrupted; what was recorded is kept", err=True)
            context.exit(INTERRUPTED)


@click.group(cls=Samestep, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="samestep")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def main(debug: bool) -> None:
    """The same network, the same step, in every framework: checked, then timed.

    SELECTOR is workload[:case][/implementation], with globs in each part:
    two_layer, 'two_layer:tiny/torch_*', '*/jax_*'.
    """


@main.command("list")
@selection
@click.option("--probe", is_flag=True, help="Start workers and ask the frameworks themselves.")
def list_(selectors: Sequence[str], form: str, probe: bool, **options: Any) -> None:
    """What there is: workloads, implementations, cases, frameworks, devices."""
    from samestep.commands.list import document, show

    asked = _Asked(selectors, options, default_dtypes=("float32",))
    listed = document(asked.workshop, selectors, asked.options, probe)
    if form == "table":
        show(asked.catalog, listed, rungs=bool(selectors))
    else:
        emit(form, listed, listed["implementations"])
    asked.require(options["require"])


@main.command()
@selection
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.py",
              help="Check only this file, as an implementation of the selected workload.")  # fmt: skip
@click.option("--explain", is_flag=True, help="Show what each tensor's limits are made of.")
@click.option("--matrix", is_flag=True, help="Show how far every two rungs are apart.")
@click.option("--trajectory", is_flag=True, help="Show how far a free run gets from the reference.")
def check(selectors: Sequence[str], file: Path | None, form: str, **options: Any) -> None:
    """Do they agree? Each cell against the float64 reference, with derived limits."""
    from samestep.commands.check import rows, run_checks

    asked = _Asked(selectors, options, default_dtypes=("float32", "float64"), default_threads=1, file=file)
    document = run_checks(asked.workshop, asked.cells, form != "table", options)
    if form != "table":
        emit(form, document, rows(document))
    asked.require(options["require"])
    verdicts = [cell["verdict"] for cell in document["cells"]]
    _exit_for(zip(asked.cells, verdicts, strict=True), options["require"])


@main.command()
@selection
@measured
def bench(selectors: Sequence[str], form: str, **options: Any) -> None:
    """Agreement, then time: interleaved turns of isolated processes."""
    asked = _Asked(selectors, options, default_dtypes=("float32",))
    _bench(asked, form, options, None)


@main.command()
@selection
@measured
@click.option("--resume", is_flag=False, flag_value="latest", metavar="[RUN]",
              help="Go on with a run (the latest without a name).")  # fmt: skip
def run(selectors: Sequence[str], form: str, resume: str | None, **options: Any) -> None:
    """The main job: check and time the selection on this machine, then report."""
    asked = _Asked(selectors, options, default_dtypes=("float32",))
    folder = _bench(asked, form, options, resume, leave=False)
    from samestep.commands.report import report as write
    from samestep.records.store import Run

    write([folder], draw=False)
    asked.require(options["require"])
    _exit_for_run(Run.open(folder), options["require"])


@main.command()
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path), metavar="[RUN]...")
@click.option("--out", type=click.Path(path_type=Path), default=None,
              help="Where the page of the named runs goes, a folder or a file; of runs together "
              "results/page.html, of one the run's folder. Without a RUN: where runs are kept  "
              "[default: results]")  # fmt: skip
def report(runs: Sequence[Path], out: Path | None) -> None:
    """Tables, pictures and one page from the records of runs (folders; the latest without one)."""
    from rich.console import Console

    from samestep.commands.report import report as write
    from samestep.report import terminal

    for one in write(runs, out):
        terminal.show(one, Console())


@main.command()
@click.argument("before", type=click.Path(path_type=Path), metavar="RUN")
@click.argument("after", type=click.Path(path_type=Path), metavar="RUN")
@formatted
def compare(before: Path, after: Path, form: str) -> None:
    """What changed from the first run to the second, and is it real. Exits 1 where something got worse.

    Two files of `samestep conventions --json` are compared as well. Exits 1 where an answer changed.
    """
    if before.is_file() and after.is_file():
        from samestep.commands.conventions import compare_files

        compare_files(before, after, form)
        return
    from rich.console import Console

    from samestep.commands.compare import compared, document, markdown, opened, rows, show

    runs = opened(before, after)
    found = compared(*runs)
    if form == "table":
        show(found, *runs, Console())
    elif form == "markdown":
        click.echo(markdown(found, *runs), nl=False)
    else:
        emit(form, document(found), rows(found))
    if found.worse:
        sys.exit(DIFFERS)


class _Asked:
    """The options of a command line, as what the rest of samestep takes."""

    def __init__(
        self,
        selectors: Sequence[str],
        options: dict[str, Any],
        default_dtypes: tuple[str, ...],
        default_threads: int | None = None,
        file: Path | None = None,
    ) -> None:
        self.selectors = tuple(selectors)
        self.catalog, self.workshop = workshop(options)
        self.options = _options(options, default_dtypes, default_threads)
        self.file = file
        if file is not None and (len(selectors) != 1 or not file.is_file()):
            what = "no such file" if not file.is_file() else "name the one workload that it implements"
            raise SamestepError(f"--file {file}: {what}, as in `samestep check two_layer --file {file}`")

    @property
    def cells(self) -> list[Cell]:
        from samestep.catalog.selection import select

        return select(self.catalog, self.selectors, self.options, self.file)

    def require(self, frameworks: Sequence[str]) -> None:
        """Exit 1 where a framework that must be there is not, whether the selection needs it or not."""
        for name in frameworks:
            reason = None if name in self.workshop.pythons else self.catalog.missing(name)
            if reason:
                click.echo(f"samestep: --require {name}: {reason}", err=True)
                sys.exit(DIFFERS)


def _options(
    options: dict[str, Any], default_dtypes: tuple[str, ...], default_threads: int | None
) -> Options:
    from samestep.catalog.selection import Options

    processors = len(os.sched_getaffinity(0))
    threads = options["threads"] or default_threads or processors
    if threads > processors:
        raise SamestepError(f"--threads {threads}: this process may use {processors} processors")
    return Options(
        dtypes=options["dtypes"] or default_dtypes,
        devices=options["devices"] or ("cpu",),
        matmul=options["matmul"],
        threads=threads,
        sweep=options.get("sweep"),
        shard=options.get("shard"),
    )


def _bench(asked: _Asked, form: str, options: dict[str, Any], resume: str | None, leave: bool = True) -> Path:
    from samestep.commands.bench import document, run_bench
    from samestep.records.store import Run
    from samestep.report import tables

    folder = run_bench(asked.workshop, asked.selectors, asked.options, options, resume, quiet=form != "table")
    if form == "csv":
        click.echo(tables.frame(Run.open(folder)).to_csv(index=False), nl=False)
    elif form == "markdown":
        click.echo(tables.markdown(Run.open(folder)), nl=False)
    elif form == "json":
        emit(form, document(Run.open(folder)))
    click.echo(f"the run is in {folder}", err=True)
    if leave:
        asked.require(options["require"])
        _exit_for_run(Run.open(folder), options["require"])
    return folder


def _exit_for_run(run: Any, required: Sequence[str]) -> None:
    from samestep.analysis.summary import summarize
    from samestep.catalog.selection import Cell

    names = Cell.__dataclass_fields__
    summaries = summarize(run.about, run.records())
    cells = [Cell(**{k: v for k, v in s.cell.items() if k in names}) for s in summaries]
    _exit_for(zip(cells, (s.verdict for s in summaries), strict=True), required)


def _exit_for(verdicts: Any, required: Sequence[str]) -> None:
    """0 where all that should have answered agree; 1 otherwise, also where nothing answered at all."""
    from samestep.workers.launcher import failed

    pairs = list(verdicts)
    silent = not any(verdict == "agree" for _, verdict in pairs)
    if silent or any(failed(cell, verdict, required) for cell, verdict in pairs):
        sys.exit(DIFFERS)
