"""Do they agree: the matrix of verdicts, what each rests on, rung against rung, and the failures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from samestep.agreement.verdict import AGREE, Divergence
from samestep.analysis.summary import CellSummary
from samestep.records.store import Record

#: A page of more is no page: of the cells those that do not agree are kept.
CELLS, GROUPS, FAILURES = 1500, 40, 100

#: Characters of a reason and of the end of a worker's standard error that are shown.
REASON, STDERR = 1000, 2000
#: Of a reason in the dialog, which any cell may have.
SHORT = 300

MARKS = {AGREE: "✓", "disagree": "✗", "unavailable": "–"}

Tensor = tuple[str, float, float]


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix; ``tensors`` are (name, worst element, limit) in sigma, nearest first."""

    run: str
    about: Mapping[str, Any]
    verdict: str
    reason: str
    stderr: str
    divergence: str
    tensors: tuple[Tensor, ...]

    @property
    def column(self) -> tuple[str, str, str, str]:
        return (self.about["workload"], self.about["case"], self.about["dtype"], self.about["device"])

    @property
    def mark(self) -> str:
        return MARKS.get(self.verdict, "!")

    def document(self) -> dict[str, Any]:
        """What the page's dialog shows."""
        return {
            "name": f"{self.about['workload']}:{self.about['case']}/{self.about['implementation']}",
            "where": f"{self.about['dtype']} on the {self.about['device']}, {self.run}",
            "verdict": self.verdict, "reason": self.reason[:SHORT], "divergence": self.divergence,
            "tensors": self.tensors,
        }  # fmt: skip


@dataclass
class Matrix:
    """The verdicts of one run: implementation x (workload, case, dtype, device)."""

    run: str
    columns: list[tuple[str, str, str, str]] = field(default_factory=list)
    rows: dict[tuple[str, str], dict[tuple[str, str, str, str], int]] = field(default_factory=dict)


@dataclass
class Distances:
    """How far the rungs of one group are apart: root mean square of the difference in sigma, by two names;
    "=" where all bits are the same."""

    run: str
    workload: str
    case: str
    dtype: str
    device: str
    names: list[str] = field(default_factory=list)
    apart: dict[tuple[str, str], str] = field(default_factory=dict)


def cells(run: str, summaries: Sequence[CellSummary], records: Iterable[Record]) -> list[Cell]:
    """In the order of the plan; of very many those that do not agree, and of the others the first."""
    tensors: dict[str, tuple[Tensor, ...]] = {}
    for record in records:
        if record["kind"] == "verdict" and record.get("tensors"):
            tensors.setdefault(record["cell"], _nearest(record["tensors"]))
    worst = sorted(range(len(summaries)), key=lambda number: summaries[number].verdict == AGREE)
    kept = [summaries[number] for number in sorted(worst[:CELLS])]
    return [
        Cell(
            run, one.cell, one.verdict, (one.reason or "")[:REASON], (one.stderr or "")[-STDERR:],
            _place(one.first_divergence), tensors.get(one.cell["key"], ()),
        )
        for one in kept
    ]  # fmt: skip


def _nearest(tensors: Mapping[str, Any], many: int = 6) -> tuple[Tensor, ...]:
    """Those whose worst element is nearest to its limit."""
    found = [
        (name, round(float(seen["elements"]), 3), round(float(seen["elements_limit"]), 1))
        for name, seen in tensors.items()
        if isinstance(seen, Mapping)
    ]
    return tuple(sorted(found, key=lambda one: -one[1] / one[2] if one[2] else 0.0)[:many])


def _place(divergence: Mapping[str, Any] | None) -> str:
    """The first divergence in a sentence, in sigma where the test is one of sigmas."""
    if divergence is None:
        return ""
    place = divergence.get("index")
    told: list[Any] = [divergence.get(name) for name in ("got", "expected", "error", "limit")]
    got, expected, error, limit = (None if None in told else float(value) for value in told)
    first = Divergence(
        divergence["step"], divergence["task"], divergence["tensor"], tuple(place) if place else None,
        got, expected, error, limit, divergence["test"],
    )  # fmt: skip
    return str(first)


def matrix(run: str, found: Sequence[Cell], first: int) -> Matrix:
    """The numbers of the cells, from ``first`` on, at their place: columns and rows in the order of the
    plan, the rungs of a framework together."""
    table = Matrix(run)
    for number, cell in enumerate(found, start=first):
        if cell.column not in table.columns:
            table.columns.append(cell.column)
        name = (str(cell.about["framework"]), str(cell.about["implementation"]))
        table.rows.setdefault(name, {})[cell.column] = number
    order = list(dict.fromkeys(framework for framework, _ in table.rows))
    table.rows = {name: table.rows[name] for name in sorted(table.rows, key=lambda one: order.index(one[0]))}
    return table


def distances(run: str, about: Mapping[str, Any], records: Iterable[Record]) -> list[Distances]:
    """One table for each group of cells of which pairs were compared; second names are left out."""
    plan = {cell["key"]: cell for cell in about["cells"] if not cell.get("twin")}
    ladder = list(dict.fromkeys(str(cell["implementation"]) for cell in plan.values()))
    groups: dict[tuple[str, str, str, str], Distances] = {}
    for record in records:
        if record["kind"] != "distance" or record["cell"] not in plan or record["other"] not in plan:
            continue
        one, other = plan[record["cell"]], plan[record["other"]]
        key = (str(one["workload"]), str(one["case"]), str(one["dtype"]), str(one["device"]))
        group = groups.setdefault(key, Distances(run, *key))
        pair = (str(one["implementation"]), str(other["implementation"]))
        group.names = sorted({*group.names, *pair}, key=ladder.index)
        told = "=" if record["identical"] else f"{float(record['rms']):.1f}"
        group.apart[pair] = group.apart[pair[::-1]] = told
    return list(groups.values())[:GROUPS]
