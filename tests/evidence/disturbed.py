"""Does the mark "disturbed" tell that somebody else computes, and only then?

    python -m tests.evidence.disturbed [--rounds 40]

Workers of several frameworks, with a thread for each processor, take a sample each while nobody else computes, and one
while another program does for an eighth of the time, in an order drawn by lot. Writes results/measuring/disturbed.md
and .csv.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from samestep.catalog.catalog import Catalog
from samestep.catalog.selection import Options, select
from samestep.report import formatting
from samestep.workers.launcher import Workshop
from samestep.workers.process import processors
from tests.evidence.lanes import MEASURING, machine
from tests.evidence.turns import started, written

CASE = "two_layer:tutorial"
ASKED = (
    ("numpy_manual", "train_step"), ("torch_autograd", "train_step"), ("torch_optim", "train"),
    ("tensorflow_function", "train_step"), ("tensorflow_xla", "train_step"), ("jax_grad", "train_step"),
    ("jax_scan", "train"),
)  # fmt: skip

#: Works for 2 ms of 16, so that every sample of 20 ms meets it.
OTHER = """
import time
while True:
    end = time.perf_counter() + 0.002
    while time.perf_counter() < end:
        pass
    time.sleep(0.014)
"""


@contextmanager
def another_program() -> Iterator[subprocess.Popen[bytes]]:
    """Stopped until it is let go."""
    process = subprocess.Popen([sys.executable, "-I", "-c", OTHER])
    try:
        process.send_signal(signal.SIGSTOP)
        yield process
    finally:
        process.kill()
        process.wait()


def page(found: Counter[tuple[str, str, bool]], rounds: int) -> str:
    rows = [
        (name, task, *(f"{100 * found[name, task, beside] / rounds:.0f} %" for beside in (False, True)))
        for name, task in ASKED
    ]
    head = ("implementation", "task", "while nobody else computed", "while another program did")
    return "\n".join([
        "# Which samples are marked as disturbed", "",
        f"{rounds} samples each way of {CASE}, a thread for each processor, on {machine()}; the other program works for an "
        "eighth of the time. Made by `python -m tests.evidence.disturbed`.", "",
        *formatting.table(head, rows, "llrr"), "",
        "Hardly any both ways: more of its threads work than it has processors and wait for each other, so that their waiting "
        "tells nothing of others.", "",
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--out", type=Path, default=MEASURING)
    asked = parser.parse_args()
    shop, lot = Workshop(Catalog()), random.Random(0)
    options = Options(threads=len(processors(1)))
    cells = {cell.implementation: cell for cell in select(shop.catalog, [CASE], options)}
    found, rows = Counter[tuple[str, str, bool]](), []
    with ExitStack() as stack:
        other = stack.enter_context(another_program())
        turns = [(*one, started(shop, cells[one[0]], one[1], stack)[1]) for one in ASKED]
        for number in range(asked.rounds):
            for beside in lot.sample([False, True], 2):
                other.send_signal(signal.SIGCONT if beside else signal.SIGSTOP)
                for name, task, turn in lot.sample(turns, len(turns)):
                    disturbed = turn()["disturbed"]
                    found[name, task, beside] += disturbed
                    rows.append((number, name, task, int(beside), int(disturbed)))
    columns = ("round", "implementation", "task", "beside", "disturbed")
    written(asked.out, "disturbed", page(found, asked.rounds), columns, rows)


if __name__ == "__main__":
    main()
