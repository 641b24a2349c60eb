"""Starts workers for cells, each with the interpreter, the settings and the caches that its cell needs."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from samestep import paths
from samestep.agreement.verdict import AGREE, UNAVAILABLE, Verdict
from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Cell
from samestep.frameworks import Settings
from samestep.ports.catalogs import is_port
from samestep.workers.judge import Judge
from samestep.workers.port_files import PortFiles
from samestep.workers.port_requests import (
    ExaminePort,
    LimitsMeasured,
    MeasureLimits,
    PortExamined,
    RecordReference,
    RepeatTimed,
    WriteWeights,
)
from samestep.workers.process import JUDGE, RequestFailed, WorkerProcess
from samestep.workers.protocol import (
    Confirm,
    Confirmed,
    Examine,
    Examined,
    JudgeTimed,
    Open,
    Opened,
    ReadChanges,
    TimedJudged,
)
from samestep.workers.raw_requests import Subject

#: A worker that has not answered by then is hung. Compiling a network the first time is the slowest
#: legitimate request: minutes on a small machine.
PATIENCE_SECONDS = 600.0


@dataclass(frozen=True)
class Launcher:
    """The settings that the workers of a run have in common, and how they are started.

    ``roots`` are further folders of workloads; ``pythons`` gives the interpreter of a framework's workers, or
    of a release's (`Cell.runtime`);
    ``cache`` is a folder for what compilers keep, of which every cell has a part of its own with
    ``separate_caches``; ``patience`` is how long an answer may take, in seconds; ``port_files`` are what the
    references of port files have written; ``record`` is a record that stands for the reference; ``path`` are
    folders that workers look for modules in first.
    """

    catalog: Catalog
    roots: Sequence[Path] = ()
    pythons: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    cache: Path = field(default_factory=lambda: paths.home() / "compilers")
    separate_caches: bool = False
    patience: float = PATIENCE_SECONDS
    port_files: PortFiles = field(default_factory=PortFiles, compare=False)
    record: Path | None = None
    path: Sequence[Path] = ()

    @property
    def _judged_roots(self) -> tuple[Path, ...]:
        """The roots that the judge may see: no port file is run in its process."""
        return tuple(root for root in self.roots if not is_port(root))

    def catalog_of(self, cell: Cell) -> Catalog:
        """Return the catalog that has the files of a cell."""
        return self.catalog

    def missing(self, cell: Cell) -> Verdict | None:
        """Return `unavailable` for a framework that is not installed, the cell's or that of its port file's
        reference; another interpreter must be asked."""
        judged_in = () if self.record else self.catalog.judged_in(cell.workload)
        for framework in (cell.framework, *judged_in):
            names = {replace(cell, framework=framework).runtime, framework}
            if names & self.pythons.keys() and framework in self.catalog.adapters:
                continue
            if reason := self.catalog.missing(framework):
                return Verdict(UNAVAILABLE, reason)
        return None

    def start(self, cell: Cell, bound_to: Sequence[int] | None = None) -> WorkerProcess:
        """Return a worker for a cell, bound to these processors; `open` comes next."""
        own = hashlib.sha256(cell.key.encode()).hexdigest()[:16] if self.separate_caches else ""
        cache = self.cache / own
        return WorkerProcess(settings_of(cell), self._python(cell), cache, bound_to, path=self.path)

    def open(self, worker: WorkerProcess, cell: Cell) -> Opened:
        """Have a worker import and configure the framework of a cell. Raises as `WorkerProcess.ask`."""
        return worker.ask(Open(cell.framework, settings_of(cell), tuple(self.roots)), self.patience)

    def judge(
        self,
        cell: Cell,
        bound_to: Sequence[int] | None = None,
        started: Callable[[WorkerProcess], WorkerProcess] = lambda process: process,
    ) -> Judge:
        """Return a judge for cells of as many threads, bound to these processors; ``started`` gets each of
        its processes, the first one when it is first asked."""
        settings = Settings(threads=cell.threads)
        return Judge(lambda: started(WorkerProcess(settings, bound_to=bound_to, serves=JUDGE)))

    def examine(
        self, judge: Judge, worker: WorkerProcess, cell: Cell, keep: Path | None = None, free_steps: int = 0,
        only: bool = False,
    ) -> Examined:  # fmt: skip
        """Have the implementation of a cell examined, in a worker that has opened its framework; ``only``
        says that it is examined in no other dtype.

        A port file's is compared with its reference, which is made in the worker as well, or recorded where
        its framework has another interpreter. Raises as `WorkerProcess.ask`.
        """
        subject, roots = self.subject(cell), self._judged_roots
        if self.catalog.is_port(cell.workload):
            found = self._examine_port(worker, cell, thorough=True)
            return Examined(found.verdict, port=found.port)
        request = Examine(subject, settings_of(cell), roots, keep, free_steps, only)
        return judge.ask(worker, request, self.patience)

    def confirm(self, judge: Judge, worker: WorkerProcess, cell: Cell) -> Confirmed:
        """Have examined once more what a worker has timed. Raises as `WorkerProcess.ask`."""
        if self.catalog.is_port(cell.workload):
            return Confirmed(self._examine_port(worker, cell, thorough=False).verdict)
        request = Confirm(self.subject(cell), settings_of(cell), self._judged_roots)
        return judge.ask(worker, request, self.patience)

    def changes(self, worker: WorkerProcess) -> Sequence[str]:
        """Return what the implementation that a worker loaded last changed for all code of its process.

        Raises `WorkerLost` as `WorkerProcess.ask`.
        """
        try:
            return worker.ask(ReadChanges(), self.patience).changes
        except RequestFailed as failed:
            return [f"what this could be read with ({failed})"]

    def judge_timed(self, judge: Judge, worker: WorkerProcess, cell: Cell, judged: bool) -> TimedJudged:
        """Have the result of a worker's last sample compared with that of its calls once more, one of which
        may be ``judged`` by the reference. Raises as `WorkerProcess.ask`.

        Of a port file, whose models were compared, the calls are made once more in the worker itself.
        """
        if self.catalog.is_port(cell.workload):
            return TimedJudged(Verdict(AGREE), worker.ask(RepeatTimed(), self.patience).doubt)
        request = JudgeTimed(self.subject(cell), settings_of(cell), self._judged_roots, judged)
        return judge.ask(worker, request, self.patience)

    def _examine_port(self, worker: WorkerProcess, cell: Cell, thorough: bool) -> PortExamined:
        subject, reference = self.subject(cell), self._reference(cell)
        if self.record is not None:
            return worker.ask(ExaminePort(subject, thorough, self.record), self.patience)
        if self._python(cell) == self._python(reference):
            return worker.ask(ExaminePort(subject, thorough), self.patience)
        name = f"{cell.workload}.{cell.implementation}"
        weights = self.port_files.path(f"{name}.weights")

        def record(path: Path) -> None:
            with self._opened(reference) as other:
                other.ask(RecordReference(subject, weights, path), self.patience)

        made = self.port_files.made(f"{name}.record", record)
        return worker.ask(ExaminePort(replace(subject, weights=weights), thorough, made), self.patience)

    def _reference(self, cell: Cell) -> Cell:
        """Return the cell of the reference of a port file's cell."""
        name = self.catalog.spec(cell.workload).baseline
        framework = self.catalog.implementation(cell.workload, name).framework
        return replace(cell, implementation=name, framework=framework, aa_copy=False)

    def _python(self, cell: Cell) -> str:
        return self.pythons.get(cell.runtime) or self.pythons.get(cell.framework, sys.executable)

    def subject_to_time(self, cell: Cell) -> Subject:
        """Return what a worker is to time; a candidate of a port file comes with its reference's weights,
        which are written once. Raises as `WorkerProcess.ask`."""
        subject = self.subject(cell)
        if not self.catalog.takes_weights(cell.workload, cell.implementation):
            return subject
        reference = self._reference(cell)

        def write(path: Path) -> None:
            with self._opened(reference) as worker:
                worker.ask(WriteWeights(self.subject(reference), path), self.patience)

        return replace(subject, weights=self.port_files.made(f"{cell.workload}.weights", write))

    def record_reference(self, reference: Cell, path: Path) -> None:
        """Have a port file's reference recorded in a file. Raises as `WorkerProcess.ask`."""
        weights = self.port_files.path("recorded.weights")
        with self._opened(reference) as worker:
            worker.ask(RecordReference(self.subject(reference), weights, path), self.patience)

    def limits(self, reference: Cell, replicas: int) -> LimitsMeasured:
        """Return how large correct errors of a port file's reference are. Raises as `WorkerProcess.ask`."""
        with self._opened(reference) as worker:
            return worker.ask(MeasureLimits(self.subject(reference), replicas), self.patience)

    @contextmanager
    def _opened(self, cell: Cell) -> Iterator[WorkerProcess]:
        with self.start(cell) as worker:
            self.open(worker, cell)
            yield worker

    def subject(self, cell: Cell) -> Subject:
        """Return what a worker is to examine or to time."""
        file = Path(cell.file) if cell.file else None
        return Subject(cell.workload, cell.implementation, cell.case, self.seed, file)


def settings_of(cell: Cell) -> Settings:
    """Return how the worker of a cell computes."""
    return Settings(cell.dtype, cell.device, cell.threads, cell.matmul)
