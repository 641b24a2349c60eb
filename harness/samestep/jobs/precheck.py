"""Before anything is timed every cell is examined, in its own dtype and in float64, several at a time, each
with one thread.

Wrong mathematics keeps its size in float64, where the limits are 2^29 times as narrow, so it is looked for
there before anything is timed in float32. Compilers' caches are the user's here: those of the run are still
empty when its cold times are taken.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from samestep import paths
from samestep.agreement.verdict import AGREE, WRONG
from samestep.catalog.selection import Cell
from samestep.jobs.eta import Unit
from samestep.jobs.rounds import Desk, unit
from samestep.records.store import Record
from samestep.workers.launcher import check, distances
from samestep.workers.process import processors

#: Steps of a free run beside the reference.
FREE_STEPS = 100


def plan(desk: Desk, cells: Sequence[Cell]) -> None:
    """Tell the forecast what is still to be examined."""
    desk.forecast.lanes = len(processors(1))
    for one, group in _left(desk, cells).items():
        desk.forecast.expect(_unit(one, group))


def _left(desk: Desk, cells: Sequence[Cell]) -> dict[Cell, list[Cell]]:
    """What is still to be examined, each with the cells that its verdict is about."""
    about: dict[Cell, list[Cell]] = {}
    for cell in cells:
        own = replace(cell, twin=False, threads=1)
        about.setdefault(own, []).append(cell)
        if cell.dtype == "float32" and not desk.workshop.missing(cell):
            about.setdefault(replace(own, dtype="float64"), []).append(cell)
    done = {(r["cell"], r["checked_in"]) for r in desk.run.records("verdict") if "checked_in" in r}
    return {one: group for one, group in about.items() if not {(c.key, one.dtype) for c in group} <= done}


def _unit(one: Cell, group: Sequence[Cell]) -> Unit:
    return unit("check", group[0], "" if one.dtype == group[0].dtype else one.dtype)


def screen(desk: Desk, cells: Sequence[Cell]) -> None:
    """Examine them all; their verdicts, how far they are apart and their free runs are kept.

    What an earlier try has examined is not examined again.
    """
    left = _left(desk, cells)
    own = {replace(cell, threads=1): cell for cell in cells if not cell.twin}
    shown = desk.run.folder / "first steps"  # there, so that a run that goes on finds them
    if left:
        workshop = replace(
            desk.workshop, cache=paths.home() / "compilers", by_cell=False, keep=shown,
            trajectory=FREE_STEPS, aside=frozenset(left) - frozenset(own),
        )  # fmt: skip
        lock = threading.Lock()

        def heard(one: Cell, answer: dict[str, Any]) -> None:
            with lock:
                _keep(desk, one, left[one], answer)

        check(workshop, list(left), heard)
    if shown.exists():
        workshop = replace(desk.workshop, keep=shown)
        for a, b, found in distances(workshop, list(own)):
            desk.keep("distance", cell=own[a].key, other=own[b].key, **asdict(found))
        shutil.rmtree(shown)


def _keep(desk: Desk, one: Cell, group: Sequence[Cell], answer: dict[str, Any]) -> None:
    for cell in group:
        verdict = answer["verdict"]
        if one.dtype != cell.dtype and verdict["verdict"] == AGREE:  # the details are those of its own dtype
            verdict = {"verdict": AGREE, "reason": None}
        elif one.dtype != cell.dtype:
            verdict = {**verdict, "reason": f"in {one.dtype}: {verdict['reason']}"}
        words = {"stderr": said} if (said := answer.get("stderr") or answer.get("traceback")) else {}
        desk.keep("verdict", cell=cell.key, checked_in=one.dtype, **words, **verdict)
        if "trajectory" in answer and one.dtype == cell.dtype and not cell.twin:
            desk.keep("trajectory", cell=cell.key, **answer["trajectory"])
    desk.forecast.doing = f"{one.workload}:{one.case} {one.implementation} in {one.dtype} was examined"
    desk.forecast.done(_unit(one, group), answer.get("took", 0.0))
    desk.watch()


def agreed(cells: Iterable[Cell], records: Iterable[Record]) -> set[str]:
    """The cells that agreed whenever they were examined, and gave no wrong answer since."""
    verdicts = [record for record in records if record["kind"] == "verdict"]
    seen = {record["cell"] for record in verdicts if "checked_in" in record}
    wrong = {
        record["cell"]
        for record in verdicts
        if record["verdict"] in WRONG or ("checked_in" in record and record["verdict"] != AGREE)
    }
    return {cell.key for cell in cells if cell.key in seen - wrong}
