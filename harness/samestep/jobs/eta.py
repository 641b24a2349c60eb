"""How long a run will still take, from what it took so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from samestep.catalog.cell import Cell

#: Seconds of a unit of work on a processor of usual speed while nothing of its kind was measured, beside what
#: `GROWTH` adds: an examination, an import with the first calls, the same of a later process, a sample with
#: what is around it, a confirmation.
PRIOR_SECONDS = {"check": 1.2, "start": 1.8, "restart": 1.0, "turn": 0.025, "finish": 0.1}

#: Seconds that a unit takes longer for each second that the examination of its cell took.
GROWTH = {"check": 0.0, "start": 0.5, "restart": 0.1, "turn": 0.01, "finish": 0.1}

#: Beyond this many seconds, on a processor of usual speed, the examination waited for a compiler: a start
#: waits for it again, and nothing else does.
COMPILED = 2.0

#: Kinds of which several units go on at once.
SIDE_BY_SIDE = ("check",)


@dataclass(frozen=True)
class Unit:
    """A unit of work: its kind, and the cell (by its key) and the task that it is about."""

    kind: str
    framework: str
    cell: str
    task: str = ""


def unit(kind: str, cell: Cell, task: str = "") -> Unit:
    """Return a unit of work about a cell."""
    return Unit(kind, cell.framework, cell.key, task)


@dataclass
class Eta:
    """Units of work that are still to do, and the seconds that they will take.

    A unit is taken to last as the last one like it did; if there was none, as those of its kind did, of its
    framework if there were any, and longer where its cell's examination was. ``pace`` is how many times as
    long as usual this processor takes (`samestep.measure.clock.pace`); ``workers`` how many units go on at
    once, of those that may; ``least`` the seconds left of a budget, which will be used, or until a width is
    expected. ``spent`` are the seconds that were taken, by kind.
    """

    doing: str = ""
    done_seconds: float = 0.0
    least: float = 0.0
    pace: float = 1.0
    workers: int = 1
    pending: Counter[Unit] = field(default_factory=Counter)
    spent: dict[str, float] = field(default_factory=dict)
    last: dict[Unit, float] = field(default_factory=dict)
    totals: dict[tuple[str, ...], tuple[float, int]] = field(default_factory=dict)

    def expect(self, units: Mapping[Unit, int]) -> None:
        """Add units of work, each to be done N times."""
        self.pending.update(units)

    def done(self, unit: Unit, seconds: float) -> None:
        """Record that one of them was done."""
        self.done_seconds += seconds / self._at_once(unit)
        self.spent[unit.kind] = self.spent.get(unit.kind, 0.0) + seconds / self._at_once(unit)
        self.pending[unit] = max(0, self.pending[unit] - 1)
        self.last[unit] = seconds
        for key in _alike(unit):
            total, count = self.totals.get(key, (0.0, 0))
            self.totals[key] = total + seconds - self._growth(unit), count + 1

    def drop(self, cell: str) -> None:
        """Expect nothing of a cell any more."""
        for unit in [unit for unit in self.pending if unit.cell == cell]:
            del self.pending[unit]

    def counts(self, kind: str) -> tuple[int, int]:
        """Return how many units of a kind were done, and how many there are in all."""
        done = self.totals[kind,][1] if (kind,) in self.totals else 0
        return done, done + sum(count for unit, count in self.pending.items() if unit.kind == kind)

    @property
    def left_seconds(self) -> float:
        """How long it will still take."""
        return max(self.least, self.seconds(self.pending))

    def seconds(self, units: Mapping[Unit, int]) -> float:
        """Return how long these units will take, each done N times."""
        return sum(count * self._guess(unit) / self._at_once(unit) for unit, count in units.items() if count)

    def _at_once(self, unit: Unit) -> int:
        return self.workers if unit.kind in SIDE_BY_SIDE else 1

    def _guess(self, unit: Unit) -> float:
        if unit in self.last:
            return self.last[unit]
        for key in _alike(unit):
            if key in self.totals:
                total, count = self.totals[key]
                return max(0.0, total / count) + self._growth(unit)
        guess = self.pace * PRIOR_SECONDS[unit.kind] + self._growth(unit)
        start = self.last.get(Unit("start", unit.framework, unit.cell, unit.task), guess)
        return min(guess, start) if unit.kind == "restart" else guess  # which finds what the start compiled

    def _growth(self, unit: Unit) -> float:
        """Return what it takes longer because its cell's examination was so long."""
        examined = self.last.get(Unit("check", unit.framework, unit.cell), 0.0)
        compiled = self.pace * COMPILED
        return GROWTH[unit.kind] * (
            examined if unit.kind in ("start", "restart") else min(examined, compiled)
        )


def _alike(unit: Unit) -> tuple[tuple[str, ...], ...]:
    """Return what a unit is like: its kind in its framework, and its kind."""
    return (unit.kind, unit.framework), (unit.kind,)
