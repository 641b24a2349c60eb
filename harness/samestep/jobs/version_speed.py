"""The same implementations with two releases, timed by turns: workers of both live side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from samestep.agreement.verdict import AGREE, Verdict
from samestep.analysis.summary import summarize
from samestep.analysis.version_changes import SpeedChange
from samestep.analysis.version_speeds import speed_changes
from samestep.catalog.cell import Cell
from samestep.catalog.selection import with_aa_copies
from samestep.jobs.planning import groups, make_plan
from samestep.jobs.rounds import run_invocation
from samestep.jobs.state import RunState
from samestep.measure import clock
from samestep.records.plan import Plan, Profile, RunOptions
from samestep.records.schema import CellVerdict, Record
from samestep.workers import cleanup
from samestep.workers.launcher import Launcher


@dataclass(frozen=True)
class VersionSpeed:
    """Times cells as much as the ``profile`` says, in the turns of a run; the records are not kept."""

    launcher: Launcher
    profile: Profile
    tell: Callable[[str], None]

    def measure(self, cells: Sequence[Cell], before: str, after: str) -> list[SpeedChange]:
        """Return how the seconds of each task of each cell changed; each group is one cell with the first
        release, once more as the A/A control, and with the second."""
        both = [replace(cell, release=release) for cell in cells for release in (before, after)]
        catalog = self.launcher.catalog
        planned = with_aa_copies(catalog, both)
        options = RunOptions(threads=cells[0].threads, seed=self.launcher.seed)
        plan = make_plan(catalog, planned, (), options, self.profile)
        found = {summary.cell.key: summary for summary in summarize(plan, self._records(plan))}
        pairs = [(found[one.key], found[other.key]) for one, other in zip(both[::2], both[1::2], strict=True)]
        return speed_changes(plan, pairs)

    def _records(self, plan: Plan) -> list[Record]:
        """Return the records of all invocations of cells that were found to agree."""
        kept: list[Record] = []
        state = RunState(plan)

        def keep(record: Record) -> None:
            kept.append(record)
            state.update(record)

        for cell in plan.cells:
            keep(CellVerdict(cell.key, Verdict(AGREE), checked_in=cell.dtype, time=clock.wall_time()))
        with cleanup.temporary_folder() as cache:
            launcher = replace(self.launcher, cache=cache, separate_caches=True)
            for number in range(plan.profile.invocations):
                self.tell(f"timing, process {number + 1} of {plan.profile.invocations} of each")
                for group in groups(launcher.catalog, plan):
                    for record in run_invocation(plan, group, number, state.known, launcher):
                        keep(record)
        return kept
