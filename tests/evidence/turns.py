"""What the evidence of timing shares: a warm worker that takes a sample when it is asked to, and where all of them go."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from samestep.catalog.selection import Cell
from samestep.workers.launcher import Workshop
from samestep.workers.process import WorkerProcess

#: The answer of a worker to one turn: ``seconds`` of a call, and whether the sample was ``disturbed``.
Turn = Callable[[], dict[str, Any]]


def started(shop: Workshop, cell: Cell, task: str, stack: ExitStack) -> tuple[WorkerProcess, Turn]:
    """A worker that has made its first calls, and what takes one sample in it."""
    worker = stack.enter_context(shop.start(cell))
    worker.open(shop.patience)
    loops = worker.ask({**shop.request("prepare", cell), "loops": None}, shop.patience)["loops"][task]

    def turn() -> dict[str, Any]:
        answer = worker.ask({"op": "sample", "task": task, "loops": loops}, shop.patience)
        return {**answer, "seconds": answer["seconds"] / loops}

    return worker, turn


def written(out: Path, name: str, page: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A page for people, and every sample beside it."""
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.md").write_text(page, encoding="utf-8")
    with (out / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    print(page)
