"""What else ran on the processors while a sample was taken, as the kernel saw it.

The scheduler keeps for each thread how long it could have run and did not (/proc/pid/task/*/schedstat, see
sched-stats.rst of the kernel); the hypervisor tells how long it ran somebody else ("steal" in /proc/stat, in
ticks of 10 ms, proc(5)).

Where more threads of one process work than it may use processors, as JAX's and TensorFlow's do beside the one
that calls them, they wait for each other, undisturbed. Then their waiting says nothing about other processes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: A sample is disturbed if its threads waited for a processor for more than this share of its time; a thread
#: that ran for less did not work in it.
SHARE = 1 / 20

NANO = 1e-9
TASKS = Path("/proc/self/task")


@dataclass(frozen=True)
class Reading:
    """Nanoseconds that each busy thread has run and has waited; ticks that were stolen from all processors,
    and how many those are."""

    threads: Mapping[Path, tuple[int, int]]
    stolen: int
    processors: int

    def disturbed(self, before: Reading, seconds: float) -> bool:
        """Return whether another process ran during a sample; ``before`` is of the same threads."""
        ran, waited = (
            [(now[which] - before.threads[thread][which]) * NANO for thread, now in self.threads.items()]
            for which in (0, 1)
        )
        alone = sum(one > SHARE * seconds for one in ran) <= self.processors
        return (alone and sum(waited) > SHARE * seconds) or self.stolen > before.stolen


class Interference:
    """Watches those threads of this process that do the work; `settle` finds them."""

    def __init__(self) -> None:
        self.busy: set[Path] = set()
        self.ran: dict[Path, int] = {}

    def settle(self, seconds: float) -> None:
        """Watch from now on the threads that ran for a hundredth of ``seconds`` since this was last asked."""
        before, self.ran = self.ran, {}
        for thread in TASKS.iterdir():
            self.ran[thread] = _schedstat(thread)[0]
        self.busy |= {t for t, ran in self.ran.items() if (ran - before.get(t, 0)) * NANO > seconds / 100}

    def read(self) -> Reading:
        threads = {thread: _schedstat(thread) for thread in self.busy}
        return Reading(threads, _stolen(), len(os.sched_getaffinity(0)))


def _schedstat(thread: Path) -> tuple[int, int]:
    """Nanoseconds on a processor, and runnable without one; 0 of a thread that is gone, or where the kernel
    does not keep them."""
    try:
        ran, waited, _ = (thread / "schedstat").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return 0, 0
    return int(ran), int(waited)


def _stolen() -> int:
    """Ticks over those processors that this process may use."""
    mine = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    with Path("/proc/stat").open(encoding="ascii") as file:
        lines = (line.split() for line in file if line.startswith("cpu"))
        return sum(int(fields[8]) for fields in lines if fields[0] in mine)
