"""What a run was expected to take at its beginning, and why it takes much longer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from samestep.jobs.eta import Eta, Unit

#: A run that takes this many times its forecast says why it goes on.
FACTOR = 2.0

#: The kinds of units in words.
WORDS = {
    "check": "examinations", "start": "first starts", "restart": "later starts", "turn": "samples",
    "finish": "examinations after the timing",
}  # fmt: skip


@dataclass
class Forecast:
    """The seconds that a run was expected to take, and by the kinds of its units; ``told``: it was said why
    it takes longer."""

    seconds: float
    kinds: Mapping[str, float]
    told: bool = False

    @classmethod
    def of(cls, eta: Eta, budget: float | None) -> Forecast:
        """Return what is expected now; a budget will be used."""
        return cls(max(eta.left_seconds, budget or 0.0), _by_kind(eta))

    def overrun(self, eta: Eta, seconds: float) -> str | None:
        """Return why a run that has taken ``seconds`` goes on beyond its forecast: once, when that is over
        and twice of it is expected."""
        expected = seconds + eta.left_seconds
        if self.told or seconds <= self.seconds or expected <= FACTOR * self.seconds:
            return None
        self.told = True
        times = f"forecast to take {duration(self.seconds)}, and now expected to take {duration(expected)}"
        return f"the run was {times}: {self._cause(eta)}"

    def _cause(self, eta: Eta) -> str:
        """Return which kind of units takes the most time beyond its forecast."""
        left = _by_kind(eta)
        now = {kind: eta.spent.get(kind, 0.0) + left.get(kind, 0.0) for kind in WORDS}
        kind = max(WORDS, key=lambda one: now[one] - self.kinds.get(one, 0.0))
        before = self.kinds.get(kind, 0.0)
        if not before:  # as where a width asks for more invocations
            return f"more {WORDS[kind]} were needed"
        return f"{WORDS[kind]} take {now[kind] / before:.1f} times as long as was forecast"


def _by_kind(eta: Eta) -> dict[str, float]:
    """Return the seconds that are still to come, by the kinds of units."""
    kinds: dict[str, dict[Unit, int]] = {}
    for unit, count in eta.pending.items():
        kinds.setdefault(unit.kind, {})[unit] = count
    return {kind: eta.seconds(units) for kind, units in kinds.items()}


def duration(seconds: float) -> str:
    """Return a time of seconds or minutes in words."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
