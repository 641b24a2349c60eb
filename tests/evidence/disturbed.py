"""Does the mark "disturbed" tell that another program computes, and only then?

    python -m tests.evidence.disturbed [--rounds 40]

Workers of several frameworks, with a thread for each processor, take a sample each while nothing else computes, and one
while another program does for an eighth of the time, in random order. Writes results/measuring/disturbed.md and .csv.
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
from samestep.catalog.cell import Options
from samestep.catalog.selection import select
from samestep.report import formatting
from samestep.workers.environment import processor_sets
from samestep.workers.launcher import Launcher
from tests.evidence.results import MEASURING, machine, write_csv, write_page
from tests.evidence.warm_workers import warm_worker

CASE = "two_layer:tutorial"
TIMED = (
    ("numpy_manual", "train_step"), ("torch_autograd", "train_step"), ("torch_optim", "train"),
    ("tensorflow_function", "train_step"), ("tensorflow_xla", "train_step"), ("jax_grad", "train_step"),
    ("jax_scan", "train"),
)  # fmt: skip

#: Computes for 2 ms of 16, so that every sample of 20 ms meets it.
OTHER = """
import time
while True:
    end = time.perf_counter() + 0.002
    while time.perf_counter() < end:
        pass
    time.sleep(0.014)
"""

#: Round, implementation, task, whether the other program ran, and whether the sample was marked.
Marked = tuple[int, str, str, bool, bool]


@contextmanager
def another_program() -> Iterator[subprocess.Popen[bytes]]:
    """Start the other program, stopped until it gets a SIGCONT."""
    process = subprocess.Popen([sys.executable, "-I", "-c", OTHER])
    try:
        process.send_signal(signal.SIGSTOP)
        yield process
    finally:
        process.kill()
        process.wait()


def measure(rounds: int) -> list[Marked]:
    """Return every sample of the rounds."""
    launcher, order = Launcher(Catalog()), random.Random(0)
    options = Options(threads=len(processor_sets(1)))
    cells = {cell.implementation: cell for cell in select(launcher.catalog, [CASE], options)}
    rows: list[Marked] = []
    with ExitStack() as stack:
        other = stack.enter_context(another_program())
        workers = [(*one, stack.enter_context(warm_worker(launcher, cells[one[0]], one[1]))) for one in TIMED]
        for number in range(rounds):
            for beside in order.sample([False, True], 2):
                other.send_signal(signal.SIGCONT if beside else signal.SIGSTOP)
                for name, task, worker in order.sample(workers, len(workers)):
                    rows.append((number, name, task, beside, worker.sample().disturbed))
    return rows


def page(rows: list[Marked], rounds: int) -> str:
    """Return the page: the share of marked samples, alone and beside the other program."""
    marked = Counter((name, task, beside) for _, name, task, beside, disturbed in rows if disturbed)
    table = [
        (name, task, *(f"{100 * marked[name, task, beside] / rounds:.0f} %" for beside in (False, True)))
        for name, task in TIMED
    ]
    head = ("implementation", "task", "while nothing else computed", "while another program did")
    return "\n".join([
        "# Which samples are marked as disturbed", "",
        f"{rounds} samples each way of {CASE}, a thread for each processor, on {machine()}; the other program computes for an "
        "eighth of the time. Made by `python -m tests.evidence.disturbed`.", "",
        *formatting.table(head, table, "llrr"), "",
        "Where hardly any sample is marked either way, more threads of the framework compute than there are processors, and wait "
        "for each other: their waiting does not show that another program computes.",
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--out", type=Path, default=MEASURING)
    options = parser.parse_args()
    rows = measure(options.rounds)
    text = page(rows, options.rounds)
    write_page(options.out, "disturbed", text)
    columns = ("round", "implementation", "task", "beside", "disturbed")
    write_csv(options.out, "disturbed", columns, [(*row[:3], int(row[3]), int(row[4])) for row in rows])
    print(text)


if __name__ == "__main__":
    main()
