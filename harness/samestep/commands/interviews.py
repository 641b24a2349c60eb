"""The document of ``samestep conventions``, and what changed between two of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from samestep import paths
from samestep.catalog.catalog import Catalog
from samestep.conventions.ask import selected
from samestep.conventions.questions import FRAMEWORKS, TOPICS, Question
from samestep.errors import SamestepError
from samestep.jobs.survey import Interview, Met
from samestep.measure.machine import cpu_name
from samestep.records import shapes
from samestep.records.store import finite
from samestep.report import formatting
from samestep.report.convention_tables import FAILURE, PIPE, shown

Document = dict[str, Any]

#: What `compared` reads of a document.
ROW = shapes.shaped(name=shapes.text, question=shapes.text, answers=shapes.each(lambda answer: True))
PARTS: dict[str, shapes.Check] = {
    "rows": shapes.many(ROW),
    "frameworks": shapes.each(shapes.shaped(version=shapes.optional(shapes.text))),
    "processor": shapes.optional(shapes.text),
}


def asked(catalog: Catalog, globs: Sequence[str], pythons: Mapping[str, str]) -> Document:
    """The document of ``--json``; a progress bar on standard error meanwhile."""
    try:
        questions = selected(tuple(globs))
    except LookupError as error:
        near = get_close_matches(str(error), [*selected(()), *(key.split("/")[1] for key in selected(()))])
        hint = f"; did you mean {' or '.join(near)}?" if near else f"; topics are {', '.join(TOPICS)}"
        raise SamestepError(f"{error} matches no question{hint}") from None
    columns = (TextColumn("asking"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        there = [name for name in FRAMEWORKS if name in pythons or not catalog.missing(name)]
        bar = progress.add_task("asking", total=len(questions) * len(there))
        interview = Interview(
            catalog, list(questions), pythons, paths.home() / "compilers", lambda key: progress.advance(bar)
        )
        met = interview.all()
    rows = [_row(key, question, met, declared(catalog, question)) for key, question in questions.items()]
    frameworks = {name: {"version": one.version, "missing": one.missing} for name, one in met.items()}
    return dict(finite({"rows": rows, "frameworks": frameworks, "processor": cpu_name()}))


def _row(key: str, question: Question, met: Mapping[str, Met], declared: Any) -> dict[str, Any]:
    there = {name: one for name, one in met.items() if not one.missing}
    failed = [name for name, one in there.items() if key in one.failed]
    answers = {
        name: f"{FAILURE}{one.failed[key]}" if name in failed else one.answers[key]
        for name, one in there.items()
    }
    return {
        "question": question.text,
        "answers": answers,
        "declared": declared,
        "link": next(iter(question.links.values()), None),
        "name": key,
        "topic": key.partition("/")[0],
        "links": dict(question.links),
        "failed": failed,
    }


def declared(catalog: Catalog, question: Question) -> Any:
    """What the workloads' specs say; None where none does, a list where they do not say the same."""
    specs = (catalog.spec(workload) for workload in catalog.workloads)
    texts = dict.fromkeys(
        spec.conventions[question.convention] for spec in specs if question.convention in spec.conventions
    )
    answers = [question.means.get(text, text) for text in texts]
    return answers[0] if len(answers) == 1 else answers or None


# -- two documents -------------------------------------------------------------------------------------


def read(path: Path) -> Document:
    """A table that ``--json`` wrote.

    Raises SamestepError where it is none, or where it is damaged, which names the place.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SamestepError(f"{path} cannot be read: {error}") from error
    if not isinstance(document, dict) or not set(PARTS) <= set(document):
        raise SamestepError(f"{path} is no table of conventions: `samestep conventions --json` makes one")
    for name, check in PARTS.items():
        if not check(document[name]) or not shapes.writable(document[name]):
            rows = document[name] if name == "rows" and isinstance(document[name], list) else []
            place = next((f"[{number}]" for number, row in enumerate(rows) if not ROW(row)), "")
            raise SamestepError(
                f"{path} is damaged: {name}{place} is not what a table of conventions has there"
            )
    return document


def compared(before: Document, after: Document) -> Document:
    """Which answers changed, as the table shows them, of questions and frameworks that are in both."""
    was, now = ({row["name"]: row for row in document["rows"]} for document in (before, after))
    changes = []
    for name in (name for name in now if name in was):
        old, new = was[name]["answers"], now[name]["answers"]
        changes += [
            {"question": now[name]["question"], "name": name, "framework": framework,
             "before": old[framework], "after": new[framework]}
            for framework in new if framework in old and shown(old[framework]) != shown(new[framework])
        ]  # fmt: skip
    return {
        "differences": list(_differences(before, after)),
        "changes": changes,
        "only_before": [name for name in was if name not in now],
        "only_after": [name for name in now if name not in was],
    }


def _differences(before: Document, after: Document) -> Iterator[dict[str, Any]]:
    """Versions and processor: what may be why."""
    if before["processor"] != after["processor"]:
        yield {"field": "processor", "before": before["processor"], "after": after["processor"]}
    for name in {**before["frameworks"], **after["frameworks"]}:
        old, new = (one["frameworks"].get(name, {}).get("version") for one in (before, after))
        if old != new:
            yield {"field": name, "before": old, "after": new}


def lines(found: Document, table: bool) -> Iterator[str]:
    """What `compared` found, as text; ``table`` makes Markdown of it."""
    bullet = "- " if table else ""
    tell = formatting.escaped if table else formatting.plain
    for one in found["differences"]:
        yield f"{bullet}{tell(one['field'])}: {tell(one['before'] or '-')} -> {tell(one['after'] or '-')}"
    for name in ("before", "after"):
        yield from (f"{bullet}only {name}: {tell(key)}" for key in found[f"only_{name}"])
    changes = [
        (one["question"], *map(tell, (one["framework"], shown(one["before"]), shown(one["after"]))))
        for one in found["changes"]
    ]
    if table and changes:
        rows = [(_code(question), *told) for question, *told in changes]
        yield from ("", *formatting.table(("question", "framework", "before", "after"), rows, "llll"))
    elif not table:
        yield from (f"{tell(asked)}, {name}: {old} -> {new}" for asked, name, old, new in changes)
    count = len(changes)
    yield from ([""] if table else [])
    yield f"{count or 'no'} answer{'s' * (count > 1)} changed"


def _code(text: str) -> str:
    """As code in a cell of a Markdown table, which only a backtick or a bar could end."""
    return f"`{formatting.plain(text).replace('`', chr(39)).replace('|', PIPE)}`"
