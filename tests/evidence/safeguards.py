"""What do the safeguards of a run cost it: those that keep a wrong verdict and a forged time out?

    python -m tests.evidence.safeguards [--selector two_layer:tutorial/torch_optim]... [--invocations 6]

One real run, in which every part that is there for safety alone is timed where the parent waits for it (where several
workers go on side by side, as if each went on alone). What the parent cannot see is timed in this process, with the
same code on the same cells: training at full length in float64, and waiting for results. Writes
results/measuring/safeguards.md and .csv.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from samestep import open_cell
from samestep.agreement.examination.full_length import FullLength
from samestep.agreement.verdict import AGREE
from samestep.analysis.summary import summarize
from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Cell, Options
from samestep.catalog.selection import select, with_aa_copies
from samestep.jobs.bench import bench
from samestep.jobs.lookout import Lookout
from samestep.jobs.planning import PROFILES, make_plan
from samestep.jobs.sampling import Sampling
from samestep.measure.clock import nothing, now, timed
from samestep.measure.timed_tasks import TimedCandidate, TimedTasks
from samestep.records.plan import Profile, RunOptions
from samestep.records.schema import Sample
from samestep.records.store import Run
from samestep.report import formatting
from samestep.workers.environment import processor_sets
from samestep.workers.launcher import Launcher, settings_of
from samestep.workers.process import RequestFailed, WorkerProcess
from samestep.workers.protocol import Confirm, LookAt, MakeReady, ReadChanges, Rest
from samestep.workers.raw_requests import Subject
from tests.evidence.examiner import Examiner, Problem
from tests.evidence.results import MEASURING, machine, write_csv, write_page
from tests.evidence.warm_workers import warm_worker

CASE = "two_layer:tutorial"
RUNGS = ("numpy_manual", "torch_autograd", "torch_optim", "tensorflow_function", "jax_grad", "jax_scan")
SELECTORS = [f"{CASE}/{rung}" for rung in RUNGS]
NEW, ACCOUNT, LOOKED = (
    "inputs drawn and a state adopted anew, each sample",
    "the parent's account",
    "results looked at",
)
CLOCKS, IDLE = "what was replaced in a process", "what a request for nothing costs"
REPEATED, RIGHT = "calls on inputs that were met", "results of samples made once more and judged"
AGAIN, WATCH = "doubtful samples, repeated", "what others use of the machine"
LONG, RELAY = "training at full length in float64", "calls that pass from the judge through the parent"
JUDGE, WAIT = "the judge's processes start", "results waited for inside the clock"

#: The part that a request is, and the method that a part is.
REQUESTS = {MakeReady: NEW, LookAt: LOOKED, ReadChanges: CLOCKS}
METHODS = (
    (WorkerProcess, "spent", ACCOUNT), (Sampling, "_cost", IDLE), (Sampling, "see_that_it_computes", REPEATED),
    (Sampling, "see_that_it_is_right", RIGHT), (Lookout, "watch", WATCH), (Lookout, "look", WATCH),
)  # fmt: skip

#: What is cheap is timed so often, and the middle one counts.
TIMES = 100


@dataclass
class Ledger:
    """The seconds of each part, and how often it was; what a part holds of another is the other's alone."""

    seconds: Counter[str] = field(default_factory=Counter)
    times: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)
    inner: threading.local = field(default_factory=threading.local)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what is done meanwhile as this part; "" leaves it uncounted."""
        outside, self.inner.seconds = getattr(self.inner, "seconds", 0.0), 0.0
        began = now()
        try:
            yield
        finally:
            lasted, held = now() - began, self.inner.seconds
            self.inner.seconds = outside + (lasted if name else held)
            if name:
                self.add(name, lasted - held)

    def add(self, name: str, seconds: float, times: int = 1) -> None:
        """Count N seconds as a part."""
        with self.lock:
            self.seconds[name] += seconds
            self.times[name] += times

    def timed(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """Return the function, which is counted as this part."""

        def counted(*arguments: Any, **named: Any) -> Any:
            with self.part(name):
                return function(*arguments, **named)

        return counted

    def asked(self, ask: Callable[..., Any]) -> Callable[..., Any]:
        """Return what asks a worker, counted by what it is asked."""

        def counted(worker: WorkerProcess, request: object, *more: Any) -> Any:
            with self.part(REQUESTS.get(type(request), "")):
                return ask(worker, request, *more)

        return counted

    def passed_on(self, exchange: Callable[..., Any]) -> Callable[..., Any]:
        """Return what exchanges messages; those of the judge come without a relay of their own."""

        def counted(worker: WorkerProcess, message: object, deadline: object, *relay: Any) -> Any:
            if not relay:
                self.add(RELAY, 0.0)
            return exchange(worker, message, deadline, *relay)

        return counted

    def attempted(self, attempt: Callable[..., Any]) -> Callable[..., Any]:
        """Return what takes a sample, of which a doubtful one is counted as a whole."""

        def counted(*arguments: Any) -> Any:
            began, before = now(), getattr(self.inner, "seconds", 0.0)
            made = attempt(*arguments)
            if made.doubt is not None:
                rest = now() - began - (self.inner.seconds - before)
                self.inner.seconds += rest
                self.add(AGAIN, rest)
            return made

        return counted

    @contextmanager
    def open(self) -> Iterator[None]:
        """Count the parts of what runs meanwhile."""
        with ExitStack() as stack:
            for owner, method, name in METHODS:
                stack.enter_context(patch.object(owner, method, self.timed(getattr(owner, method), name)))
            for owner, method, count in (
                (WorkerProcess, "ask", self.asked), (WorkerProcess, "exchange", self.passed_on),
                (Sampling, "_attempt", self.attempted),
            ):  # fmt: skip
                stack.enter_context(patch.object(owner, method, count(getattr(owner, method))))
            yield


def measure(selectors: Sequence[str], profile: Profile, ledger: Ledger) -> float:
    """Make a run and count its parts; return its seconds. Raises SystemExit where a cell does not agree."""
    launcher, options = Launcher(Catalog()), Options()
    chosen = select(launcher.catalog, selectors, options)
    cells = with_aa_copies(launcher.catalog, chosen)
    with tempfile.TemporaryDirectory() as folder:
        out, cache = Path(folder) / "out", Path(folder) / "cache"
        plan = make_plan(launcher.catalog, cells, selectors, RunOptions(**vars(options)), profile)
        run = Run.create(out, "here", plan)
        began = now()
        with ledger.open():
            bench(
                run, replace(launcher, cache=cache, separate_caches=True), lambda eta: None, lambda line: None
            )
        took, records = now() - began, list(run.records())
    if other := [one.cell.key for one in summarize(plan, records) if one.verdict != AGREE]:
        raise SystemExit(f"{other[0]} does not agree: nothing is measured")
    samples = Counter((one.cell, one.task) for one in records if isinstance(one, Sample))
    for cell in chosen:
        unseen(
            cell, {task: count for (key, task), count in samples.items() if key.startswith(cell.key)}, ledger
        )
    travel(launcher, chosen[0], ledger)
    return took


def unseen(cell: Cell, samples: dict[str, int], ledger: Ledger) -> None:
    """Count what a parent does not see of a cell, of a number of samples of each task."""
    problem = Problem(cell.workload, cell.case, seed=0)
    candidate = open_cell(problem.selector(cell.implementation), dtype="float64", kind=TimedCandidate)
    with patch.object(FullLength, "check", ledger.timed(FullLength.check, LONG)):
        assert Examiner("float64").examine(problem, candidate).verdict == AGREE
    tasks = TimedTasks(candidate)
    for task, count in samples.items():
        tasks.wait(returned := tasks.call(task)())
        waits = [timed(lambda done=returned: tasks.wait(done), nothing)[0] for _ in range(TIMES)]
        ledger.add(WAIT, count * median(waits), count)


def travel(launcher: Launcher, cell: Cell, ledger: Ledger) -> None:
    """Count what it takes that the judge is another process: to start it, and for calls to pass through."""
    nobody = Confirm(Subject(cell.workload, cell.implementation, "none", 0), settings_of(cell))
    with warm_worker(launcher, cell, next(iter(launcher.catalog.spec(cell.workload).tasks))) as worker:
        trips = [timed(lambda: worker.process.ask(Rest(), worker.patience), nothing)[0] for _ in range(TIMES)]
        # From the judge to the parent and back, and from there to the worker and back.
        ledger.seconds[RELAY] = 2 * median(trips) * ledger.times[RELAY]
        for _ in processor_sets(1):
            # It has read its modules when it answers that there is no such case.
            with launcher.judge(cell) as judge, ledger.part(JUDGE), suppress(RequestFailed):
                judge.ask(worker.process, nobody, worker.patience)


def rows_of(ledger: Ledger, took: float) -> list[tuple[str, int, float, float]]:
    """Return each part, how often it was, its seconds, and those as a share of the run without all parts."""
    without = took - sum(ledger.seconds.values())
    return [
        (name, ledger.times[name], spent, spent / without) for name, spent in ledger.seconds.most_common()
    ]


def page(rows: Sequence[tuple[str, int, float, float]], took: float, what: str) -> str:
    table = [
        (name, f"{times:,}", f"{spent:.3f}", f"{100 * share:.2f} %") for name, times, spent, share in rows
    ]
    spent, share = (sum(column) for column in zip(*(row[2:] for row in rows), strict=True))
    return "\n".join([
        "# What the safeguards cost a run", "",
        f"{what} on {machine()}. Made by `python -m tests.evidence.safeguards`.", "",
        f"**{100 * share:.1f} %**: of the {took:.1f} s that it took, {spent:.2f} were for safety alone.", "",
        *formatting.table(("part", "times", "seconds", "of the rest of the run"), table, "lrrr"), "",
        "Seconds are those that the parent waited, of parts that went on side by side the sum. Counted from what was timed "
        f"beside the run: {LONG}; {WAIT}; {JUDGE} (before the run; later ones stand under “{RIGHT}”); {RELAY} (two round "
        "trips of an empty request for each). An examination after the last round is as old as the timing, and is not counted.",
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--selector", action="append")
    parser.add_argument("--invocations", type=int, default=6)
    parser.add_argument("--out", type=Path, default=MEASURING)
    asked = parser.parse_args()
    profile = replace(PROFILES["full"], invocations=asked.invocations)
    ledger, selectors = Ledger(), asked.selector or SELECTORS
    took = measure(selectors, profile, ledger)
    rows = rows_of(ledger, took)
    what = (
        f"A run of {', '.join(selectors)}, {formatting.counted(profile.invocations, 'process', 'processes')} a "
        f"cell, {profile.rounds} rounds in each,"
    )
    text = page(rows, took, what)
    write_page(asked.out, "safeguards", text)
    write_csv(asked.out, "safeguards", ("part", "times", "seconds", "share"), rows)
    print(text)


if __name__ == "__main__":
    main()
