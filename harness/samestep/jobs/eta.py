"""How long a run will still take, from what it took so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

#: What a unit of work takes at a pace of 1 while nothing of its kind was seen, beside what `GROWTH` says: an
#: examination, an import with the first calls, the same of a later process, a sample with what is around it,
#: a confirmation.
PRIOR_SECONDS = {"check": 1.2, "start": 1.8, "restart": 1.0, "turn": 0.025, "finish": 0.1}

#: How much longer it takes for each second more that the examination of its cell took.
GROWTH = {"check": 0.0, "start": 0.5, "restart": 0.1, "turn": 0.01, "finish": 0.1}

#: Beyond so many seconds, at a pace of 1, the examination waited for a compiler: a start waits for it again,
#: and nothing else does.
COMPILED = 2.0

#: Of these several go on at once.
SIDE_BY_SIDE = ("check",)

Unit = tuple[str, str, str, str]


@dataclass
class Forecast:
    """Units of work that are still to do: a kind, a framework, a cell, and a task or "".

    A unit is taken to last as the last one like it did; if there was none, as those of its kind did, of its
    framework if there were any, and longer where its cell's examination was. ``pace`` is how many times as
    long as usual this processor takes (`samestep.measure.clock.pace`); ``lanes`` how many units go on at once,
    of those that may; ``least`` what is left of a budget, which will be used.
    """

    doing: str = ""
    done_seconds: float = 0.0
    least: float = 0.0
    pace: float = 1.0
    lanes: int = 1
    pending: Counter[Unit] = field(default_factory=Counter)
    last: dict[Unit, float] = field(default_factory=dict)
    beyond: dict[tuple[str, ...], tuple[float, int]] = field(default_factory=dict)

    def expect(self, unit: Unit, times: int = 1) -> None:
        self.pending[unit] += times

    def done(self, unit: Unit, seconds: float) -> None:
        """One of them was done."""
        self.done_seconds += seconds / self._at_once(unit)
        self.pending[unit] = max(0, self.pending[unit] - 1)
        self.last[unit] = seconds
        for key in (unit[:2], unit[:1]):
            total, count = self.beyond.get(key, (0.0, 0))
            self.beyond[key] = total + seconds - self._grown(unit), count + 1

    def drop(self, cell: str) -> None:
        """Nothing of that cell will be done any more."""
        for unit in [unit for unit in self.pending if unit[2] == cell]:
            del self.pending[unit]

    @property
    def left_seconds(self) -> float:
        return max(self.least, self.seconds(self.pending))

    def seconds(self, units: Mapping[Unit, int]) -> float:
        """What so many of these units will take."""
        return sum(count * self._guess(unit) / self._at_once(unit) for unit, count in units.items() if count)

    def _at_once(self, unit: Unit) -> int:
        return self.lanes if unit[0] in SIDE_BY_SIDE else 1

    def _guess(self, unit: Unit) -> float:
        if unit in self.last:
            return self.last[unit]
        for key in (unit[:2], unit[:1]):
            if key in self.beyond:
                total, count = self.beyond[key]
                return max(0.0, total / count) + self._grown(unit)
        guess = self.pace * PRIOR_SECONDS[unit[0]] + self._grown(unit)
        start = self.last.get(("start", *unit[1:]), guess)
        return min(guess, start) if unit[0] == "restart" else guess  # which finds what the start compiled

    def _grown(self, unit: Unit) -> float:
        """What it takes longer because its cell's examination was so long."""
        kind, framework, cell, _ = unit
        examined, compiled = self.last.get(("check", framework, cell, ""), 0.0), self.pace * COMPILED
        return GROWTH[kind] * (examined if kind in ("start", "restart") else min(examined, compiled))
