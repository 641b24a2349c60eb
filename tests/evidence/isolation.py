"""Does it change NumPy's time that workers of other frameworks are alive beside it?

    python -m tests.evidence.isolation [--processes 12] [--rounds 40]

A fresh NumPy worker lives beside a PyTorch, a TensorFlow and a JAX worker. Each round times it twice, in random order:
beside them, where the others take a turn each, in random order, before it takes its own, as in a run; and alone, where
the others are stopped (SIGSTOP) and it takes two turns, of which the second counts, as it finds the caches that it left
itself. Of every process the median of the rounds' ratios counts. Writes results/measuring/isolation.md and .csv.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from samestep.analysis.statistics import Contrast, contrasts
from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Cell, Options
from samestep.catalog.selection import select
from samestep.report import formatting
from samestep.workers.launcher import Launcher
from tests.evidence.results import MEASURING, machine, write_csv, write_page
from tests.evidence.warm_workers import warm_worker

CASE, TASK, ROUNDS = "two_layer:tutorial", "train_step", 40
OTHERS = ("torch_autograd", "tensorflow_function", "jax_grad")

#: Isolation holds where the interval of the ratio is within this of 1.
WITHIN = 0.03


def seconds_of_process(
    launcher: Launcher, others: Sequence[Cell], numpy: Cell, order: random.Random, rounds: int
) -> list[tuple[float, float]]:
    """Return the seconds of one call of a fresh NumPy worker in each round: alone, and beside the others."""
    with ExitStack() as stack:
        neighbours = [stack.enter_context(warm_worker(launcher, cell, TASK)) for cell in others]
        worker = stack.enter_context(warm_worker(launcher, numpy, TASK))

        def send(number: signal.Signals) -> None:
            for one in neighbours:
                os.killpg(one.process.process.pid, number)

        def alone() -> float:
            send(signal.SIGSTOP)
            worker.sample()
            seconds = worker.seconds_per_call()
            send(signal.SIGCONT)
            return seconds

        def beside() -> float:
            for neighbour in order.sample(neighbours, len(neighbours)):
                neighbour.sample()
            return worker.seconds_per_call()

        found = []
        for _ in range(rounds):
            ways = order.sample([alone, beside], 2)
            seconds = {way: way() for way in ways}
            found.append((seconds[alone], seconds[beside]))
        return found


def page(ratio: Contrast, processes: int, rounds: int) -> str:
    """Return the page: the ratio of the times beside others to those alone."""
    return (
        f"# NumPy alone, and beside other frameworks\n\n{formatting.counted(processes, 'process', 'processes')} of {rounds} rounds of {CASE}, {TASK}, "
        f"one thread, on {machine()}. Made by `python -m tests.evidence.isolation`; every sample is in `isolation.csv`.\n\n"
        f"Beside {', '.join(OTHERS)}, alive and taking their turns, numpy_manual takes **{ratio.value:.4f}** times as "
        f"long as alone; 95 % interval {ratio.low:.4f} to {ratio.high:.4f}."
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--processes", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--out", type=Path, default=MEASURING)
    options = parser.parse_args()
    launcher, order = Launcher(Catalog()), random.Random(0)
    selected = select(launcher.catalog, [CASE], Options(threads=1))
    cells = {cell.implementation: cell for cell in selected}
    others, rows, logs = [cells[name] for name in OTHERS], [], []
    for number in range(options.processes):
        found = seconds_of_process(launcher, others, cells["numpy_manual"], order, options.rounds)
        rows += [(number, n, *seconds) for n, seconds in enumerate(found)]
        logs.append([float(np.log(beside / alone)) for alone, beside in found])
        print(f"process {number + 1}: {np.exp(np.median(logs[-1])):.4f}", file=sys.stderr, flush=True)
    ratio = contrasts({"beside": logs})["beside"]
    text = page(ratio, options.processes, options.rounds)
    write_page(options.out, "isolation", text)
    write_csv(options.out, "isolation", ("process", "round", "alone_seconds", "beside_seconds"), rows)
    print(text)
    sys.exit(not 1 - WITHIN <= ratio.low <= ratio.high <= 1 + WITHIN)


if __name__ == "__main__":
    main()
