"""Workers that answer at once, for the schedule of a run: what they say, a test may change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from samestep.agreement.verdict import AGREE, Verdict
from samestep.analysis.summary import CellSummary, summarize
from samestep.catalog.cell import Cell, Options
from samestep.catalog.selection import select, with_aa_copies
from samestep.jobs import precheck
from samestep.jobs.bench import bench
from samestep.jobs.check import Examination, Wanted
from samestep.jobs.eta import Eta
from samestep.jobs.planning import make_plan
from samestep.measure.account import Spent
from samestep.records.plan import Profile, RunOptions
from samestep.records.schema import FrameworkFacts, Sample
from samestep.records.store import Run
from samestep.workers.launcher import Launcher
from samestep.workers.protocol import (
    ChangesRead,
    Confirm,
    Confirmed,
    Done,
    JudgeTimed,
    LookAt,
    LookedAt,
    MakeReady,
    MeasurePeak,
    MeetAgain,
    MemoryRead,
    MetAgain,
    Open,
    Opened,
    PeakMeasured,
    Prepare,
    Prepared,
    ReadChanges,
    ReadMemory,
    Rest,
    Sampled,
    TakeSample,
    TimedJudged,
)
from samestep.workers.request import Request

TASKS = ("loss_and_grads", "train_step", "train")
PROFILE = Profile(invocations=2, rounds=3)

#: What the parent waits for a sample beyond its own time, as a part of that.
ROUND_TRIP = 1 / 1000


class Instant:
    """Stands for a `WorkerProcess`: agrees, and takes a time that its cell and its turn determine."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.alive = True
        self.passed = 0.0  # on the parent's clock, in seconds of this worker's samples
        self.asked: list[Request[Any]] = []

    def stop(self) -> None:
        self.alive = False

    kill = stop

    def ask(self, request: Request[Any], _: float) -> Any:
        assert self.alive
        self.asked.append(request)
        answer = getattr(self, OPERATIONS[type(request)])(request)
        if isinstance(answer, Sampled):
            self.passed += answer.seconds * (1 + ROUND_TRIP)
        return answer

    def spent(self) -> Spent:
        return Spent(self.passed, self.passed, self.passed, 0.0)

    def done(self, _: Rest | MakeReady) -> Done:
        return Done()

    def look_at(self, _: LookAt) -> LookedAt:
        return LookedAt(late=0.0)

    def meet_again(self, _: MeetAgain) -> MetAgain:
        return MetAgain(first=1.0, again=1.0)

    def read_changes(self, _: ReadChanges) -> ChangesRead:
        return ChangesRead([])

    def judge_timed(self, _: JudgeTimed) -> TimedJudged:
        return TimedJudged(Verdict(AGREE))

    def open(self, _: Open) -> Opened:
        return Opened(FrameworkFacts(import_seconds=0.25, versions={}, threads=1, matmul="float32"))

    def prepare(self, request: Prepare) -> Prepared:
        loops = request.loops or dict.fromkeys(TASKS, 1)
        warm = Prepared(0.5, {task: [1.5] for task in TASKS}, {}, loops)
        steps = {**dict.fromkeys(TASKS), "train": 4}
        return warm if request.loops else replace(warm, steps=steps, latency={}, parts={})

    def sample(self, _: TakeSample) -> Sampled:
        slower = 2.0 if self.cell.implementation == "numpy_slow" else 1.0
        wide = 8.0 if self.cell.dtype == "float64" else 1.0
        return Sampled(seconds=slower * wide, loops=1, disturbed=False)

    def measure_peak(self, _: MeasurePeak) -> PeakMeasured:
        return PeakMeasured(seconds=1.0, flops=2400.0, processors=1.0)

    def confirm(self, _: Confirm) -> Confirmed:
        return Confirmed(Verdict(AGREE))

    def read_memory(self, _: ReadMemory) -> MemoryRead:
        return MemoryRead(peak_memory_bytes=1000)


OPERATIONS = {
    Open: "open", Prepare: "prepare", TakeSample: "sample", MeasurePeak: "measure_peak", Confirm: "confirm",
    ReadMemory: "read_memory", ReadChanges: "read_changes", Rest: "done", MakeReady: "done",
    LookAt: "look_at", MeetAgain: "meet_again", JudgeTimed: "judge_timed",
}  # fmt: skip

#: What an answer says otherwise, by its fields (of an opening, by those of the framework's facts).
Change = Callable[[Instant, Any], dict[str, Any]]


def answering(monkeypatch: pytest.MonkeyPatch, operation: str, change: Change) -> None:
    """From now on all workers answer an operation as before, but for what ``change`` says."""
    before = getattr(Instant, operation)

    def after(self: Instant, request: Request[Any]) -> Any:
        answer, fields = before(self, request), change(self, request)
        if isinstance(answer, Opened):
            return Opened(replace(answer.facts, **fields))
        return replace(answer, **fields)

    monkeypatch.setattr(Instant, operation, after)


def examining(monkeypatch: pytest.MonkeyPatch, verdicts: dict[tuple[str, str], Verdict]) -> list[Cell]:
    """From now on what is examined agrees, but for these, by implementation and dtype; what was asked."""
    asked: list[Cell] = []

    def check(
        _: Launcher, cells: list[Cell], on_result: Callable[[Examination], None], wanted: Wanted
    ) -> None:
        for cell in cells:
            asked.append(cell)
            verdict = verdicts.get((cell.implementation, cell.dtype), Verdict(AGREE))
            on_result(Examination(cell, verdict, seconds=1.0))

    monkeypatch.setattr(precheck, "check", check)
    return asked


def ignore(_: Eta) -> None:
    """No progress bar."""


def planned(launcher: Launcher, options: Options, selector: str = "rigged") -> list[Cell]:
    return with_aa_copies(launcher.catalog, select(launcher.catalog, [selector], options))


def begin(
    folder: Path, launcher: Launcher, options: Options | None = None, profile: Profile = PROFILE,
    selector: str = "rigged",
) -> Run:  # fmt: skip
    """A run that has nothing but its plan."""
    options = options or Options()
    cells = planned(launcher, options, selector)
    roots = [str(root) for root in launcher.roots]
    asked = RunOptions(**vars(options), seed=launcher.seed, roots=roots)
    plan = make_plan(launcher.catalog, cells, [selector], asked, profile)
    return Run.create(folder, "machine", plan)


def measured(
    folder: Path, launcher: Launcher, options: Options | None = None, profile: Profile = PROFILE
) -> Run:
    """A run from its beginning to its end."""
    run = begin(folder, launcher, options, profile)
    bench(run, launcher, ignore)
    return run


def of_kind(run: Run, kind: type) -> list[tuple[Any, ...]]:
    """Which cell, when and at what: what makes a record one of its own. Re-measured samples do not count."""
    names = ("group", "invocation", "round", "task", "cell")
    return [
        tuple(getattr(record, name) for name in names if hasattr(record, name))
        for record in run.records()
        if isinstance(record, kind) and not (isinstance(record, Sample) and record.repeated)
    ]


def records(run: Run, kind: type) -> list[Any]:
    return [record for record in run.records() if isinstance(record, kind)]


def summaries(run: Run) -> dict[str, CellSummary]:
    """The summaries, by their implementation."""
    return {summary.cell.implementation: summary for summary in summarize(run.plan, run.records())}
