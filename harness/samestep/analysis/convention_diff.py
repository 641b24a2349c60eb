"""What changed between two tables of conventions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from samestep.conventions.answers import answer_text
from samestep.records.convention_document import ConventionTable


@dataclass(frozen=True)
class FieldChange:
    """A version or the processor, which may be the cause of a changed answer."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class AnswerChange:
    """Another answer of one framework to one question."""

    question: str
    name: str
    framework: str
    before: object
    after: object


@dataclass(frozen=True)
class ConventionDiff:
    """What `diff_tables` found; ``only_before`` and ``only_after`` name questions that one table lacks."""

    differences: tuple[FieldChange, ...]
    changes: tuple[AnswerChange, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]


def diff_tables(before: ConventionTable, after: ConventionTable) -> ConventionDiff:
    """Return which answers changed, as the tables print them, of questions and frameworks in both."""
    old_rows, new_rows = ({row.name: row for row in table.rows} for table in (before, after))
    changes = [
        AnswerChange(new.question, name, framework, old_rows[name].answers[framework], answer)
        for name, new in new_rows.items() if name in old_rows
        for framework, answer in new.answers.items() if framework in old_rows[name].answers
        if answer_text(old_rows[name].answers[framework]) != answer_text(answer)
    ]  # fmt: skip
    return ConventionDiff(
        differences=tuple(_field_changes(before, after)),
        changes=tuple(changes),
        only_before=tuple(name for name in old_rows if name not in new_rows),
        only_after=tuple(name for name in new_rows if name not in old_rows),
    )


def _field_changes(before: ConventionTable, after: ConventionTable) -> Iterator[FieldChange]:
    if before.processor != after.processor:
        yield FieldChange("processor", before.processor, after.processor)
    old, new = _versions(before), _versions(after)
    for name in {**old, **new}:
        if old.get(name) != new.get(name):
            yield FieldChange(name, old.get(name), new.get(name))


def _versions(table: ConventionTable) -> dict[str, str | None]:
    """The versions of frameworks and of their libraries, by name."""
    versions: dict[str, str | None] = {}
    for name, state in table.frameworks.items():
        versions |= {name: state.version, **state.libraries}
    return versions
