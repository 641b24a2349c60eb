"""``samestep limits``: how large the errors of correct float32 code are in the reference of a port file."""

from __future__ import annotations

import click

from samestep.catalog.cell import Cell
from samestep.commands.options import Selection, emit, selection
from samestep.errors import SamestepError
from samestep.printable import printable
from samestep.workers.process import NoAnswer


@click.command("limits")
@selection(dtypes=("float32",), threads=1)
@click.option("--replicas", type=click.IntRange(8, 1000), default=24, show_default=True,
              help="Noisy runs of the reference that sigma is estimated from.")  # fmt: skip
def command(asked: Selection, form: str, replicas: int) -> None:
    """How large float32 errors are in a port file's reference.

    Is 1e-3 normal here? For each tensor sigma, the typical error, and the absolute tolerance that a test
    needs at least.
    """
    cell, launcher = the_reference(asked, "limits"), asked.launcher
    if missing := launcher.missing(cell):
        raise SamestepError(str(missing.reason))
    try:
        found = launcher.limits(cell, replicas)
    except NoAnswer as failed:
        raise SamestepError(f"{cell.implementation}: {failed.verdict.reason}") from failed
    if form == "table":
        click.echo("\n".join(map(printable, found.text.split("\n"))))
    else:
        emit(form, {"reference": cell.implementation, "limits": found.rows}, found.rows)


def the_reference(asked: Selection, command: str) -> Cell:
    """Return the reference of the one port file that was named. Raises SamestepError for anything else."""
    name = asked.selectors[0].partition("/")[0] if len(asked.selectors) == 1 else ""
    if not asked.catalog.is_port(name):
        raise SamestepError(f"name one port file, as in `samestep {command} my_port.py`")
    (cell,) = asked.cells([f"{name}/{asked.catalog.spec(name).baseline}"])
    return cell
