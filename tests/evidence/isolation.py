"""Does it change NumPy's time that other frameworks live beside it? Alone and in company, in the same rounds.

    python -m tests.evidence.isolation [--processes 12]

A fresh NumPy worker lives beside a PyTorch, a TensorFlow and a JAX worker. Each round times it twice, the order drawn by
lot: in company, where the others take a turn each, drawn anew, and then it takes its own, as in a run; and alone, where
the others are stopped (SIGSTOP) and it takes two turns, of which the second counts, as it finds the caches that it left
itself. Of every process the median of the rounds' ratios counts. Writes results/measuring/isolation.md and .csv.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from samestep.analysis.statistics import contrasts
from samestep.catalog.catalog import Catalog
from samestep.catalog.selection import Cell, Options, select
from samestep.workers.launcher import Workshop
from tests.evidence.lanes import MEASURING, machine
from tests.evidence.turns import started, written

CASE, TASK, ROUNDS = "two_layer:tutorial", "train_step", 40
COMPANY = ("torch_autograd", "tensorflow_function", "jax_grad")
WITHIN = 0.03


def process(
    shop: Workshop, company: list[Cell], numpy: Cell, lot: random.Random
) -> list[tuple[float, float]]:
    """Of one fresh NumPy worker: in each round its seconds alone, and in company."""
    with ExitStack() as stack:
        others = [started(shop, cell, TASK, stack) for cell in company]
        _, turn = started(shop, numpy, TASK, stack)

        def send(number: signal.Signals) -> None:
            for worker, _ in others:
                os.killpg(worker.process.pid, number)

        def alone() -> float:
            send(signal.SIGSTOP)
            turn()
            seconds = turn()["seconds"]
            send(signal.SIGCONT)
            return seconds

        def beside() -> float:
            for _, other in lot.sample(others, len(others)):
                other()
            return turn()["seconds"]

        found = []
        for _ in range(ROUNDS):
            ways = lot.sample([alone, beside], 2)
            seconds = {way: way() for way in ways}
            found.append((seconds[alone], seconds[beside]))
        return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--processes", type=int, default=12)
    parser.add_argument("--out", type=Path, default=MEASURING)
    asked = parser.parse_args()
    shop, options, lot = Workshop(Catalog()), Options(threads=1), random.Random(0)
    cells = {cell.implementation: cell for cell in select(shop.catalog, [CASE], options)}
    company, rows, logs = [cells[name] for name in COMPANY], [], []
    for number in range(asked.processes):
        found = process(shop, company, cells["numpy_manual"], lot)
        rows += [(number, n, *seconds) for n, seconds in enumerate(found)]
        logs.append([float(np.log(beside / alone)) for alone, beside in found])
        print(f"process {number + 1}: {np.exp(np.median(logs[-1])):.4f}", file=sys.stderr, flush=True)
    ratio = contrasts({"beside": logs})["beside"]
    text = (
        f"# NumPy alone, and beside other frameworks\n\n{asked.processes} processes of {ROUNDS} rounds of {CASE}, {TASK}, "
        f"one thread, on {machine()}. Made by `python -m tests.evidence.isolation`; every sample is in `isolation.csv`.\n\n"
        f"Beside {', '.join(COMPANY)}, alive and taking their turns, numpy_manual takes **{ratio.value:.4f}** times as "
        f"long as alone; 95 % interval {ratio.low:.4f} to {ratio.high:.4f}.\n"
    )
    written(asked.out, "isolation", text, ("process", "round", "alone_seconds", "beside_seconds"), rows)
    sys.exit(not 1 - WITHIN <= ratio.low <= ratio.high <= 1 + WITHIN)


if __name__ == "__main__":
    main()
