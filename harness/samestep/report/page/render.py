"""From runs to the text of the page.

Texts come from records that anyone may have written, so all of them are escaped: by Jinja2 where they
stand in the page, as JSON without ``<`` where the page's script reads them. Nothing is compared across runs,
but in the history of one machine.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from samestep.analysis.fastest import MOST_NAMED
from samestep.errors import SamestepError
from samestep.records.validated import LeftOut, ValidatedRun
from samestep.report import charts
from samestep.report.page import budget
from samestep.report.page.contents import Contents, Sources, contents
from samestep.report.page.figures import Figure, figures, script_json
from samestep.report.page.template import filled, filled_page
from samestep.report.picture import THEMES
from samestep.report.run_answers import Answer

MISSING = "pictures and the page need Altair and Jinja2: python -m pip install 'samestep[report]'"


def available() -> bool:
    """Whether the libraries that make the page are installed."""
    return charts.available() and importlib.util.find_spec("jinja2") is not None


def render(runs: Sequence[ValidatedRun], sources: Sources, left_out: Sequence[LeftOut] = ()) -> str:
    """Return the page.

    ``sources`` has the text of each ``workload/implementation`` of the runs and of each ``workload/spec``,
    None where it has changed since; ``left_out`` each record that could not be read. The same arguments give
    the same bytes.
    """
    shown = contents(runs, sources, left_out)
    drawn = figures(charts.pictures(runs), shown.answers)
    document = _document(shown, sources)
    context = {**vars(shown), **_choices(shown, drawn), "most_named": MOST_NAMED}
    # What is left out is named, and its names have to fit as well.
    bare = filled_page({**context, "sections": {}, "left_out_figures": drawn}, {**document, "pictures": []})
    kept, left = budget.fitting_figures(drawn, budget.MOST - len(bare.encode()), _size)
    context |= {"sections": _sections(kept), "left_out_figures": left}
    return filled_page(context, {**document, "pictures": [one.packed for one in kept]})


def write(
    path: Path, runs: Sequence[ValidatedRun], sources: Sources, left_out: Sequence[LeftOut] = ()
) -> Path:
    """Write the page (`render`), and return its path. Raises SamestepError where that cannot be written."""
    text = render(runs, sources, left_out)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SamestepError(f"{path} cannot be written: {error.strerror}") from error
    return path


def _document(shown: Contents, sources: Sources) -> dict[str, object]:
    """Return what the page's script reads, the pictures aside."""
    texts = budget.fitting_sources(sources)
    return {
        "cells": [cell.document() for cell in shown.cells],
        "sources": texts,
        "changed": sorted(set(sources) - set(texts)),
        "themes": THEMES,
        "pair": _pair(shown.answers),
    }


def _pair(answers: Sequence[Answer]) -> tuple[str, str]:
    """Return the sources that stand side by side at first: the first network's baseline and its fastest."""
    for one in answers:
        if one.baseline and one.fastest:
            names = one.baseline.implementation, one.fastest.cell.implementation
            return f"{one.workload}/{names[0]}", f"{one.workload}/{names[1]}"
    return "", ""


def _choices(shown: Contents, drawn: Sequence[Figure]) -> dict[str, list[str]]:
    """Return the tasks and the baselines that a reader may choose from."""
    pictures = [one.picture for one in drawn]
    tasks = [one.filters["task"] for one in pictures if "task" in one.filters]
    break_even_tasks = [found.task for one in shown.answers for found in one.break_evens]
    baselines = {str(row["baseline"]) for one in pictures for row in one.rows if "baseline" in row}
    return {"tasks": list(dict.fromkeys([*tasks, *break_even_tasks])), "baselines": sorted(baselines)}


def _sections(kept: Sequence[Figure]) -> dict[str, list[tuple[int, Figure]]]:
    """Return the figures of each section, with their numbers among all."""
    sections: dict[str, list[tuple[int, Figure]]] = {}
    for number, one in enumerate(kept):
        sections.setdefault(one.picture.section, []).append((number, one))
    return sections


def _size(figure: Figure) -> int:
    """Return how many bytes of a page a figure takes, with the longest number that it can have."""
    place = filled("figure.html.j2", {"figure": figure, "number": 10**6})
    return len(script_json(figure.packed)) + len(place.encode())
