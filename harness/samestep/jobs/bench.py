"""Times what agrees: a run's invocations, and when they are enough.

An invocation measures each comparison group (`samestep.jobs.rounds`), all workers fresh; several invocations
make a run. It ends after as many as the profile says; or, where a width or a budget of seconds was asked
for, when every interval is that narrow, or before the invocation that would not fit any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import closing

from samestep.catalog.cell import Cell
from samestep.catalog.identity import edited
from samestep.errors import SamestepError
from samestep.jobs.eta import Eta, Unit, unit
from samestep.jobs.forecast import Forecast
from samestep.jobs.lookout import Lookout, Say
from samestep.jobs.narrowing import Narrowing
from samestep.jobs.planning import groups
from samestep.jobs.precheck import Precheck
from samestep.jobs.rounds import Group, run_invocation
from samestep.jobs.state import RunState
from samestep.measure import clock
from samestep.records import schema
from samestep.records.resume_command import how_to_go_on
from samestep.records.schema import Record, Sample, Stopped
from samestep.records.store import Run
from samestep.workers.environment import processor_sets
from samestep.workers.launcher import Launcher

#: No width is worth more processes than that.
MOST_INVOCATIONS = 30

#: How often the ETA is recorded, in seconds.
ETA_SECONDS = 10.0

#: Called with the ETA after every step.
Watcher = Callable[[Eta], None]


def bench(run: Run, launcher: Launcher, watcher: Watcher, say: Say | None = None) -> None:
    """Examine the cells of a run, then time those that agree, in every invocation of every group; what its
    records hold already is not repeated. A run that its budget has ended gets as much once more.

    ``say`` is called with what a person is to read at once: that the machine is busy, that it takes longer.
    For that the machine is watched for a moment before anything is begun.
    """
    _Bench(run, launcher, watcher, say).measure()


class _Bench:
    def __init__(self, run: Run, launcher: Launcher, watcher: Watcher, say: Say | None) -> None:
        self.run = run
        self.plan = run.plan
        self.profile = self.plan.profile
        self.launcher = launcher
        self.watcher = watcher
        self.state = RunState.of(self.plan, run.records())
        self.groups = groups(launcher.catalog, self.plan)
        self.precheck = Precheck(launcher, self.plan.cells, self.state, run.folder / "first steps")
        self.eta = Eta(pace=clock.pace(), workers=len(processor_sets(1)))
        self.lookout = Lookout(self.plan.options.threads, say)
        self.recorded = self.here = clock.now()
        spent = 0.0 if self.state.stopped == "budget" else self.state.elapsed_seconds
        self.began = self.here - spent  # earlier tries are a part of the budget
        self.current: tuple[Group, int] | None = None
        self.narrow_at: float | None = None  # when the width that was asked for is expected

    def measure(self) -> None:
        """Do what is left of the run."""
        if self.state.stopped in ("width", "most"):
            return
        if found := self.lookout.watch():
            self.keep(found)
        self._plan()
        self.forecast = Forecast.of(self.eta, self.profile.budget)
        self.precheck.run(self.keep, self)
        agreed = self.state.agreed
        for cell in self.plan.cells:
            if cell.key not in agreed:
                self.eta.drop(cell.key)
        for invocation, left in self._invocations():
            for group in left:
                if (group.number, invocation) not in self.state.finished:
                    self._invocation(group, invocation)
                    self._see_that_nothing_was_edited()

    def _plan(self) -> None:
        """Expect what there will be to do if all goes well."""
        self.eta.expect(self.precheck.units())
        hopeful = {cell.key for cell in self.plan.cells if not self.launcher.missing(cell)}
        for group in self.groups:
            for invocation in range(self.certain):
                self.eta.expect(self._units(group, group.cells, invocation, hopeful))

    @property
    def certain(self) -> int:
        """How many invocations there will be in any case: with a budget, one."""
        return 1 if self.profile.budget else self.profile.invocations

    def _invocations(self) -> Iterator[tuple[int, Sequence[Group]]]:
        """Return each invocation with the groups that it is still needed for."""
        profile = self.profile
        most = max(profile.invocations, MOST_INVOCATIONS if profile.width or profile.budget else 0)
        for invocation in range(most):
            left = self._wide(invocation)
            if profile.width and not left:
                return self.keep(Stopped("width", invocation, clock.wall_time()))
            if profile.budget and invocation and not self._fits(left, invocation, profile.budget):
                return self.keep(Stopped("budget", invocation, clock.wall_time()))
            yield invocation, left
        if profile.width or profile.budget:
            self.keep(Stopped("most", most, clock.wall_time()))
        return None

    def _fits(self, left: Sequence[Group], invocation: int, budget: float) -> bool:
        """Whether the rest of an invocation is over within the budget; what is finished takes no time."""
        cost = self._cost(left, invocation)
        return not cost or clock.now() - self.began + cost <= budget

    def _cost(self, left: Sequence[Group], invocation: int) -> float:
        """Return the seconds that what is left of an invocation of these groups will take."""
        units = (self._units(group, group.cells, invocation, self.state.agreed) for group in left)
        return sum(map(self.eta.seconds, units))

    def _wide(self, invocation: int) -> Sequence[Group]:
        """Return the groups whose intervals are not yet as narrow as was asked for."""
        width = self.profile.width
        if width is None or invocation < self.profile.invocations:
            return self.groups
        found = Narrowing.of(self.plan, self.run.records(), width)
        left = [group for group in self.groups if any(cell.key in found.wide for cell in group.cells)]
        if left and invocation < MOST_INVOCATIONS:
            cost = self._cost(left, invocation)
            self.lookout.tell(found.sentence(invocation, MOST_INVOCATIONS, cost))
            more = min(found.more(invocation), MOST_INVOCATIONS - invocation)
            self.narrow_at = clock.now() + more * cost
        return left

    def _invocation(self, group: Group, invocation: int) -> None:
        """Measure a group once; a sync to the disk takes as long as a short sample, so it waits for the end
        of the round."""
        if invocation >= self.certain:
            self.eta.expect(self._units(group, group.cells, invocation, self.state.agreed))
        self.current, turn = (group, invocation), 0
        records = run_invocation(self.plan, group, invocation, self.state.known, self.launcher, self)
        with closing(records):
            for record in records:
                if isinstance(record, Sample) and record.round != turn:
                    self.run.sync()
                    turn = record.round
                self.keep(record)

    def _see_that_nothing_was_edited(self) -> None:
        """Raise SamestepError where what is measured is not what the run began with."""
        plan = self.plan
        if plan.revision or not plan.sources:
            return
        if found := edited(self.launcher.catalog, plan.cells, plan.sources):
            raise SamestepError(
                f"the code of {found[0]} was edited while it was measured: {self.run.folder} has times of "
                "both; start a new run"
            )

    def keep(self, record: Record) -> None:
        """Record it, and update what is known."""
        self.run.append([record], sync=not isinstance(record, Sample))
        self.state.update(record)

    def _units(self, group: Group, cells: Sequence[Cell], invocation: int, agreed: Set[str]) -> Counter[Unit]:
        """Return what cells of a group still have to do in an invocation."""
        found: Counter[Unit] = Counter()
        if (group.number, invocation) in self.state.finished:
            return found
        for cell in cells:
            if cell.key in agreed:
                found[unit("restart" if invocation else "start", cell)] += 1
                found[unit("finish", cell)] += 1
                for task, left in self._turns(group, cell, invocation).items():
                    found[unit("turn", cell, task)] += left
        return found

    def _turns(self, group: Group, cell: Cell, invocation: int) -> dict[str, int]:
        """Return the turns that a cell still has in an invocation, by task."""
        catalog, process = self.launcher.catalog_of(cell), (group.number, invocation)
        tasks = catalog.tasks(catalog.implementation(cell.workload, cell.implementation))
        rounds = range(self.profile.rounds)
        return {
            task: sum(("sample", process, cell.key, turn, task) not in self.state.taken for turn in rounds)
            for task in tasks
        }

    # -- progress --------------------------------------------------------------------------------------

    def doing(self, what: str) -> None:
        """Show it, and now and then record how long it will still take."""
        now = clock.now()
        self.eta.doing = what
        if self.profile.budget:
            self.eta.least = self.profile.budget - (now - self.began)
        elif self.narrow_at is not None:
            self.eta.least = max(0.0, self.narrow_at - now)
        self.watcher(self.eta)
        if found := self.lookout.look():
            self.keep(found)
        if late := self.forecast.overrun(self.eta, now - self.here):
            causes = "; ".join(filter(None, (late, self.lookout.cause)))
            ends = f"Ctrl-C ends it now; {how_to_go_on(self.run.folder, self.plan)}"
            self.lookout.tell(f"{causes}. It goes on until all is measured; {ends}")
        if now - self.recorded > ETA_SECONDS:
            self.recorded = now
            self.keep(schema.Eta(now - self.began, self.eta.left_seconds, clock.wall_time()))

    def done(self, unit: Unit, seconds: float) -> None:
        """Count a unit of work as done."""
        self.eta.done(unit, seconds)

    def dismissed(self, cell: Cell) -> None:
        """Expect nothing of a worker that is gone; the next invocation tries again what may be right."""
        self.eta.drop(cell.key)
        if self.current:
            group, invocation = self.current
            for later in range(invocation + 1, self.certain):
                self.eta.expect(self._units(group, [cell], later, self.state.agreed))
