"""What does it cost that the threads of a waiting pool sleep, and what if they do not?

    python -m tests.evidence.waiting [--rounds 60]

PyTorch workers that differ only in how libgomp's threads wait take their turns with a thread for each processor; after
each of them NumPy takes a turn, since a pool that still spins slows its neighbour. Writes results/measuring/waiting.md
and .csv.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from samestep.catalog.catalog import Catalog
from samestep.catalog.selection import Cell, Options, select
from samestep.report import formatting
from samestep.workers import process
from samestep.workers.launcher import Workshop
from samestep.workers.process import processors
from tests.evidence.lanes import MEASURING, machine
from tests.evidence.turns import Turn, started, written

CASE, TASK = "two_layer:tutorial", "train_step"
RUNGS, NEIGHBOUR = ("torch_autograd", "torch_optim"), "numpy_manual"
OWN, NAMES = process.environment, ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")

#: Variables of libgomp; None is left to libgomp itself.
WAYS: dict[str, Mapping[str, str | None]] = {
    "as samestep sets it": {name: OWN("cpu", 1)[name] for name in NAMES},
    "asleep at once": {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": None},
    "as libgomp does by itself": dict.fromkeys(NAMES),
}


def environment(way: Mapping[str, str | None], *asked: Any) -> dict[str, str]:
    """Of a worker whose threads wait in this way."""
    usual = {name: value for name, value in OWN(*asked).items() if name not in NAMES}
    return usual | {name: value for name, value in way.items() if value is not None}


def waiting(shop: Workshop, cell: Cell, way: Mapping[str, str | None], stack: ExitStack) -> Turn:
    """What takes one sample in a worker whose threads wait in this way."""
    with patch.object(process, "environment", partial(environment, way)):
        return started(shop, cell, TASK, stack)[1]


def page(rows: list[tuple[int, str, str, float, float]]) -> str:
    """A table: medians over the rounds of the ratios to samestep's way, and of seconds."""
    first, *_ = WAYS
    table = []
    for name in RUNGS:
        by_way = {way: [row[3:] for row in rows if row[1:3] == (name, way)] for way in WAYS}
        for way, taken in by_way.items():
            usual = by_way[first]
            ratios = [median(a[i] / b[i] for a, b in zip(taken, usual, strict=True)) for i in (0, 1)]
            times = [formatting.seconds(median(column)) for column in zip(*taken, strict=True)]
            table.append((name, way, times[0], f"{ratios[0]:.2f}", times[1], f"{ratios[1]:.2f}"))
    head = ("PyTorch's rung", "its threads wait", "its step", "ratio", "NumPy's step right after it", "ratio")
    return "\n".join([
        "# How the threads of a waiting pool wait", "",
        f"{rows[-1][0] + 1} rounds of {CASE}, {TASK}, a thread for each processor, on {machine()}. Made by "
        "`python -m tests.evidence.waiting`; every sample is in `waiting.csv`.", "",
        *formatting.table(head, table, "llrrrr"), "",
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--out", type=Path, default=MEASURING)
    asked = parser.parse_args()
    shop, lot = Workshop(Catalog()), random.Random(0)
    options = Options(threads=len(processors(1)))
    cells = {cell.implementation: cell for cell in select(shop.catalog, [CASE], options)}
    rows = []
    with ExitStack() as stack:
        neighbour = waiting(shop, cells[NEIGHBOUR], WAYS["as samestep sets it"], stack)
        turns = [
            (name, way, waiting(shop, cells[name], how, stack)) for name in RUNGS for way, how in WAYS.items()
        ]
        for number in range(asked.rounds):
            for name, way, turn in lot.sample(turns, len(turns)):
                rows.append((number, name, way, turn()["seconds"], neighbour()["seconds"]))
    columns = ("round", "implementation", "way", "seconds", "neighbour_seconds")
    written(asked.out, "waiting", page(rows), columns, rows)


if __name__ == "__main__":
    main()
