"""Samples as a parent believes them: what is doubtful is asked again, and only what repeats is a verdict.

A worker's word is held against the parent's own account (`samestep.measure.account`), against the machine's
speed, and against what it does on inputs that it has met. A single doubt may be an accident of a busy
machine. Three in a row are none: the worker's implementation is refused, with what was found as the reason.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace

from samestep.agreement.verdict import AGREE, INVALID, Verdict
from samestep.analysis.summary import PLAUSIBLE
from samestep.catalog.cell import Cell
from samestep.measure.account import Cost, Spent, doubt, doubt_between, noticed
from samestep.workers.judge import Judge
from samestep.workers.launcher import Launcher
from samestep.workers.process import NoAnswer, WorkerProcess
from samestep.workers.protocol import (
    LookAt,
    MakeReady,
    MeasurePeak,
    MeetAgain,
    PeakMeasured,
    Rest,
    Sampled,
    TakeSample,
)

#: So often a doubt must repeat, one time after another, before it is a verdict.
ASKS = 3

#: On a GPU it is the clock that shows what was computed late, on which a busy machine shows as well: there it
#: is asked about from this share of a sample on.
LATE_ON_A_GPU = 1 / 2

#: The number of requests for nothing that show what a request costs by itself.
REQUESTS = 5

#: The number of possible draws of inputs: no two of a run are alike.
DRAWS = 2**31


@dataclass
class Believed:
    """What a parent knows of a worker: the cost of a request, the account at the end of its last turn, what
    that sample lasted, and how many turns in a row found that it had worked in between."""

    cost: Cost
    end: Spent | None = None
    lasted: float = 0.0
    restless: int = 0


@dataclass(frozen=True)
class Asked:
    """What a sample is asked of: a task of a cell, ``loops`` calls of ``flops`` operations each. Of one
    that is ``judged`` the inputs are new in any case, and the results are looked at."""

    worker: WorkerProcess
    cell: Cell
    task: str
    loops: int
    flops: float
    judged: bool = False


@dataclass(frozen=True)
class Attempt:
    """A sample, and what is doubtful about it."""

    sampled: Sampled
    doubt: str | None


@dataclass
class Sampling:
    """The samples of the workers of one invocation.

    ``launcher`` knows how long an answer may take, and whom to ask about results. ``peaks`` holds, by cell,
    what the machine's speed was found to be where a sample was faster, and ``rates`` the best of all, in
    flop/s, by dtype and device.
    """

    launcher: Launcher
    known: dict[Cell, Believed] = field(default_factory=dict)
    rates: dict[tuple[str, str], float] = field(default_factory=dict)
    peaks: dict[Cell, list[PeakMeasured]] = field(default_factory=dict)

    @property
    def patience(self) -> float:
        return self.launcher.patience

    def take(self, asked: Asked) -> list[Attempt]:
        """Return a sample, after those that were doubtful.

        Raises `NoAnswer`, with the verdict, where the doubt repeats.
        """
        if asked.cell not in self.known:
            self.known[asked.cell] = Believed(self._cost(asked.worker))
        self._see_that_it_rested(asked)
        attempts: list[Attempt] = []
        while len(attempts) < ASKS:
            attempts.append(self._attempt(asked))
            if attempts[-1].doubt is None:
                return attempts
        raise refused(f"{asked.task}: {attempts[-1].doubt}")

    def see_that_it_computes(self, asked: Asked) -> None:
        """See that a task computes anew what it has computed already: one that leaves its state as it is.

        Raises `NoAnswer`, with the verdict, where it does not.
        """
        for _ in range(ASKS):
            request = MeetAgain(asked.task, secrets.randbelow(DRAWS), asked.loops)
            found = asked.worker.ask(request, self.patience)
            self.let_rest(asked.worker, asked.cell)
            if not found.again < found.first / 2:
                return
        raise refused(
            f"{asked.task}: calls on inputs that it has met take {1e3 * found.again:.3g} ms, on others "
            f"{1e3 * found.first:.3g} ms: it remembers results"
        )

    def see_that_it_is_right(self, asked: Asked, judge: Judge, by_reference: bool) -> None:
        """Have the results of the last sample compared with those of its calls once more, and one of these
        judged by the reference if that is asked for.

        Raises `NoAnswer`, with the verdict, where they are wrong, or each time others than examined calls
        give.
        """
        for attempt in range(ASKS):
            if attempt:
                self._attempt(asked)
            found = self.launcher.judge_timed(judge, asked.worker, asked.cell, by_reference)
            self.let_rest(asked.worker, asked.cell)
            if found.verdict.verdict != AGREE:
                reason = f"the result of a sample: {found.verdict.reason}"
                raise NoAnswer(replace(found.verdict, reason=reason), None)
            if found.doubt is None:
                return
        raise refused(str(found.doubt))

    def _attempt(self, asked: Asked) -> Attempt:
        mine, worker = self.known[asked.cell], asked.worker
        draw = secrets.randbelow(DRAWS)
        worker.ask(MakeReady(asked.task, asked.loops, draw, asked.judged), self.patience)
        before = worker.spent()
        sampled = worker.ask(TakeSample(asked.task, asked.loops), self.patience)
        mine.end, mine.lasted = worker.spent(), sampled.seconds
        found = doubt(sampled.seconds, mine.end - before, mine.cost, asked.cell.threads)
        return Attempt(sampled, found or self._late(asked, sampled) or self._too_fast(asked, sampled))

    def _late(self, asked: Asked, sampled: Sampled) -> str | None:
        """Return when the results were there, if that was after the clock had stopped."""
        if not asked.judged:
            return None
        late = asked.worker.ask(LookAt(), self.patience).late
        self.let_rest(asked.worker, asked.cell)
        on_cpu = asked.cell.device == "cpu"
        if late <= (noticed(sampled.seconds) if on_cpu else LATE_ON_A_GPU * sampled.seconds):
            return None
        return f"its results were there {1e3 * late:.3g} ms after the clock had stopped"

    def _see_that_it_rested(self, asked: Asked) -> None:
        """See that a worker has done nothing since its last turn, or not each time."""
        mine = self.known[asked.cell]
        if mine.end is None:
            return
        found = doubt_between(mine.lasted, asked.worker.spent() - mine.end, asked.cell.threads)
        mine.restless = mine.restless + 1 if found else 0
        if mine.restless == ASKS:
            raise refused(str(found))

    def measured(self, worker: WorkerProcess, cell: Cell, peak: PeakMeasured) -> None:
        """Take in how fast the machine is, as measured in the worker of a cell, if nobody disturbed that."""
        key = cell.dtype, cell.device
        if not peak.disturbed:
            # Where it had no processor for a part of the time, which a framework of many threads cannot tell.
            had = min(1.0, peak.processors / cell.threads) if cell.device == "cpu" else 1.0
            self.rates[key] = max(self.rates.get(key, 0.0), peak.flops / (peak.seconds * had))
        self.let_rest(worker, cell)

    def let_rest(self, worker: WorkerProcess, cell: Cell) -> None:
        """Have the worker of a cell rest from now on: until now it was asked for something."""
        if cell in self.known:
            self.known[cell].end = worker.spent()

    def _too_fast(self, asked: Asked, sampled: Sampled) -> str | None:
        """Return how much faster than the machine a sample is; before, the machine is measured once more."""
        if self._times(asked, sampled) <= PLAUSIBLE:
            return None
        again = asked.worker.ask(MeasurePeak(), self.patience)
        self.peaks.setdefault(asked.cell, []).append(again)
        self.measured(asked.worker, asked.cell, again)
        times = self._times(asked, sampled)
        if again.disturbed or times <= PLAUSIBLE:
            return None
        return (
            f"it does {times:.3g} times the flop/s of this machine's best matrix product: a result that is "
            "kept from call to call, or a missing wait"
        )

    def _times(self, asked: Asked, sampled: Sampled) -> float:
        """Return how many times the machine's best rate a sample has; 0 where that is not known."""
        rate = self.rates.get((asked.cell.dtype, asked.cell.device))
        return asked.flops * sampled.loops / sampled.seconds / rate if rate else 0.0

    def _cost(self, worker: WorkerProcess) -> Cost:
        requests: list[Spent] = []
        for _ in range(REQUESTS):
            before = worker.spent()
            worker.ask(Rest(), self.patience)
            requests.append(worker.spent() - before)
        return Cost.of(requests)


def refused(reason: str) -> NoAnswer:
    """Return what is raised for a worker whose times are not believed."""
    return NoAnswer(Verdict(INVALID, reason), None)
