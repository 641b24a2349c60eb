"""Pictures as the page holds them: packed for its script, and which of them are shown at first."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from samestep.codec import encode
from samestep.report.charts import case_names
from samestep.report.picture import Picture, drawable
from samestep.report.run_answers import Answer

#: A run (None of a history, which is of several), a workload, a case and a task.
Place = tuple[str | None, str | None, str | None, str | None]


@dataclass(frozen=True)
class Figure:
    """A picture; ``main`` says that it is shown to a reader who has chosen nothing: it is of a main task, or
    of none."""

    picture: Picture
    main: bool

    @cached_property
    def packed(self) -> dict[str, object]:
        """The picture as the page's script takes it: its rows once, column by column."""
        spec = {name: value for name, value in self.picture.chart.to_dict().items() if name != "datasets"}
        rows = self.picture.rows
        names = dict.fromkeys(name for row in rows for name in row)
        columns = {name: _column([row.get(name) for row in rows]) for name in names}
        filters = {
            name: drawable(value) if name == "baseline" else value  # which a row has to equal
            for name, value in self.picture.filters.items()
        }
        drawn: dict[str, object] = drawable({"columns": columns, "many": len(rows), "spec": spec})
        return {**drawn, "filters": filters}


def figures(pictures: Iterable[Picture], answers: Sequence[Answer]) -> list[Figure]:
    """Return the pictures in the order of the workloads, and whether each is of a main task."""
    order = list(dict.fromkeys(one.workload for one in answers))
    main = _main_tasks(answers)

    def place(picture: Picture) -> int:
        workload = picture.filters.get("workload")
        return order.index(workload) if workload in order else len(order)

    return [Figure(one, _is_main(one, main)) for one in sorted(pictures, key=place)]


def _main_tasks(answers: Iterable[Answer]) -> set[Place]:
    """Return the places of the main tasks: of each run, and of no one run, as a history is."""
    found: set[Place] = set()
    for one in answers:
        for run in (one.run, None):
            found |= {(run, one.workload, case, one.task) for case in case_names(one.case)}
    return found


def _is_main(picture: Picture, main: set[Place]) -> bool:
    filters = picture.filters
    task = filters.get("task")
    place = (filters.get("run"), filters.get("workload"), filters.get("case"), task)
    return task is None or place in main


def _column(values: Sequence[str | float | bool | None]) -> dict[str, object]:
    """Return numbers as they are; texts once each, and where they stand."""
    if not any(isinstance(value, str) for value in values):
        return {"values": [_short(value) for value in values]}
    texts = {text: number for number, text in enumerate(dict.fromkeys(values))}
    return {"values": [texts[value] for value in values], "texts": [_short(text) for text in texts]}


def _short(value: str | float | bool | None) -> str | float | bool | None:
    """Return a number to six digits: more a chart does not show."""
    if isinstance(value, float) and math.isfinite(value) and abs(value) < 1e6:
        return float(f"{value:.6g}")
    return value


def script_json(document: object) -> str:
    """Return JSON that no HTML parser takes for anything else."""
    text = json.dumps(encode(document), separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
