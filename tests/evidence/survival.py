"""What is left of a run when its implementations, its process or its disk fail: the real command line, many times.

    python -m tests.evidence.survival [--kills 50] [--interrupts 20] [--disks 8]

A small made-up workload is measured with NumPy. Each try has a folder of its own and is resumed with `samestep run
--resume` until the run is complete; then its records are compared with those of a run with the same seed that nothing
disturbed. Writes results/measuring/survival.csv and .md.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from samestep.workers.environment import processor_sets
from tests.evidence.results import MEASURING
from tests.evidence.survival_failures import STAGES, contained
from tests.evidence.survival_runs import FullRun, Slot, Try, undisturbed
from tests.evidence.survival_tables import write
from tests.evidence.survival_tries import full_disk, mounted_disk, resumed_alive, side_by_side, stopped
from tests.made.rungs import GOOD, doing, root

#: Makes tries in a slot.
Work = Callable[[Slot], Sequence[Try]]


def work_of(impls: Path, kills: int, interrupts: int, disks: int) -> Iterator[Work]:
    """Return all tries; the moments are drawn from a fixed seed."""

    def one(attempt: Callable[..., Try | None], *arguments: object) -> Work:
        return lambda slot: list(filter(None, [attempt(slot, impls, *arguments)]))

    rng = random.Random(20)
    for stage in STAGES:
        yield partial(all_failures, stage)
    for count in (2, 2, 4):
        yield one(side_by_side, count)
    for number, count in ((signal.SIGKILL, kills), (signal.SIGINT, interrupts)):
        for index in range(count):  # of every fifth the resumed run is stopped as well
            yield one(stopped, number, [rng.uniform(0, 1) for _ in range(2 if index % 5 == 4 else 1)])
    for _ in range(disks):
        yield one(full_disk, rng.uniform(0, 1))
    for share in [rng.uniform(0, 1) for _ in range(3)][: max(1, disks // 3)]:
        yield one(resumed_alive, share)
    for kilobytes in (16, 28)[: max(1, disks // 3)]:
        yield one(mounted_disk, kilobytes)


def all_failures(stage: str, slot: Slot) -> list[Try]:
    """Return the tries of the implementations that fail at a stage."""
    return list(contained(slot, stage))


def campaign(folder: Path, kills: int, interrupts: int, disks: int) -> tuple[list[Try], float]:
    """Return every try, in order, and the mean seconds of an undisturbed run. Two slots share a processor."""
    wrong = doing("learning_rate = 1.001 * learning_rate")
    impls = root(folder / "impls", {"numpy_good": GOOD, "numpy_wrong": wrong})
    slots = [
        Slot(folder / f"slot-{n}", processor, FullRun())
        for n, (processor,) in enumerate(2 * processor_sets(1))
    ]
    free: SimpleQueue[Slot] = SimpleQueue()
    lock = threading.Lock()

    def run(work: Work) -> Sequence[Try]:
        slot = free.get()
        try:
            made = work(slot)
        finally:
            free.put(slot)
        with lock:
            for one in made:
                print(one, file=sys.stderr, flush=True)
        return made

    with ThreadPoolExecutor(len(slots)) as pool:
        full_runs = list(pool.map(lambda slot: undisturbed(slot, impls), slots))
        for slot, full_run in zip(slots, full_runs, strict=True):
            slot.full_run = full_run
            free.put(slot)
        found = list(pool.map(run, work_of(impls, kills, interrupts, disks)))
    seconds = sum(full_run.seconds for full_run in full_runs) / len(full_runs)
    return [one for made in found for one in made], seconds


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--interrupts", type=int, default=20)
    parser.add_argument("--disks", type=int, default=8)
    parser.add_argument("--out", type=Path, default=MEASURING)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tries, seconds = campaign(Path(folder), options.kills, options.interrupts, options.disks)
    write(tries, seconds, options.out)
    sys.exit(0 if all(one.ok for one in tries) else 1)


if __name__ == "__main__":
    main()
