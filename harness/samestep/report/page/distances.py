"""How far the implementations of a group differ from each other, pair by pair."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from samestep.agreement.findings import Distance
from samestep.records.plan import Plan
from samestep.records.schema import CellDistance, Record

#: More tables are too many for a page.
TABLES = 40


@dataclass
class DistanceTable:
    """The distances of one group of cells, by the names of two implementations."""

    run: str
    workload: str
    case: str
    dtype: str
    device: str
    names: list[str] = field(default_factory=list)
    distances: dict[tuple[str, str], Distance] = field(default_factory=dict)


def distance_tables(run: str, plan: Plan, records: Iterable[Record]) -> list[DistanceTable]:
    """Return one table for each group of cells of which pairs were compared, without A/A copies."""
    cells = {key: cell for key, cell in plan.by_key().items() if not cell.aa_copy}
    ladder = list(dict.fromkeys(cell.implementation for cell in cells.values()))
    groups: dict[tuple[str, str, str, str], DistanceTable] = {}
    for record in records:
        if not isinstance(record, CellDistance) or record.cell not in cells or record.other not in cells:
            continue
        one, other = cells[record.cell], cells[record.other]
        of = (one.workload, one.case, one.dtype, one.device)
        table = groups.setdefault(of, DistanceTable(run, *of))
        pair = (one.implementation, other.implementation)
        table.names = sorted({*table.names, *pair}, key=ladder.index)
        table.distances[pair] = table.distances[pair[::-1]] = record.distance
    return list(groups.values())[:TABLES]
