"""A hash of the code that a cell runs: edited code never joins old numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Cell


def identity(catalog: Catalog, workload: str, implementation: str) -> str:
    """Return a hash of the spec, of an implementation, and of those that it is read after.

    Raises SamestepError where there is no such implementation any more.
    """
    rung = catalog.implementation(workload, implementation)
    siblings = {other.name: other for other in catalog.implementations(workload)}
    files = [catalog.specification(workload), rung.path]
    while rung.read_after in siblings and siblings[rung.read_after].path not in files:
        rung = siblings[rung.read_after]
        files.append(rung.path)
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]


def identities(catalog: Catalog, cells: Iterable[Cell]) -> dict[str, str]:
    """Return the identity of each ``workload/implementation`` of these cells."""
    return {
        f"{cell.workload}/{cell.implementation}": identity(catalog, cell.workload, cell.implementation)
        for cell in cells
    }
