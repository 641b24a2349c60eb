"""What does it cost that the threads of a waiting pool sleep, and what does it cost where they spin?

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
from unittest.mock import patch

from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Cell, Options
from samestep.catalog.selection import select
from samestep.report import formatting
from samestep.workers import environment, process
from samestep.workers.launcher import Launcher
from tests.evidence.results import MEASURING, machine, write_csv, write_page
from tests.evidence.warm_workers import WarmWorker, warm_worker

CASE, TASK = "two_layer:tutorial", "train_step"
RUNGS, NEIGHBOUR = ("torch_autograd", "torch_optim"), "numpy_manual"
NAMES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
USUAL = "as samestep sets it"

#: Variables of libgomp; None leaves one to libgomp itself.
WAYS: dict[str, Mapping[str, str | None]] = {
    USUAL: {name: environment.environment("cpu", 1)[name] for name in NAMES},
    "asleep at once": {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": None},
    "as libgomp does by itself": dict.fromkeys(NAMES),
}

#: Round, implementation, way of waiting, and seconds of a call: its own, and NumPy's right after it.
Timed = tuple[int, str, str, float, float]


def variables(
    way: Mapping[str, str | None], device: str, threads: int, cache: Path | None = None
) -> dict[str, str]:
    """Return the environment of a worker whose threads wait in this way."""
    usual = environment.environment(device, threads, cache)
    own = {name: value for name, value in way.items() if value is not None}
    return {name: value for name, value in usual.items() if name not in NAMES} | own


def waiting_worker(launcher: Launcher, cell: Cell, way: str, stack: ExitStack) -> WarmWorker:
    """Return a warm worker whose threads wait in this way; it ends with the stack."""
    with patch.object(process, "environment", partial(variables, WAYS[way])):
        return stack.enter_context(warm_worker(launcher, cell, TASK))


def measure(rounds: int) -> list[Timed]:
    """Return the times of all rounds."""
    launcher, order = Launcher(Catalog()), random.Random(0)
    options = Options(threads=len(environment.processor_sets(1)))
    cells = {cell.implementation: cell for cell in select(launcher.catalog, [CASE], options)}
    rows: list[Timed] = []
    with ExitStack() as stack:
        neighbour = waiting_worker(launcher, cells[NEIGHBOUR], USUAL, stack)
        workers = [
            (name, way, waiting_worker(launcher, cells[name], way, stack)) for name in RUNGS for way in WAYS
        ]
        for number in range(rounds):
            for name, way, worker in order.sample(workers, len(workers)):
                seconds = worker.seconds_per_call()
                rows.append((number, name, way, seconds, neighbour.seconds_per_call()))
    return rows


def page(rows: list[Timed]) -> str:
    """Return the page: medians over the rounds of the seconds, and of the ratios to samestep's way."""
    table = []
    for name in RUNGS:
        by_way = {way: [row[3:] for row in rows if row[1:3] == (name, way)] for way in WAYS}
        for way, taken in by_way.items():
            usual = by_way[USUAL]
            ratios = [median(a[i] / b[i] for a, b in zip(taken, usual, strict=True)) for i in (0, 1)]
            times = [formatting.seconds(median(column)) for column in zip(*taken, strict=True)]
            table.append((name, way, times[0], f"{ratios[0]:.2f}", times[1], f"{ratios[1]:.2f}"))
    head = ("implementation", "its threads wait", "its step", "ratio", "NumPy's step right after it", "ratio")
    return "\n".join([
        "# How the threads of a waiting pool wait", "",
        f"{rows[-1][0] + 1} rounds of {CASE}, {TASK}, a thread for each processor, on {machine()}. Made by "
        "`python -m tests.evidence.waiting`; every sample is in `waiting.csv`.", "",
        *formatting.table(head, table, "llrrrr"),
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--out", type=Path, default=MEASURING)
    options = parser.parse_args()
    rows = measure(options.rounds)
    text = page(rows)
    write_page(options.out, "waiting", text)
    columns = ("round", "implementation", "way", "seconds", "neighbour_seconds")
    write_csv(options.out, "waiting", columns, rows)
    print(text)


if __name__ == "__main__":
    main()
