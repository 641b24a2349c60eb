"""``samestep data``: find, fetch and verify the data sets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from samestep.data.exceptions import DataError, DataMissing
from samestep.data.find import find
from samestep.data.sets import SETS, data_set

if TYPE_CHECKING:
    from samestep.data.fetch import Report

NAME = click.Choice(list(SETS))
FETCHABLE = click.Choice([name for name, dataset in SETS.items() if dataset.mirrors])


@click.group("data")
def command() -> None:
    """MNIST and Fashion-MNIST: find, fetch and verify them.

    Searched, in this order: the folder that SAMESTEP_DATA names, samestep's cache
    (~/.cache/samestep), ./data, ~/data, TORCH_HOME, Keras's ~/.keras/datasets, /usr/share/datasets.
    """


@command.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True, type=FETCHABLE)
def fetch(names: tuple[str, ...]) -> None:
    """Download data sets into the cache, unless they are already here."""
    from samestep.data.fetch import ensure

    with errors_as_one_line():
        for name in names:
            with progress_bar() as report:
                place = ensure(data_set(name), report)
            click.echo(f"{name}: {place}")


@contextmanager
def progress_bar() -> Iterator[Report]:
    """Show a bar on standard error for each file that is downloaded."""
    from rich import progress

    from samestep.report.printable_console import PrintableConsole

    columns = ("{task.description}", progress.BarColumn(), progress.DownloadColumn())
    with progress.Progress(*columns, console=PrintableConsole(stderr=True)) as bars:
        tasks: dict[str, progress.TaskID] = {}

        def report(file: str, done: int, total: int) -> None:
            if file not in tasks:
                tasks[file] = bars.add_task(file, total=None)
            bars.update(tasks[file], completed=done, total=total or None)

        yield report


@command.command()
@click.argument("name", metavar="[NAME]", required=False, type=NAME)
def path(name: str | None) -> None:
    """Print where a data set is; without NAME, list them all."""
    with errors_as_one_line():
        if name:
            click.echo(find(data_set(name)))
        else:
            for each in SETS:
                click.echo(location_line(each))


def location_line(name: str) -> str:
    try:
        return f"{name}: {find(data_set(name))}"
    except DataMissing as error:
        return str(error)


@command.command()
@click.argument("name", metavar="[NAME]", required=False, type=NAME)
def verify(name: str | None) -> None:
    """Read a data set and verify its content; without NAME, every one that is here."""
    wrong = False
    for each in [name] if name else SETS:
        try:
            click.echo(verification_line(each))
        except DataError as error:
            click.echo(str(error), err=True)
            wrong = wrong or bool(name) or not isinstance(error, DataMissing)
    if wrong:
        raise SystemExit(1)


def verification_line(name: str) -> str:
    """Return a line on what a set holds. Raises `DataError` where a byte is wrong."""
    from samestep.data.read import read_set

    place = find(data_set(name))
    arrays = read_set(data_set(name), place)
    return f"{name}: {len(arrays['images'])} + {len(arrays['test_images'])} images, all right, in {place}"


@contextmanager
def errors_as_one_line() -> Iterator[None]:
    """Turn a `DataError` into one line on standard error and exit code 1."""
    try:
        yield
    except DataError as error:
        raise click.ClickException(str(error)) from error
