"""What one comparison of a test gave, as it travels: to JUnit, to a JSON file, from a worker of xdist."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from samestep.codec import decode, encode

#: The properties of a test's report: the first for people, the second for programs.
PROPERTY, DOCUMENT = "samestep", "samestep.json"

#: In place of a verdict: the reference was recorded, and compared with nothing.
RECORDED = "recorded"


@dataclass(frozen=True)
class Outcome:
    """One comparison.

    ``node_id``, ``call`` (from 0), ``file`` (relative to the root folder) and ``line`` say where it stands.
    ``verdict``, ``passed``, ``headline`` and ``summary``, which begins with it, are what was found; ``share``
    is how near the nearest tensor, or the first one that differs, is to its limit (1 is at it), None where
    nothing was compared. ``bundle`` is the path that replays it; ``notes`` are what else is to be said of
    this run, ``explained`` all of it in words, where --samestep-explain asks for it.
    """

    node_id: str
    call: int
    file: str
    line: int
    verdict: str
    passed: bool
    headline: str
    summary: str
    share: float | None
    bundle: str | None = None
    notes: tuple[str, ...] = ()
    explained: str | None = None

    @property
    def name(self) -> str:
        """The test, and which of its comparisons it is where it is not the first."""
        return f"{self.node_id} ({self.call + 1})" if self.call else self.node_id

    def properties(self) -> list[tuple[str, object]]:
        """Return the properties of the test's report that stand for it."""
        return [(PROPERTY, self.headline), (DOCUMENT, json.dumps(encode(self)))]


def outcomes_of(properties: Iterable[tuple[str, object]]) -> list[Outcome]:
    """Return the comparisons among the properties of a test's report."""
    return [decode(Outcome, json.loads(str(value))) for name, value in properties if name == DOCUMENT]
