"""The code that a run measured, as far as it is still there."""

from __future__ import annotations

from collections.abc import Sequence

from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Cell
from samestep.catalog.identity import identity
from samestep.errors import SamestepError
from samestep.records.store import Run

#: The file that describes a workload, beside its implementations.
SPEC = "spec"


def sources_of(runs: Sequence[Run]) -> dict[str, str | None]:
    """Return the text of each ``workload/implementation`` and of its ``workload/spec``; None where the file
    is gone or has changed.

    Only of samestep's own workloads: a folder that a record names is not looked into. Where runs had
    different files of one name, none of them is returned.
    """
    found: dict[str, str | None] = {}
    catalog = Catalog()
    for run in runs:
        recorded = run.plan.sources or {}
        for cell in run.plan.cells:
            name = f"{cell.workload}/{cell.implementation}"
            text = _text(catalog, cell, recorded.get(name)) if cell.workload in catalog.workloads else None
            found[name] = text if found.get(name, text) == text else None
    # Where an implementation is the one that ran, its spec is too.
    for workload in {name.partition("/")[0] for name, text in found.items() if text is not None}:
        found[f"{workload}/{SPEC}"] = catalog.specification(workload).read_text(encoding="utf-8")
    return found


def _text(catalog: Catalog, cell: Cell, recorded: str | None) -> str | None:
    """Return the text of an implementation whose identity is the recorded one, else None."""
    try:
        path = catalog.implementation(cell.workload, cell.implementation).path
        same = identity(catalog, cell.workload, cell.implementation) == recorded
        return path.read_text(encoding="utf-8") if same else None
    except SamestepError:
        return None  # there is no such implementation any more
