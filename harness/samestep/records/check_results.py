"""What `samestep check` found, and its JSON documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from samestep.agreement.findings import Distance, FreeRun
from samestep.agreement.verdict import Verdict
from samestep.catalog.cell import Cell
from samestep.codec import encode

#: The fields of a cell that each document begins with.
CELL = ("workload", "implementation", "case", "dtype", "device")


@dataclass(frozen=True)
class PortResult:
    """A result of `samestep.compare`: as it prints itself, with all that is known, and as a document."""

    text: str
    explained: str
    document: Mapping[str, object]


@dataclass(frozen=True)
class CheckResult:
    """The verdict of a cell, and the free run beside the reference where one was asked for and made; of a
    port file's candidate the result of its comparison."""

    cell: Cell
    verdict: Verdict
    free_run: FreeRun | None = None
    port: PortResult | None = None


@dataclass(frozen=True)
class CellPair:
    """Two cells, and how far their first steps are from each other."""

    a: Cell
    b: Cell
    distance: Distance


def to_json(result: CheckResult) -> dict[str, object]:
    """Return the document of a result: its cell, the fields of its verdict, its free run, and of a port
    file's candidate the ``result`` of its comparison."""
    document = {**_cell(result.cell), **encode(result.verdict)}
    if result.port is not None:
        document["result"] = result.port.document
    return document if result.free_run is None else {**document, "trajectory": encode(result.free_run)}


def to_row(result: CheckResult) -> dict[str, object]:
    """Return the row of a result in a table of verdicts."""
    return {**_cell(result.cell), "verdict": result.verdict.verdict, "reason": result.verdict.reason}


def pair_to_json(pair: CellPair) -> dict[str, object]:
    """Return the document of a pair: the keys of its cells, and the fields of their distance."""
    return {"a": pair.a.key, "b": pair.b.key, **encode(pair.distance)}


def _cell(cell: Cell) -> dict[str, object]:
    return {name: getattr(cell, name) for name in CELL}
