"""The table of conventions as JSON: the answer of every framework to every question, with the versions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from samestep.codec import Malformed, decode
from samestep.errors import SamestepError
from samestep.field_checks import writable

#: How the answer of a failed measurement begins; the error follows.
FAILURE = "failed: "

PARTS = ("rows", "frameworks", "processor")


@dataclass(frozen=True, kw_only=True)
class ConventionRow:
    """One question and its answers.

    Attributes:
        question: its text.
        answers: each installed framework's answer, None where it has no such function.
        declared: the answer that the workloads' specs declare, a list where they differ, None without one.
        link: the first of ``links``.
        name: the question as ``topic/name``.
        topic: the folder of `samestep.conventions` that it comes from.
        links: pages of documentation or of an issue tracker, by framework.
        failed: the frameworks whose measurement failed.
    """

    question: str
    answers: Mapping[str, object]
    declared: object = None
    link: str | None = None
    name: str
    topic: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    failed: Sequence[str] = ()


@dataclass(frozen=True)
class FrameworkState:
    """The version of an installed framework and of its libraries, or why it is missing."""

    version: str | None = None
    missing: str | None = None
    libraries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ConventionTable:
    """All rows, the frameworks by name, and the processor's name. `samestep.codec.encode` writes it."""

    rows: Sequence[ConventionRow]
    frameworks: Mapping[str, FrameworkState]
    processor: str | None

    @property
    def installed(self) -> list[str]:
        """The frameworks that are not missing."""
        return [name for name, state in self.frameworks.items() if not state.missing]


def read_table(path: Path) -> ConventionTable:
    """Return the table that ``samestep conventions --json`` wrote.

    Raises SamestepError where the file is not such a table, or is damaged; the message names the place.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SamestepError(f"{path} cannot be read: {error}") from error
    if not isinstance(document, dict) or not set(PARTS) <= set(document):
        raise SamestepError(f"{path} is not a table of conventions: `samestep conventions --json` writes one")
    try:
        table = decode(ConventionTable, document)
    except Malformed as error:
        raise _damaged(path, _name_place(error.place)) from error
    for part in PARTS:
        if not writable(document[part]):
            raise _damaged(path, part)
    return table


def _name_place(place: tuple[str, ...]) -> str:
    """Return the part of the document, and which row of ``rows``."""
    part, *inner = place
    return f"{part}[{inner[0]}]" if part == "rows" and inner else part


def _damaged(path: Path, place: str) -> SamestepError:
    return SamestepError(f"{path} is damaged: {place} is not what a table of conventions has there")
