"""What `samestep report` and `run` leave beside a run's records: tables, pictures, an export."""

from __future__ import annotations

import click

from harness.report import charts, pytest_benchmark, tables
from harness.store import Run


def write(run: Run) -> None:
    """Every file, named on standard error as it is written."""
    paths = tables.write(run) + pytest_benchmark.write(run)
    if charts.available():
        paths += charts.write(run)
    else:
        click.echo(f"samestep: {charts.MISSING}", err=True)
    for path in paths:
        click.echo(f"wrote {path}", err=True)
