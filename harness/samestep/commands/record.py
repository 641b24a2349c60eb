"""``samestep record``: the reference of a port file in a file, to be judged by where its framework is not."""

from __future__ import annotations

from pathlib import Path

import click

from samestep.commands.limits import the_reference
from samestep.commands.options import Selection, emit, selection
from samestep.errors import SamestepError
from samestep.printable import printable
from samestep.workers.process import NoAnswer


@click.command("record")
@selection(dtypes=("float32",), threads=1)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="The file to write (default: the port file's name with .npz).")  # fmt: skip
def command(asked: Selection, form: str, output: Path | None) -> None:
    """A port file's reference in a file, to judge by elsewhere.

    `samestep replay` reads it. One file without code: inputs, weights, exact values, and how far rounding
    scatters each of them.
    """
    cell, launcher = the_reference(asked, "record"), asked.launcher
    if missing := launcher.missing(cell):
        raise SamestepError(str(missing.reason))
    path = output or Path(f"{cell.workload}.npz")
    try:
        launcher.record_reference(cell, path.absolute())
    except NoAnswer as failed:
        raise SamestepError(f"{cell.implementation}: {failed.verdict.reason}") from failed
    size = path.stat().st_size
    if form == "table":
        click.echo(printable(f"{path}: {cell.implementation} of {cell.workload}, {size / 1e6:.3g} MB"))
    else:
        row = {"reference": cell.implementation, "file": str(path), "bytes": size}
        emit(form, row, [row])
