"""``samestep``: the command line. A command, and what it needs, is imported when it is asked for."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import click

from samestep import __version__
from samestep.commands import streams
from samestep.errors import NotShown, SamestepError
from samestep.printable import printable

INTERRUPTED = 3  # 0 where all agree, 1 where something differs; 2, 3 where an error says so (samestep.errors)

#: Characters of an error: the lists of names in some take a part of that.
LONGEST = 4000

#: In the order of ``--help``, each with its line there: a module of this package, imported when it is used.
COMMANDS = {
    "list": "What there is: workloads, implementations, frameworks, devices.",
    "check": "Do they agree? Each cell against the float64 reference.",
    "bench": "Agreement, then time: isolated processes that take turns.",
    "run": "The main job: check and time the selection, then report.",
    "limits": "How large float32 errors are in a port file's reference.",
    "record": "A port file's reference in a file, to judge by elsewhere.",
    "replay": "Candidates against a record, or a failed test once more.",
    "report": "Tables, pictures and one page from the records of runs.",
    "compare": "What changed from the first run to the second, and is it real.",
    "ab": "Two git revisions, measured in the same rounds.",
    "versions": "What another release changes: numbers, conventions, speed.",
    "conventions": "What the installed frameworks do differently, measured.",
    "new": "A port file or a workload to start from, which passes.",
    "data": "MNIST and Fashion-MNIST: find, fetch and verify them.",
}


class Samestep(click.Group):
    """Loads commands when they are asked for, and turns errors into one line and the right exit code."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"samestep.commands.{name}")
        command: click.Command = module.command
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, *arguments: Any, **options: Any) -> Any:
        streams.prepare()
        try:
            try:
                return super().main(*arguments, **options)
            finally:
                sys.stdout.flush()
        except NotShown as error:  # also what --help says, before a command is invoked
            click.echo(f"samestep: {error}", err=True)
            sys.exit(error.exit_code)

    def invoke(self, context: click.Context) -> object:
        try:
            if not sys.platform.startswith("linux"):
                raise SamestepError("samestep runs on Linux (affinity, process groups); try a container")
            return super().invoke(context)
        except (NotShown, click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if context.params.get("debug"):
                raise
            told = str(error) if isinstance(error, SamestepError) else own_fault(error)
            click.echo(f"samestep: {shortened(printable(told))}", err=True)
            context.exit(getattr(error, "exit_code", SamestepError.exit_code))
        except KeyboardInterrupt:
            # Clears CPython's mark of an interrupt that met code run from a text, though it is handled here;
            # Python would end by SIGINT all the same: https://github.com/python/cpython/issues/128130
            exec("")
            click.echo("samestep: interrupted; what was recorded is kept", err=True)
            context.exit(INTERRUPTED)


def shortened(line: str) -> str:
    """Return a line without its middle where that is longer than anybody reads: a value of 5,000 digits."""
    return line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} … {line[-LONGEST // 2 :]}"


def own_fault(error: Exception) -> str:
    """Return the line on an error that no code foresaw: no cell disagrees. What the system refuses (a name
    that is too long, no folder for temporary files) is in its words; the rest is no fault of the user's."""
    import traceback  # in vain almost always

    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    if isinstance(error, OSError):
        what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
        return f"{what} ({place}); `samestep --debug` shows all of it"
    return (
        f"samestep itself failed: {type(error).__name__}: {error} ({place}); "
        f"`samestep --debug` shows all of it, please report that"
    )


@click.group(cls=Samestep, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="samestep")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def main(debug: bool) -> None:
    """The same network, the same step, in every framework: checked, then timed.

    SELECTOR is workload[:case][/implementation], with globs in each part:
    two_layer, 'two_layer:tiny/torch_*', '*/jax_*'.
    """
