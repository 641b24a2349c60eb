"""One page of one or more runs: HTML that holds everything that it shows, and opens offline.

Texts come from records that anyone may have written, so all of them are escaped: by Jinja2 where they
stand in the page, as JSON without ``<`` where the page's script reads them. Nothing is compared across runs,
but in the history of one machine.
"""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Mapping, Sequence, Set
from functools import cache
from pathlib import Path
from typing import Any

from samestep.catalog.source_facts import said
from samestep.errors import SamestepError
from samestep.records.store import finite
from samestep.records.validated import LeftOut, Legible
from samestep.report import charts, fastest, formatting
from samestep.report.charts import Picture
from samestep.report.page import cells, machine
from samestep.report.page.answers import Answer, answers

HERE = Path(__file__).resolve().parent

#: A page may have so many bytes; pictures that would make it larger are left out, and named.
MOST = 3_000_000

#: Of what was left out, so many lines are shown.
LINES = 50

#: A source is shown in whole up to so many characters, and all of them together.
SOURCE, SOURCES = 20_000, 400_000

#: The file that says what a workload is, beside its implementations.
SPEC = "spec"

MISSING = "pictures and the page need Altair and Jinja2: python -m pip install 'samestep[report]'"

Sources = Mapping[str, str | None]
#: A run, a workload, a case and a task.
Where = tuple[str | None, ...]


def available() -> bool:
    return charts.available() and importlib.util.find_spec("jinja2") is not None


def render(runs: Sequence[Legible], sources: Sources, left_out: Sequence[LeftOut] = ()) -> str:
    """The page. ``sources`` has the text of each ``workload/implementation`` of the runs and of each
    ``workload/spec``, None where it has changed since; ``left_out`` each record that could not be read. The
    same arguments give the same bytes.
    """
    context = {**_context(runs, left_out), **_told(sources)}
    shown, all_of_them = _sources(sources), list(charts.pictures(runs))
    document = {"cells": [cell.document() for cell in context["cells"]], "sources": shown,
                "changed": sorted(set(sources) - set(shown)), "themes": charts.THEMES,
                "pair": _pair(context["answers"])}  # fmt: skip
    context |= _choices(context["answers"], all_of_them)
    titles = [picture.title for picture in all_of_them]  # what is left out is named, and has to fit as well
    bare = _filled({**context, "sections": {}, "too_many": titles}, {**document, "pictures": []})
    place = _places(context["answers"])
    all_of_them.sort(key=lambda picture: place.get(picture.filters.get("workload", ""), len(place)))
    packed = [(picture, _packed(picture)) for picture in all_of_them]
    main = _main(context["answers"])
    kept, left = _fitting(packed, MOST - len(bare.encode()), main)
    context |= {"sections": _sections([one for one, _ in kept], main), "too_many": left}
    return _filled(context, {**document, "pictures": [pack for _, pack in kept]})


def write(path: Path, runs: Sequence[Legible], sources: Sources, left_out: Sequence[LeftOut] = ()) -> Path:
    """Raises SamestepError where the file cannot be written."""
    text = render(runs, sources, left_out)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SamestepError(f"{path} cannot be written: {error.strerror}") from error
    return path


def _context(runs: Sequence[Legible], left_out: Sequence[LeftOut]) -> dict[str, Any]:
    """What the template shows."""
    found: dict[str, Any] = {name: [] for name in ("answers", "cells", "matrices", "distances", "machines")}
    for run in runs:
        name, about, records = run.folder.name, run.about, list(run.records())
        told = list(answers(name, about, run.summaries))
        place = _places(told)
        summaries = sorted(run.summaries, key=lambda one: place[one.cell["workload"]])
        mine = cells.cells(name, summaries, records)
        found["matrices"].append(cells.matrix(name, mine, len(found["cells"])))
        found["cells"] += mine
        found["answers"] += told[: cells.GROUPS]
        found["distances"] += sorted(
            cells.distances(name, about, records), key=lambda one: place[one.workload]
        )
        found["machines"].append({
            "run": name, "headline": machine.headline(run), "fingerprint": machine.fingerprint(run),
            "method": machine.method(run, summaries), "cut": len(summaries) - len(mine),
            "unsaid": len(told[cells.GROUPS :]), "calm": machine.calm(summaries),
        })  # fmt: skip
    failures = [cell for cell in found["cells"] if cell.reason or cell.stderr]
    return {
        **found, "failures": failures[: cells.FAILURES], "more_failures": len(failures[cells.FAILURES :]),
        "left_out": [f"{one.folder.name}/{one.why}" for one in left_out[:LINES]],
        "more_left_out": len(left_out[LINES:]),
        "filters": _filters(found["answers"], found["cells"]), "runs": [run.folder.name for run in runs],
        "few": fastest.FEW,
    }  # fmt: skip


def _told(sources: Sources) -> dict[str, dict[str, str]]:
    """What each workload and each implementation says of itself, where its file is the one that ran."""
    told = {name: said(text) for name, text in sorted(sources.items()) if text is not None}
    specs = {name.partition("/")[0]: text for name, text in told.items() if name.endswith(f"/{SPEC}")}
    return {
        "says": {name: text.partition(": ")[2] for name, text in specs.items()},
        "rungs": {name: text for name, text in told.items() if text and not name.endswith(f"/{SPEC}")},
    }


def _places(found: Sequence[Answer]) -> dict[str, int]:
    """The order of the workloads, the same all over the page: that of the answers."""
    return {name: place for place, name in enumerate(dict.fromkeys(one.workload for one in found))}


