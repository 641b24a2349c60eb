"""``samestep new``: a folder to start from, with a workload that passes as it stands."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from samestep.catalog.roots import IMPLS, WORKLOAD_NAME, written
from samestep.errors import SamestepError

#: The files of a new workload, without their ending; @NAME@ in them is its name.
TEMPLATES = Path(__file__).parent / "new_workload"


@click.command("new")
@click.argument("folder", type=click.Path(path_type=Path), metavar="NAME")
@click.option("--workload", is_flag=True, required=True, help="A folder with a workload of one's own.")
def command(folder: Path, workload: bool) -> None:
    """A folder to start from, with a workload that passes.

    NAME/NAME gets a small network: a spec that explains each of its fields, the NumPy reference, and an
    implementation in each framework.
    """
    for path in write_workload(folder):
        click.echo(written(path.resolve()))
    click.echo(f"next: samestep check --impls {shlex.quote(str(folder))}", err=True)


def write_workload(folder: Path) -> list[Path]:
    """Write a workload of the folder's name into it, and return its files. Raises SamestepError where that is
    not a name, is taken, or cannot be written."""
    name = folder.resolve().name
    if not WORKLOAD_NAME.fullmatch(name):
        raise SamestepError(f"{name!r} is not a name for a workload: use letters, digits, _ and -")
    if (IMPLS / name / "spec.py").is_file():
        raise SamestepError(f"{name} is one of samestep's own workloads: choose another name")
    if (folder / name).exists():
        raise SamestepError(f"{written((folder / name).resolve())} exists already: choose another name")
    try:
        (folder / name).mkdir(parents=True)
        return [_write(template, folder / name, name) for template in sorted(TEMPLATES.glob("*.txt"))]
    except OSError as error:
        raise SamestepError(f"{folder} cannot be written: {error.strerror}") from error


def _write(template: Path, folder: Path, name: str) -> Path:
    path = folder / f"{template.stem}.py"
    path.write_text(template.read_text(encoding="utf-8").replace("@NAME@", name), encoding="utf-8")
    return path
