"""Do they agree: the verdict of each cell, what it rests on, and the matrix of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from samestep.agreement.findings import TensorStatistics
from samestep.agreement.verdict import ABSTAINS, AGREE, UNAVAILABLE, Divergence
from samestep.analysis.summary import CellSummary
from samestep.records.plan import PlannedCell
from samestep.records.schema import CellVerdict, Record

#: More cells are too many for a page: those that do not agree are kept first.
CELLS = 1500
#: Characters of a reason and of the end of a worker's standard error that are shown.
REASON, STDERR = 1000, 2000
#: Characters of a reason in the dialog, which any cell may have.
DIALOG_REASON = 300
#: Tensors of a cell that the dialog lists.
TENSORS = 6

#: A workload, a case, a dtype and a device.
Column = tuple[str, str, str, str]


@dataclass(frozen=True)
class WorstError:
    """The worst element of a tensor and its limit, in sigma."""

    tensor: str
    error: float
    limit: float


@dataclass(frozen=True)
class VerdictCell:
    """One cell of the matrix; ``worst`` are the tensors nearest to their limits, the nearest first."""

    run: str
    cell: PlannedCell
    verdict: str
    reason: str
    stderr: str
    divergence: Divergence | None
    worst: Sequence[WorstError]

    @property
    def column(self) -> Column:
        """Where it stands in the matrix."""
        return self.cell.workload, self.cell.case, self.cell.dtype, self.cell.device

    @property
    def kind(self) -> str:
        """How it is drawn: "agree", "absent" or "differs"."""
        return {AGREE: "agree", UNAVAILABLE: "absent", ABSTAINS: "absent"}.get(self.verdict, "differs")

    def document(self) -> dict[str, object]:
        """Return what the page's dialog shows."""
        return {
            "name": f"{self.cell.of_case}/{self.cell.implementation}",
            "dtype": self.cell.dtype,
            "device": self.cell.device,
            "run": self.run,
            "verdict": self.verdict,
            "reason": self.reason[:DIALOG_REASON],
            "divergence": str(self.divergence) if self.divergence else "",
            "worst": [[one.tensor, one.error, one.limit] for one in self.worst],
        }


@dataclass
class Matrix:
    """The verdicts of one run: in each row (a framework and an implementation) the numbers of its cells by
    column."""

    run: str
    columns: list[Column] = field(default_factory=list)
    rows: dict[tuple[str, str], dict[Column, int]] = field(default_factory=dict)


def verdict_cells(run: str, summaries: Sequence[CellSummary], records: Iterable[Record]) -> list[VerdictCell]:
    """Return the cells in the order of ``summaries``; of too many those that do not agree, and of the others
    the first."""
    worst: dict[str, Sequence[WorstError]] = {}
    for record in records:
        if isinstance(record, CellVerdict) and record.verdict.tensors:
            worst.setdefault(record.cell, _worst(record.verdict.tensors))
    disagreeing_first = sorted(range(len(summaries)), key=lambda at: summaries[at].verdict == AGREE)
    kept = [summaries[at] for at in sorted(disagreeing_first[:CELLS])]
    return [
        VerdictCell(
            run,
            one.cell,
            one.verdict,
            (one.reason or "")[:REASON],
            (one.stderr or "")[-STDERR:],
            one.first_divergence,
            worst.get(one.cell.key, ()),
        )
        for one in kept
    ]


def _worst(tensors: Mapping[str, TensorStatistics]) -> Sequence[WorstError]:
    """Return the tensors whose worst element is nearest to its limit."""
    found = [
        WorstError(name, round(one.elements, 3), round(one.elements_limit, 1))
        for name, one in tensors.items()
    ]
    return sorted(found, key=lambda one: -one.error / one.limit if one.limit else 0.0)[:TENSORS]


def matrix(run: str, found: Sequence[VerdictCell], first: int) -> Matrix:
    """Return the numbers of the cells, from ``first`` on, at their place: columns and rows in the order of
    the cells, the implementations of a framework together."""
    table = Matrix(run)
    for number, one in enumerate(found, start=first):
        if one.column not in table.columns:
            table.columns.append(one.column)
        name = (one.cell.framework, one.cell.implementation)
        table.rows.setdefault(name, {})[one.column] = number
    order = list(dict.fromkeys(framework for framework, _ in table.rows))
    table.rows = {name: table.rows[name] for name in sorted(table.rows, key=lambda one: order.index(one[0]))}
    return table
