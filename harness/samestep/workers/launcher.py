"""Plans, starts workers, gives turns, keeps what comes back. It runs none of their code itself."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samestep import paths
from samestep.agreement.verdict import TIMEOUT, UNAVAILABLE, Verdict
from samestep.catalog.catalog import Catalog
from samestep.catalog.selection import Cell, arenas
from samestep.errors import SamestepError
from samestep.measure import clock
from samestep.workers.pool import Lanes
from samestep.workers.process import WorkerLost, WorkerProcess, processors

if TYPE_CHECKING:
    from samestep.agreement.findings import Distance

#: A worker that has not answered by then is hung. Compiling a network the first time is the slowest
#: honest thing: minutes on a small machine.
PATIENCE_SECONDS = 600.0

Answer = dict[str, Any]
Listener = Callable[[Cell, Answer], None]


@dataclass
class Workshop:
    """What every worker of a run needs: interpreters by framework, further roots, the seed, a folder for what
    compilers keep.

    ``keep`` is a folder for what each cell gave at its first step; ``trajectory`` asks for a
    free run of so many steps; of the cells of ``aside`` only the verdict is wanted. With ``by_cell`` no cell
    finds what another's compilers kept.
    """

    catalog: Catalog
    roots: Sequence[Path] = ()
    pythons: dict[str, str] = field(default_factory=dict)
    seed: int = 0
    cache: Path = field(default_factory=lambda: paths.home() / "compilers")
    patience: float = PATIENCE_SECONDS
    keep: Path | None = None
    trajectory: int = 0
    aside: frozenset[Cell] = frozenset()
    by_cell: bool = False
    started: list[WorkerProcess] = field(default_factory=list, init=False)
    stopped: bool = field(default=False, init=False)

    def missing(self, cell: Cell) -> Verdict | None:
        """`unavailable` for a framework that is not installed; another interpreter must be asked."""
        if cell.framework in self.pythons and cell.framework in self.catalog.adapters:
            return None
        reason = self.catalog.missing(cell.framework)
        return Verdict(UNAVAILABLE, reason) if reason else None

    def start(self, cell: Cell, bound_to: Sequence[int] | None = None) -> WorkerProcess:
        settings = {
            "dtype": cell.dtype,
            "device": cell.device,
            "threads": cell.threads,
            "matmul": cell.matmul,
        }
        interpreter = self.pythons.get(cell.framework)
        more = {"python": interpreter} if interpreter else {}
        own = hashlib.sha256(cell.key.encode()).hexdigest()[:16] if self.by_cell else ""
        worker = WorkerProcess(
            cell.framework, settings, roots=self.roots, cache=self.cache / own, bound_to=bound_to, **more
        )
        self.started.append(worker)
        if self.stopped:
            worker.stop()
            raise SamestepError("stopped")
        return worker

    def stop(self) -> None:
        """End all workers, whichever thread waits for them, and let none start any more."""
        self.stopped = True
        for worker in list(self.started):
            worker.kill()

    def request(self, op: str, cell: Cell) -> Answer:
        return {
            "op": op,
            "workload": cell.workload,
            "implementation": cell.implementation,
            "case": cell.case,
            "file": cell.file,
            "seed": self.seed,
            "keep": str(self.kept(cell)) if self.keep and cell not in self.aside else None,
            "trajectory": 0 if cell in self.aside else self.trajectory,
        }

    def kept(self, cell: Cell) -> Path:
        """The file of a cell under ``keep``."""
        assert self.keep is not None
        return self.keep / f"{cell.key.replace('/', '|')}.npz"


def check(workshop: Workshop, cells: Sequence[Cell], heard: Listener) -> None:
    """Examine every cell; ``heard`` gets each cell's answer as it comes, from several threads.

    One worker holds all implementations of a framework at one dtype, device and precision. Nothing is
    timed here, so as many workers go on side by side as there are processors for their threads.
    """
    if not cells:
        return
    groups: dict[tuple[str, ...], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.framework, cell.dtype, cell.device, cell.matmul), []).append(cell)
    gpu = threading.Lock()  # one worker at a time holds it
    # The longest first, so that the last one is not waited for alone.
    ordered = sorted(groups.values(), key=len, reverse=True)
    sets = processors(max(cell.threads for cell in cells))

    def examine(group: list[Cell], bound_to: list[int]) -> None:
        with gpu if group[0].device == "gpu" else nullcontext():
            _check_group(workshop, group, heard, bound_to)

    with Lanes(sets, workshop.stop) as lanes:
        lanes.each(ordered, examine)


def _check_group(workshop: Workshop, cells: list[Cell], heard: Listener, bound_to: list[int]) -> None:
    """One worker for all cells; after a crash, one for each that is left, the one that met it included."""
    missing = workshop.missing(cells[0])
    if missing:
        for cell in cells:
            heard(cell, {"verdict": missing.as_dict()})
        return
    left = list(cells)
    try:
        with workshop.start(cells[0], bound_to) as worker:
            opened = worker.open(workshop.patience)
            while left:
                heard(left[0], _asked(worker, workshop, left[0], opened))
                left.pop(0)
    except WorkerLost as lost:
        _unless_stopped(workshop)
        if lost.verdict.verdict == TIMEOUT:  # once is long enough
            heard(left.pop(0), _gone(lost))
    for cell in left:
        heard(cell, _check_alone(workshop, cell, bound_to))


def _check_alone(workshop: Workshop, cell: Cell, bound_to: list[int]) -> Answer:
    with workshop.start(cell, bound_to) as worker:
        try:
            return _asked(worker, workshop, cell, worker.open(workshop.patience))
        except WorkerLost as lost:
            _unless_stopped(workshop)
            return _gone(lost)


def _unless_stopped(workshop: Workshop) -> None:
    """A worker that we ended ourselves says nothing of its cell."""
    if workshop.stopped:
        raise SamestepError("stopped")


def _gone(lost: WorkerLost) -> Answer:
    return {"verdict": lost.verdict.as_dict(), "stderr": lost.stderr}


def _asked(worker: WorkerProcess, workshop: Workshop, cell: Cell, opened: Answer) -> Answer:
    if not opened["ok"]:
        return opened
    began = clock.now()
    answer = worker.ask(workshop.request("check", cell), workshop.patience)
    return {**answer, "took": clock.now() - began}


def distances(workshop: Workshop, cells: Sequence[Cell]) -> Iterator[tuple[Cell, Cell, Distance]]:
    """How far every two cells of one workload, case, dtype and device are apart, that gave something."""
    from samestep.agreement.distance import apart, kept  # it needs NumPy, and `samestep list` does not

    groups: dict[tuple[str, ...], list[Cell]] = {}
    for cell in cells:
        if workshop.kept(cell).is_file():
            group = (cell.workload, cell.case, cell.dtype, cell.device, cell.matmul)
            groups.setdefault(group, []).append(cell)
    for peers in groups.values():
        values = {cell: kept(workshop.kept(cell)) for cell in peers}
        for first, second in combinations(peers, 2):
            sigmas = {**values[second][1], **values[first][1]}
            found = apart(values[first][0], values[second][0], sigmas)
            if found:
                yield first, second, found


def failed(cell: Cell, verdict: str, required: Sequence[str] = ()) -> bool:
    """Whether the exit code must say so: anything but agreement, and absence where it was asked for."""
    if verdict == UNAVAILABLE:
        return cell.named or cell.framework in required
    return verdict != "agree"


def batches(catalog: Catalog, cells: Sequence[Cell], size: int) -> Iterator[list[Cell]]:
    """Cells that are measured side by side, ``size`` workers at most, and the baseline is the first.

    Where there are more, it runs in every batch, under both of its names, so that each ratio is taken between
    neighbours.
    """
    for first, *rest in arenas(catalog, cells):
        always = [first, *(cell for cell in rest if cell.twin)]
        others, room = [cell for cell in rest if not cell.twin], size - len(always)
        for start in range(0, len(others) or 1, room):
            yield [*always, *others[start : start + room]]
