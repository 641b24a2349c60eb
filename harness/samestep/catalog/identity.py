"""A hash of the code that a cell runs: edited code never joins old numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Cell
from samestep.catalog.own_files import OwnFiles
from samestep.catalog.roots import REFERENCE


def identity(catalog: Catalog, workload: str, implementation: str) -> str:
    """Return a hash of all files that an implementation and its verdict depend on: those of the spec, of the
    implementation, of those that it is read after and of the reference, with what each imports or names.

    Raises SamestepError where there is no such implementation any more.
    """
    files = code_files(catalog, workload, implementation)
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]


def code_files(catalog: Catalog, workload: str, implementation: str) -> list[Path]:
    """Return these files, each once. Raises as `identity` does."""
    rung = catalog.implementation(workload, implementation)
    siblings = {other.name: other for other in catalog.implementations(workload)}
    files = [catalog.specification(workload), rung.path]
    while rung.read_after in siblings and siblings[rung.read_after].path not in files:
        rung = siblings[rung.read_after]
        files.append(rung.path)
    if REFERENCE in siblings:
        files.append(siblings[REFERENCE].path)
    return _own_files(catalog, workload).of(files)


@cache
def _own_files(catalog: Catalog, workload: str) -> OwnFiles:
    return OwnFiles(catalog.roots.folders(workload), {"samestep", *catalog.adapters})


def edited(catalog: Catalog, cells: Iterable[Cell], before: Mapping[str, str]) -> list[str]:
    """Return each ``workload/implementation`` of these cells whose identity is not what it was ``before``.

    Raises as `identity` does.
    """
    now = identities(catalog, cells)
    return [name for name in {**before, **now} if now.get(name) != before.get(name)]


def identities(catalog: Catalog, cells: Iterable[Cell]) -> dict[str, str]:
    """Return the identity of each ``workload/implementation`` of these cells."""
    return {
        f"{cell.workload}/{cell.implementation}": identity(catalog, cell.workload, cell.implementation)
        for cell in cells
    }
