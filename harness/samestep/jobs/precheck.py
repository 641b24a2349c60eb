"""Before anything is timed every cell is examined, in its own dtype and in float64, several at a time, each
with one thread.

Wrong mathematics keeps its size in float64, where the limits are 2^29 times as narrow, so it is looked for
there before anything is timed in float32. Compilers' caches are the user's here: those of the run are still
empty when its cold times are taken.
"""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from samestep import paths
from samestep.agreement.verdict import AGREE, Verdict
from samestep.catalog.cell import Cell
from samestep.jobs.check import Examination, Wanted, check, distances
from samestep.jobs.eta import Unit, unit
from samestep.jobs.progress import Progress
from samestep.jobs.state import RunState
from samestep.measure import clock
from samestep.records.schema import CellDistance, CellFreeRun, CellVerdict, Record
from samestep.workers.launcher import Launcher

#: Steps of a free run beside the reference.
FREE_STEPS = 100


@dataclass(frozen=True)
class Precheck:
    """The examinations of a run. What an earlier try has examined (``state``) is not examined again; in the
    ``folder`` lies what each cell gave at its first step, so that a resumed run finds it."""

    launcher: Launcher
    cells: Sequence[Cell]
    state: RunState
    folder: Path

    def left(self) -> dict[Cell, list[Cell]]:
        """Return what is still to be examined, each with the cells that its verdict is about."""
        about: dict[Cell, list[Cell]] = {}
        for cell in self.cells:
            own = replace(cell, aa_copy=False, threads=1)
            about.setdefault(own, []).append(cell)
            # Models of port files are compared in float64 as they are.
            twice = cell.dtype == "float32" and not self.launcher.catalog.is_port(cell.workload)
            if twice and not self.launcher.missing(cell):
                about.setdefault(replace(own, dtype="float64"), []).append(cell)
        done = self.state.examined
        return {one: group for one, group in about.items() if not {(c.key, one.dtype) for c in group} <= done}

    def units(self) -> Counter[Unit]:
        """Return the units of work that are left."""
        return Counter(_unit(one, group) for one, group in self.left().items())

    def run(self, on_record: Callable[[Record], None], progress: Progress) -> None:
        """Examine all that is left; verdicts, free runs and distances are recorded as they come."""
        left = self.left()
        own = {replace(cell, threads=1): cell for cell in self.cells if not cell.aa_copy}
        if left:
            launcher = replace(self.launcher, cache=paths.home() / "compilers", separate_caches=False)
            wanted = Wanted(self.folder, FREE_STEPS, frozenset(left) - frozenset(own))
            lock = threading.Lock()

            def on_result(found: Examination) -> None:
                with lock:
                    for record in _records(found, left[found.cell]):
                        on_record(record)
                    one = found.cell
                    progress.done(_unit(one, left[one]), found.seconds)
                    progress.doing(f"{one.of_case} {one.implementation} in {one.dtype} was examined")

            check(launcher, list(left), on_result, wanted)
        if self.folder.exists():
            for pair in distances(self.folder, list(own)):
                a, b = own[pair.a], own[pair.b]
                on_record(CellDistance(a.key, b.key, pair.distance, clock.wall_time()))
            shutil.rmtree(self.folder)


def _unit(one: Cell, group: Sequence[Cell]) -> Unit:
    return unit("check", group[0], "" if one.dtype == group[0].dtype else one.dtype)


def _records(found: Examination, group: Sequence[Cell]) -> Iterator[Record]:
    """Return the records of an examination, for each cell that it is about."""
    for cell in group:
        yield CellVerdict(
            cell.key, _verdict(found, cell), checked_in=found.cell.dtype, stderr=found.stderr or None,
            time=clock.wall_time(),
        )  # fmt: skip
        if found.free_run and found.cell.dtype == cell.dtype and not cell.aa_copy:
            yield CellFreeRun(cell.key, found.free_run, clock.wall_time())


def _verdict(found: Examination, cell: Cell) -> Verdict:
    """Return the verdict of a cell; of another dtype than its own without the details."""
    verdict, dtype = found.verdict, found.cell.dtype
    if dtype == cell.dtype:
        return verdict
    if verdict.verdict == AGREE:
        return Verdict(AGREE)
    return replace(verdict, reason=f"in {dtype}: {verdict.reason}")
