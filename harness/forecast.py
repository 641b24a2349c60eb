"""How long a run will still take, from what it took so far."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

#: What a unit of work takes while nothing of its kind was seen: an import and an examination, the same of a
#: process that needs no examination any more, a sample with what is around it, a confirmation.
PRIOR_SECONDS = {"check": 2.0, "start": 6.0, "restart": 3.0, "turn": 0.05, "finish": 1.0}

Unit = tuple[str, str, str, str]


@dataclass
class Forecast:
    """Units of work that are still to do: a kind, a framework, a cell, and a task or "".

    A unit is taken to last as the last one like it did; if there was none, as its framework's did on average;
    or its kind's.
    """

    doing: str = ""
    done_seconds: float = 0.0
    pending: Counter[Unit] = field(default_factory=Counter)
    last: dict[Unit, float] = field(default_factory=dict)
    means: dict[tuple[str, ...], tuple[float, int]] = field(default_factory=dict)

    def expect(self, unit: Unit, times: int = 1) -> None:
        self.pending[unit] += times

    def done(self, unit: Unit, seconds: float) -> None:
        """One of them was done."""
        self.done_seconds += seconds
        self.pending[unit] = max(0, self.pending[unit] - 1)
        self.last[unit] = seconds
        for key in (unit[:2], unit[:1]):
            total, count = self.means.get(key, (0.0, 0))
            self.means[key] = total + seconds, count + 1

    def drop(self, cell: str) -> None:
        """Nothing of that cell will be done any more."""
        for unit in [unit for unit in self.pending if unit[2] == cell]:
            del self.pending[unit]

    @property
    def left_seconds(self) -> float:
        return sum(count * self._guess(unit) for unit, count in self.pending.items() if count)

    def _guess(self, unit: Unit) -> float:
        if unit in self.last:
            return self.last[unit]
        for key in (unit[:2], unit[:1]):
            if key in self.means:
                total, count = self.means[key]
                return total / count
        return PRIOR_SECONDS[unit[0]]