def _filters(found: Sequence[Answer], shown: Sequence[cells.Cell]) -> dict[str, list[str]]:
    """What a reader may choose from; a choice of one is none."""
    values = {
        "run": [cell.run for cell in shown],
        "workload": [cell.about["workload"] for cell in shown],
        "framework": [cell.about["framework"] for cell in shown],
        "device": [cell.about["device"] for cell in shown],
    }
    return {name: list(dict.fromkeys(each)) for name, each in values.items() if len(set(each)) > 1}


def _choices(found: Sequence[Answer], pictures: Sequence[Picture]) -> dict[str, list[str]]:
    tasks = [one.filters["task"] for one in pictures if "task" in one.filters]
    baselines = {str(row["baseline"]) for one in pictures for row in one.rows if "baseline" in row}
    return {
        "tasks": list(dict.fromkeys([*tasks, *(pays.task for one in found for pays in one.pays)])),
        "baselines": sorted(baselines),
    }


def _main(found: Sequence[Answer]) -> set[Where]:
    """Where the main task of each workload is: of each run, and of no one run, as a history is."""
    runs = {(one.run, one.workload, case, one.task) for one in found for case in charts.names(one.case)}
    return runs | {(None, *where) for _, *where in runs}


def _first(picture: Picture, main: Set[Where]) -> bool:
    """Whether it is of a main task, or of none: what a reader sees who has chosen nothing."""
    run, workload, case, task = map(picture.filters.get, ("run", "workload", "case", "task"))
    return task is None or (run, workload, case, task) in main


def _sections(pictures: Sequence[Picture], main: Set[Where]) -> dict[str, list[tuple[int, Picture, bool]]]:
    """Of each section its pictures, with their number and whether they are shown first."""
    sections: dict[str, list[tuple[int, Picture, bool]]] = {}
    for number, picture in enumerate(pictures):
        sections.setdefault(picture.section, []).append((number, picture, _first(picture, main)))
    return sections


def _sources(sources: Sources) -> dict[str, str]:
    shown, room = {}, SOURCES
    for name, text in sorted(sources.items()):
        if text is not None and len(text) <= min(SOURCE, room):
            shown[name] = text
            room -= len(text)
    return shown


def _pair(found: Sequence[Answer]) -> list[str]:
    """The sources that are set side by side at first: the baseline of the first network and its fastest."""
    one = next((answer for answer in found if answer.baseline), None)
    return [f"{one.workload}/{name}" for name in (one.baseline, one.fastest)] if one else ["", ""]


def _packed(picture: Picture) -> dict[str, Any]:
    """A picture as the page's script takes it: its rows once, column by column."""
    spec = {**picture.chart.to_dict(), "datasets": None}
    del spec["datasets"]
    names = dict.fromkeys(name for row in picture.rows for name in row)
    columns = {name: _column([row.get(name) for row in picture.rows]) for name in names}
    return {"columns": columns, "many": len(picture.rows), "spec": spec, "filters": picture.filters}


def _column(values: Sequence[Any]) -> dict[str, Any]:
    """Numbers as they are; texts once each, and where they stand."""
    if not any(isinstance(value, str) for value in values):
        return {"values": [_short(value) for value in values]}
    texts = {text: number for number, text in enumerate(dict.fromkeys(values))}
    return {"values": [texts[value] for value in values], "texts": [_short(text) for text in texts]}


def _short(value: Any) -> Any:
    """Six digits are more than a chart shows; JSON has no other numbers than finite ones."""
    if isinstance(value, float) and math.isfinite(value) and abs(value) < 1e6:
        return float(f"{value:.6g}")
    return finite(value)


def _fitting(
    packed: Sequence[tuple[Picture, dict[str, Any]]], room: int, main: Set[Where]
) -> tuple[list[tuple[Picture, dict[str, Any]]], list[str]]:
    """The pictures that there is room for, those first that are shown first, and the titles of the others."""
    fit = set()
    for number in sorted(range(len(packed)), key=lambda number: not _first(packed[number][0], main)):
        picture, pack = packed[number]
        size = len(_json(pack)) + len(_figure(picture).encode())
        if size <= room:
            fit.add(number)
            room -= size
    kept = [one for number, one in enumerate(packed) if number in fit]
    return kept, [picture.title for number, (picture, _) in enumerate(packed) if number not in fit]


def _json(document: Any) -> str:
    """JSON that no HTML parser takes for anything else."""
    text = json.dumps(finite(document), separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _environment() -> Any:
    import jinja2

    loader = jinja2.FileSystemLoader(HERE)
    found = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    found.filters["seconds"] = formatting.seconds
    return found


def _figure(picture: Picture) -> str:
    """With the longest number that it can have, to know its size."""
    template = _environment().get_template("figure.html.j2")
    return str(template.render(picture=picture, number=10**6, main=True))


def _filled(context: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    from markupsafe import Markup

    files = {name: Markup((HERE / f"page.{name}").read_text(encoding="utf-8")) for name in ("css", "js")}
    page = _environment().get_template("page.html.j2")
    return str(page.render(**context, **files, library=Markup(_library()), document=Markup(_json(document))))


@cache
def _library() -> str:
    """Vega, Vega-Lite and vega-embed in the version that Altair writes for, as one script."""
    import altair
    import vl_convert

    version = ".".join(altair.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed", version)).replace(
        "</script", "<\\/script"
    )
