"""Looks now and then at what others use of the machine, and says once that they keep it busy."""

from __future__ import annotations

from collections.abc import Callable

from samestep.analysis.busy import by_others, is_busy
from samestep.measure import clock, load
from samestep.records.schema import MachineLoad

#: Seconds that the machine is watched before a run, and between looks while it goes.
FIRST_SECONDS, SECONDS = 0.6, 10.0

#: Called with a line that a person is to read at once.
Say = Callable[[str], None]


class Lookout:
    """What others use beside a run whose workers have ``threads`` each; without ``say`` nobody is told."""

    def __init__(self, threads: int, say: Say | None) -> None:
        self.threads = threads
        self.say = say
        self.told = False
        self.last: MachineLoad | None = None
        self.before = load.look()
        self.due = clock.now() + SECONDS

    def watch(self) -> MachineLoad | None:
        """Return what others use while this process waits; None where that cannot be told, or nobody is."""
        if self.say is None:
            return None
        clock.pause(FIRST_SECONDS)
        return self._look()

    def look(self) -> MachineLoad | None:
        """Return what others used since the last look, where it is time for one and that can be told."""
        return self._look() if clock.now() >= self.due else None

    def _look(self) -> MachineLoad | None:
        self.due = clock.now() + SECONDS
        now = load.look()
        found = load.used_by_others(self.before, now, clock.wall_time())
        if found is None:
            return None
        self.before, self.last = now, found
        if is_busy(found, self.threads) and not self.told:
            self.told = True
            self.tell(
                f"{by_others(found)}: times will scatter, and the run may take much longer than forecast"
            )
        return found

    def tell(self, line: str) -> None:
        """Say a line to whoever listens."""
        if self.say is not None:
            self.say(line)

    @property
    def cause(self) -> str | None:
        """What others use, where they kept the machine busy at the last look."""
        return by_others(self.last) if self.last and is_busy(self.last, self.threads) else None
