"""One framework in one process, answering requests: a line of JSON in, a line of JSON out.

The parent sets the environment (threads, flags, affinity) before this starts. What a framework prints
goes to standard error, so that it never mixes with the answers.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from samestep.agreement.examination.candidate import Candidate
from samestep.agreement.examination.native_candidate import NativeCandidate
from samestep.agreement.examination.examine import confirm, examine
from samestep.agreement.free_run import free_run
from samestep.agreement.reference.expectation import Expectations
from samestep.agreement.reference.run import Reference
from samestep.agreement.reference.spread_cache import SpreadCache, digest, own_source
from samestep.agreement.verdict import ABSTAINS, INVALID, Verdict
from samestep.catalog.catalog import Catalog
from samestep.catalog.roots import REFERENCE
from samestep.codec import decode
from samestep.conventions import ask
from samestep.errors import SamestepError
from samestep.frameworks import Adapter, Settings, Unavailable, device_memory
from samestep.measure.clock import nothing, timed
from samestep.measure.hardware import gpu_state
from samestep.measure.timed_tasks import MissingWait, Peak, TimedCandidate, TimedTasks, quantiles
from samestep.records.schema import FrameworkFacts
from samestep.workers import protocol
from samestep.workers.failures import failure
from samestep.workers.open_candidate import open_candidate
from samestep.workers.protocol import (
    Answered,
    Ask,
    Confirm,
    Confirmed,
    Examine,
    Examined,
    Failed,
    Import,
    Imported,
    MeasurePeak,
    Misused,
    Open,
    Opened,
    PeakMeasured,
    Prepare,
    Prepared,
    Request,
    Sampled,
    Subject,
    TakeSample,
)

C = TypeVar("C", bound=NativeCandidate)


class Server:
    """The operations, one method each; `open` comes first."""

    catalog: Catalog
    adapter: Adapter
    settings: Settings
    tasks: TimedTasks
    peak: Peak | None = None
    memory: tuple[int, int | None] | None = None
    expected: tuple[Subject, Expectations] | None = None

    def open(self, request: Open) -> Opened:
        """Import the framework and configure it."""
        self.catalog, self.settings = Catalog(request.roots), request.settings
        missing = self.catalog.missing(request.framework)
        if missing:
            raise Unavailable(missing)

        def configure() -> Adapter:
            adapter: Adapter = self.catalog.load_adapter(request.framework).Adapter(self.settings)
            return adapter

        seconds, self.adapter = timed(configure, nothing)
        return Opened(decode(FrameworkFacts, {**self.adapter.describe(), "import_seconds": seconds}))

    def examine(self, request: Examine) -> Examined:
        """Take an implementation through all stages, and then on a free run."""
        candidate = self._candidate(request.subject, NativeCandidate)
        expectations = self._expectations(request.subject, candidate)
        verdict = examine(candidate, expectations, request.keep)
        # What breaks the contract goes nowhere, nor does what trains nothing or has nothing beside it.
        stays = verdict.verdict in (INVALID, ABSTAINS) or not candidate.training_tasks()
        if not request.free_run_steps or stays:
            return Examined(verdict)
        return Examined(verdict, free_run(candidate, expectations.reference, request.free_run_steps))

    def prepare(self, request: Prepare) -> Prepared | Failed:
        """Take the first call of each task and a GPU's transfers, and find how many loops make a sample.

        Where an earlier process has found them, warm up; else look also at the calls after the first, at each
        call's latency, the device's share, and whether the clock waits for the results.
        """
        build_seconds, candidate = timed(lambda: self._candidate(request.subject, TimedCandidate), nothing)
        self.tasks = tasks = TimedTasks(candidate)
        on_gpu = self.settings.device == "gpu"
        first_calls = tasks.starts(1) if request.loops else tasks.starts()
        if on_gpu:
            tasks.warm_device(lambda: state.clock if (state := gpu_state()) else None)
        transfers = {task: tasks.transfers(task) for task in tasks.names if on_gpu}
        if request.loops:
            for task in tasks.names:
                tasks.warm(task, request.loops[task])
            return Prepared(build_seconds, first_calls, transfers, request.loops)
        loops = {task: tasks.calibrate(task) for task in tasks.names}
        try:
            parts = {task: tasks.parts(task, loops[task]) for task in tasks.names}
        except MissingWait as missing:
            return Failed(Verdict(INVALID, str(missing)))
        steps = {task: candidate.steps(task) for task in tasks.names}
        # Where one call is a sample, its samples tell the latency.
        latency = {task: quantiles(tasks.latency(task)) for task in tasks.names if loops[task] > 1}
        return Prepared(build_seconds, first_calls, transfers, loops, steps, latency, parts)

    def take_sample(self, request: TakeSample) -> Sampled:
        """Time one batch of calls; a GPU's state is read right after it, and one that lowers its own clock
        disturbs the sample."""
        taken = self.tasks.sample(request.task, request.loops)
        gpu = gpu_state() if self.settings.device == "gpu" else None
        disturbed = taken.disturbed or (gpu is not None and gpu.throttled)
        return Sampled(taken.seconds, taken.loops, disturbed, gpu)

    def confirm(self, request: Confirm) -> Confirmed:
        """Re-check the candidate after the last round, and return the most memory that was held."""
        candidate = self.tasks.candidate
        process, device = self.memory or self._memory()  # before the reference takes its own
        verdict = confirm(candidate, self._expectations(request.subject, candidate))
        return Confirmed(verdict, process, device)

    def measure_peak(self, request: MeasurePeak) -> PeakMeasured:
        """Time one large matrix product."""
        if self.peak is None:
            self.memory = self._memory()  # every task was called and warmed; the rest would be the product's
            self.peak = Peak(self.adapter, self.settings.dtype)
        taken = self.peak.sample()
        return PeakMeasured(taken.seconds, taken.flops, taken.processors)

    def import_framework(self, request: Import) -> Imported:
        """Import a framework and leave it as it is."""
        missing = Catalog().missing(request.framework)
        if missing:
            raise Unavailable(missing)
        return Imported(ask.version(request.framework))

    def ask(self, request: Ask) -> Answered:
        """Put one question to a framework."""
        return Answered(ask.answer(request.framework, request.question))

    def _memory(self) -> tuple[int, int | None]:
        return _peak_memory(), device_memory(self.adapter)

    def _candidate(self, subject: Subject, kind: type[C]) -> C:
        return open_candidate(self.catalog, self.adapter, self.settings, subject, kind)

    def _expectations(self, subject: Subject, candidate: Candidate) -> Expectations:
        """Return what the reference gives; the same object for all implementations of a case."""
        case = Subject(subject.workload, REFERENCE, subject.case, subject.seed)
        if self.expected is None or self.expected[0] != case:
            rung = self.catalog.implementation(subject.workload, REFERENCE)
            reference = Reference(
                self.catalog.load(rung), candidate.spec, self.settings.dtype, self.settings.matmul
            )
            source = digest(own_source(), rung.path.read_bytes())
            self.expected = case, Expectations(reference, candidate.point, source, SpreadCache())
        return self.expected[1]


#: What a request asks for, by its type.
OPERATIONS: dict[type, Callable[..., object]] = {
    Open: Server.open,
    Examine: Server.examine,
    Prepare: Server.prepare,
    TakeSample: Server.take_sample,
    Confirm: Server.confirm,
    MeasurePeak: Server.measure_peak,
    Import: Server.import_framework,
    Ask: Server.ask,
}


def _peak_memory() -> int:
    """Return the most memory that this process has held, in bytes."""
    # Not ru_maxrss: that begins with what the parent held when it started this process.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def serve(server: Server, request: Request[object]) -> object:
    """Return the answer to a request, or what failed."""
    try:
        return OPERATIONS[type(request)](server, request)
    except SamestepError as error:
        return Misused(str(error), traceback.format_exc())
    except Exception as error:  # whatever an implementation raises is its cell's verdict
        return Failed(failure(error), traceback.format_exc())


def main() -> None:
    """Answer every request on standard input."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what frameworks print goes to standard error
    server = Server()
    for line in sys.stdin:
        replies.write(protocol.write_answer(serve(server, protocol.read_request(line))) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
