"""Times what agrees: a run's plan, its invocations, and when it is enough.

An invocation goes through the arenas (`samestep.jobs.rounds`), all workers fresh; several invocations make a run. It
ends after as many as the profile says; or, where a width or a budget of seconds was asked for, when every
interval is that narrow, or before the invocation that would not fit any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psutil

from samestep.analysis.summary import summarize
from samestep.catalog.selection import Cell
from samestep.jobs import precheck
from samestep.jobs.eta import Forecast, Unit
from samestep.jobs.rounds import Turns, unit
from samestep.measure import clock
from samestep.records.store import Record, Run
from samestep.workers.launcher import Workshop, batches

#: Workers alive at once, whatever the memory: a baseline, its second name and two others at least.
FEWEST, MOST = 4, 32

#: What is set aside for each: the largest, TensorFlow's, hold 0.9 GiB.
WORKER_BYTES = 2**30

#: No width is worth more processes than that.
MOST_INVOCATIONS = 30

#: How often the forecast is kept in the records, in seconds.
FORECAST_SECONDS = 10.0


@dataclass(frozen=True)
class Profile:
    """How much is measured: ``invocations`` of fresh processes, each of so many ``rounds``; with ``width``
    (of a ratio's 95 % interval, as a part of it) or ``budget`` (seconds) as many more as that takes; at most
    ``alive`` workers live side by side."""

    invocations: int
    rounds: int
    width: float | None = None
    budget: float | None = None
    alive: int = 16  # as it was in runs that do not say


PROFILES = {"quick": Profile(invocations=2, rounds=4), "full": Profile(invocations=20, rounds=8)}

Watcher = Callable[[Forecast], None]
Numbered = tuple[int, list[Cell]]


def room() -> int:
    """How many workers this machine's memory has room for."""
    return int(min(max(psutil.virtual_memory().total // WORKER_BYTES, FEWEST), MOST))


class Bench:
    """One run: ``measure`` does what is left of it."""

    def __init__(self, workshop: Workshop, run: Run, profile: Profile, watcher: Watcher) -> None:
        self.workshop = workshop
        self.run = run
        self.profile = profile
        self.rounds = profile.rounds
        self.watcher = watcher
        records = list(run.records())
        self.taken = {
            (r["kind"], r["arena"], r["cell"], r["invocation"], r["round"], r.get("task"))
            for r in records
            if r["kind"] in ("sample", "peak") and not r.get("repeated")
        }
        self.finished = {(r["arena"], r["invocation"]) for r in records if r["kind"] == "finished"}
        self.agreed: set[str] = set()
        self.loops = {r["cell"]: r["loops"] for r in records if r["kind"] == "start"}
        self.imports: dict[tuple[str, str], float] = {}
        self.stopped = any(r["kind"] == "stopped" for r in records)
        self.forecast = Forecast(pace=clock.pace())
        self.noted = clock.now()
        told = (r["elapsed_seconds"] for r in records if r["kind"] == "forecast")
        self.began = self.noted - max(told, default=0.0)  # an earlier try's time is a part of the budget

    def plan(self, cells: Sequence[Cell]) -> None:
        """Tell the forecast what `measure` will do, if all goes well."""
        self.forecast.pending.clear()
        self.agreed = {cell.key for cell in cells if not self.workshop.missing(cell)}
        precheck.plan(self, cells)
        for number, arena in self._arenas(cells):
            for invocation in range(self.certain):
                self.expect(number, arena, invocation)

    def measure(self, cells: Sequence[Cell]) -> None:
        """Examine the cells, then time those that agree, in every invocation of every arena; what the records
        of an earlier try hold is not repeated."""
        if self.stopped:
            return
        self.plan(cells)
        precheck.screen(self, cells)
        self.agreed = precheck.agreed(cells, self.run.records())
        for cell in cells:
            if cell.key not in self.agreed:
                self.forecast.drop(cell.key)
        for invocation, left in self._invocations(self._arenas(cells)):
            for number, arena in left:
                if (number, invocation) in self.finished:
                    continue
                if invocation >= self.certain:
                    self.expect(number, arena, invocation)
                Turns(self, number, arena, invocation).take()

    def _arenas(self, cells: Sequence[Cell]) -> list[Numbered]:
        return list(enumerate(batches(self.workshop.catalog, cells, self.profile.alive)))

    def _invocations(self, arenas: Sequence[Numbered]) -> Iterator[tuple[int, Sequence[Numbered]]]:
        """Each invocation with the arenas that it is still needed for."""
        profile = self.profile
        most = MOST_INVOCATIONS if profile.width or profile.budget else profile.invocations
        for invocation in range(max(most, profile.invocations)):
            left = self._wide(arenas, invocation)
            if profile.width and not left:
                self.keep("stopped", reason="width", invocations=invocation)
                return
            if profile.budget and invocation and not self._fits(left, invocation, profile.budget):
                self.keep("stopped", reason="budget", invocations=invocation)
                return
            yield invocation, left

    def _fits(self, arenas: Sequence[Numbered], invocation: int, budget: float) -> bool:
        """Whether the rest of an invocation is over within the budget; what is finished takes no time."""
        units = [self._units(number, arena, invocation) for number, arena in arenas]
        cost = sum(map(self.forecast.seconds, units))
        return not cost or clock.now() - self.began + cost <= budget

    def _wide(self, arenas: Sequence[Numbered], invocation: int) -> Sequence[Numbered]:
        """The arenas whose intervals are not yet as narrow as was asked for."""
        width = self.profile.width
        if width is None or invocation < self.profile.invocations:
            return arenas
        wide = {
            summary.cell["key"]
            for summary in summarize(self.run.about, self.run.records())
            for task in summary.tasks.values()
            if task.ratio is not None and not task.ratio.high <= task.ratio.low * (1 + width)
        }
        return [(number, arena) for number, arena in arenas if any(cell.key in wide for cell in arena)]

    @property
    def certain(self) -> int:
        """How many invocations there will be in any case: with a budget, one."""
        return 1 if self.profile.budget else self.profile.invocations

    def expect(self, number: int, cells: Sequence[Cell], invocation: int) -> None:
        """Tell the forecast what cells of an arena still have to do in an invocation."""
        for one, times in self._units(number, cells, invocation).items():
            self.forecast.expect(one, times)

    def drop(self, number: int, cell: Cell, invocation: int) -> None:
        """Tell the forecast that a worker is gone; the next invocation tries again what may be right."""
        self.forecast.drop(cell.key)
        for later in range(invocation + 1, self.certain):
            self.expect(number, [cell], later)

    def _units(self, number: int, cells: Sequence[Cell], invocation: int) -> Counter[Unit]:
        found: Counter[Unit] = Counter()
        if (number, invocation) in self.finished:
            return found
        for cell in cells:
            if cell.key in self.agreed:
                found[unit("restart" if invocation else "start", cell)] += 1
                found[unit("finish", cell)] += 1
                for task, left in self._turns(number, cell, invocation).items():
                    found[unit("turn", cell, task)] += left
        return found

    def _turns(self, number: int, cell: Cell, invocation: int) -> dict[str, int]:
        """The turns that a cell still has in an invocation."""
        catalog = self.workshop.catalog
        tasks = catalog.tasks(catalog.implementation(cell.workload, cell.implementation))
        rounds = range(self.profile.rounds)
        return {
            task: sum(("sample", number, cell.key, invocation, r, task) not in self.taken for r in rounds)
            for task in tasks
        }

    def watch(self) -> None:
        """Tell the watcher, and now and then the records, how long it will still take."""
        now = clock.now()
        if self.profile.budget:
            self.forecast.least = self.profile.budget - (now - self.began)
        self.watcher(self.forecast)
        if now - self.noted > FORECAST_SECONDS:
            self.noted = now
            self.keep("forecast", elapsed_seconds=now - self.began, left_seconds=self.forecast.left_seconds)

    def keep(self, kind: str, **record: Any) -> None:
        """Record it; a sample is flushed only, since a sync would take as long (`Turns` syncs)."""
        self.run.append([self._stamped(kind, **record)], sync=kind != "sample")

    def _stamped(self, kind: str, **record: Any) -> Record:
        return {"run": self.run.folder.name, "kind": kind, "time": clock.wall_time(), **record}
