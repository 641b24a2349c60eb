"""What else ran on the processors while a sample was taken, as the kernel saw it.

The scheduler keeps for each thread how long it could have run and did not (/proc/pid/task/*/schedstat, see
sched-stats.rst of the kernel); the hypervisor tells how long it ran somebody else ("steal" in /proc/stat, in
ticks of 10 ms, proc(5)).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

#: A sample is disturbed if its threads waited for a processor for more than this share of its time.
SHARE = 1 / 20

NANO = 1e-9
TASKS = Path("/proc/self/task")


@dataclass(frozen=True)
class Reading:
    """Nanoseconds that the busy threads have waited, and ticks that were stolen from all processors."""

    waited: int
    stolen: int

    def disturbed(self, before: Reading, seconds: float) -> bool:
        waited = (self.waited - before.waited) * NANO
        return waited > SHARE * seconds or self.stolen > before.stolen


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
        return Reading(sum(_schedstat(thread)[1] for thread in self.busy), _stolen())


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
