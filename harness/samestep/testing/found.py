"""From what a comparison found to what is told of it."""

from __future__ import annotations

from dataclasses import dataclass

from samestep.models.result import Result
from samestep.models.result_text import headline
from samestep.printable import printable, printable_lines
from samestep.testing.outcome import RECORDED, Outcome


@dataclass(frozen=True)
class Place:
    """Where a comparison stands: the test's name, the number of the call in it, and the test's file."""

    node_id: str
    call: int
    file: str


def outcome_of(place: Place, result: Result, explain: bool) -> Outcome:
    """Return what is told of a result; with ``explain`` all of it in words."""
    return Outcome(
        place.node_id,
        place.call,
        place.file,
        0,
        result.verdict,
        result.passed,
        printable(headline(result)),
        printable_lines(str(result)),
        _share(result),
        explained=printable_lines(result.explain()) if explain else None,
    )


def recorded_outcome(place: Place, path: str) -> Outcome:
    """Return what is told of a reference that was recorded in a file, and compared with nothing."""
    said = f"{RECORDED}: {path}"
    return Outcome(place.node_id, place.call, place.file, 0, RECORDED, True, said, said, None)


def _share(result: Result) -> float | None:
    if result.first is not None:
        return result.first.share
    return max((tensor.share for tensor in result.judged), default=None)
