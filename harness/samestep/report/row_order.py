"""In which order the implementations of a table stand."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the command line reads the names of the orders, and nothing else
    from samestep.analysis.summary import CellSummary

#: The order where none is asked for.
FASTEST = "fastest"


def in_order(cells: Sequence[CellSummary], task: str, order: str = FASTEST) -> list[CellSummary]:
    """Return the cells of a group in one of `ORDERS`; those that did not time the task are the last."""
    return ORDERS[order](cells, task)


def _fastest(cells: Sequence[CellSummary], task: str) -> list[CellSummary]:
    from samestep.analysis.fastest import fastest_first

    timed = fastest_first(cells, task)
    return [*timed, *(one for one in cells if task not in one.tasks)]


def _first_call(cells: Sequence[CellSummary], task: str) -> list[CellSummary]:
    def seconds(one: CellSummary) -> float:
        first = one.tasks[task].first_call_seconds if task in one.tasks else None
        return math.inf if first is None else first

    return sorted(cells, key=seconds)


def _name(cells: Sequence[CellSummary], task: str) -> list[CellSummary]:
    return sorted(cells, key=lambda one: one.cell.implementation)


def _reading(cells: Sequence[CellSummary], task: str) -> list[CellSummary]:
    return list(cells)


#: By what ``--sort`` calls them; "reading" is that of `samestep list`: each after the one it is read after.
ORDERS: Mapping[str, Callable[[Sequence[CellSummary], str], list[CellSummary]]] = {
    FASTEST: _fastest,
    "first-call": _first_call,
    "name": _name,
    "reading": _reading,
}
