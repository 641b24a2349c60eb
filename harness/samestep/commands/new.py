"""``samestep new``: a port file to start from, or a folder with a workload; each passes as it stands."""

from __future__ import annotations

import importlib.util
import shlex
from pathlib import Path

import click

from samestep.catalog.roots import IMPLS, WORKLOAD_NAME, written
from samestep.errors import SamestepError
from samestep.ports.catalogs import is_port

#: The files of a new workload, without their ending; @NAME@ in them is its name.
TEMPLATES = Path(__file__).parent / "new_workload"

#: The parts of a new port file.
PARTS = Path(__file__).parent / "new_port"

#: How frameworks are called in a sentence.
NAMES = {"torch": "PyTorch", "jax": "JAX", "numpy": "NumPy"}


@click.command("new")
@click.argument("path", type=click.Path(path_type=Path), metavar="NAME")
@click.option("--workload", is_flag=True, help="A folder with a workload of one's own.")
def command(path: Path, workload: bool) -> None:
    """A port file or a workload to start from, which passes.

    my_port.py has a small network and its ports, in the frameworks that are installed. With --workload
    NAME/NAME gets one: a spec that explains each of its fields, the NumPy reference, and an implementation in
    each framework.
    """
    if workload:
        for file in write_workload(path):
            click.echo(written(file.resolve()))
        click.echo(f"next: samestep check --impls {shlex.quote(str(path))}", err=True)
        return
    write_port(path)
    click.echo(written(path.resolve()))
    click.echo(f"next: samestep check {shlex.quote(str(path))}", err=True)


def write_port(path: Path) -> None:
    """Write a port file for what is installed. Raises SamestepError where the name is not one for it, is
    taken, or cannot be written."""
    if not is_port(path):
        other = f"for a folder with a workload: samestep new {path} --workload"
        raise SamestepError(f"{path}: a port file ends in .py, as in `samestep new my_port.py`; {other}")
    if not WORKLOAD_NAME.fullmatch(path.stem):
        raise SamestepError(f"{path.name!r} is not a name for a port file: use letters, digits, _ and -")
    if (IMPLS / path.stem / "spec.py").is_file():
        raise SamestepError(f"{path.stem} is one of samestep's own workloads: choose another name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(_port_text(path))
    except FileExistsError as error:
        raise SamestepError(f"{written(path)} exists already: choose another name") from error
    except OSError as error:
        raise SamestepError(f"{path} cannot be written: {error.strerror}") from error


def _port_text(path: Path) -> str:
    there = [name for name in ("torch", "jax", "numpy") if importlib.util.find_spec(name)]
    reference, *others = there
    ports = others or ["numpy"]
    names = " and ".join(f"to {NAMES[name]}" for name in ports)
    several = "its ports" if len(ports) > 1 else "its port"
    parts = ["head", f"reference_{reference}", *(f"candidate_{name}" for name in ports), "tail"]
    head, *functions = ((PARTS / f"{part}.txt").read_text(encoding="utf-8") for part in parts)
    title = f"A small network in {NAMES[reference]}, and {several} {names}."
    head = head.replace("@TITLE@", title).replace("@FILE@", path.name)
    return head.rstrip() + "\n\n\n" + "\n\n".join(functions)


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
