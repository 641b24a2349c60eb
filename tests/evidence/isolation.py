"""Does it change NumPy's time that other frameworks live beside it? Alone and in company, by turns.

    python -m tests.evidence.isolation [--pairs 24]

A pair is two fresh NumPy workers one after the other, the order drawn by lot: one alone on the machine, one with a
PyTorch, a TensorFlow and a JAX worker alive that take their turns between its own, as in a run. Compared is the median
of its samples. Each has one thread: with two, NumPy's own processes differ by a third here. Writes results/measuring/isolation.md.
"""

from __future__ import annotations

import argparse
import random
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from harness.catalog import Catalog
from harness.measure.statistics import contrasts
from harness.process import WorkerProcess
from harness.runner import Workshop
from harness.selection import Cell, Options, select
from tests.evidence.lanes import MEASURING, machine

CASE, TASK, ROUNDS = "two_layer:tutorial", "train_step", 24
COMPANY = ("torch_autograd", "tensorflow_function", "jax_grad")
WITHIN = 0.03


def started(shop: Workshop, cell: Cell, stack: ExitStack) -> tuple[WorkerProcess, int]:
    worker = stack.enter_context(shop.start(cell))
    worker.open(shop.patience)
    request = {**shop.request("prepare", cell), "loops": None}
    return worker, worker.ask(request, shop.patience)["loops"][TASK]


def median(shop: Workshop, cell: Cell, company: list[Cell]) -> float:
    """Seconds of a call of ``cell``, while the company takes turns with it."""
    with ExitStack() as stack:
        workers = [started(shop, one, stack) for one in (*company, cell)]
        seconds = []
        for _ in range(ROUNDS):
            for worker, loops in workers:
                answer = worker.ask({"op": "sample", "task": TASK, "loops": loops}, shop.patience)
            seconds.append(answer["seconds"] / answer["loops"])  # the last one is NumPy
        return float(np.median(seconds))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=24)
    parser.add_argument("--out", type=Path, default=MEASURING)
    asked = parser.parse_args()
    shop, options = Workshop(Catalog()), Options(threads=1)
    cells = {cell.implementation: cell for cell in select(shop.catalog, [CASE], options)}
    company, numpy, lot = [cells[name] for name in COMPANY], cells["numpy_manual"], random.Random(0)
    logs = []
    for _ in range(asked.pairs):
        beside_first = lot.random() < 1 / 2
        times = [
            median(shop, numpy, company if beside else []) for beside in (beside_first, not beside_first)
        ]
        alone, beside = times[::-1] if beside_first else times
        logs.append([float(np.log(beside / alone))])
        print(f"{beside / alone:.4f}", file=sys.stderr, flush=True)
    found = contrasts({"beside": logs})["beside"]
    text = (
        f"# NumPy alone, and beside other frameworks\n\n{asked.pairs} pairs of {ROUNDS} samples of {CASE}, {TASK}, one thread, on {machine()}. "
        f"Made by `python -m tests.evidence.isolation`.\n\nBeside {', '.join(COMPANY)}, alive and taking their turns, numpy_manual takes "
        f"**{found.value:.4f}** times as long as alone; 95 % interval {found.low:.4f} to {found.high:.4f}.\n"
    )
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "isolation.md").write_text(text, encoding="utf-8")
    print(text)
    sys.exit(not 1 - WITHIN <= found.low <= found.high <= 1 + WITHIN)


if __name__ == "__main__":
    main()
