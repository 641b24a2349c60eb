"""One framework in one process, answering requests: it times implementations, and serves their raw calls.

The parent sets the environment (threads, flags, affinity) before this starts. Nothing is judged here: what an
implementation does to its process, it does not do to the judge's (`samestep.workers.judge_server`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from samestep.agreement.examination.native_calls import NativeCalls
from samestep.agreement.examination.native_candidate import NativeCandidate
from samestep.agreement.verdict import INVALID, Verdict
from samestep.catalog.catalog import Catalog
from samestep.codec import decode
from samestep.conventions import ask
from samestep.frameworks import Adapter, Settings, Unavailable, device_memory
from samestep.measure.clock import nothing, timed
from samestep.measure.hardware import gpu_state
from samestep.measure.machine_speed import Peak
from samestep.measure.timed_tasks import MissingWait, TimedCandidate, TimedTasks, quantiles
from samestep.measure.turns import Turns
from samestep.ports.catalogs import catalog_of
from samestep.records.schema import FrameworkFacts
from samestep.workers.kept_objects import KeptObjects
from samestep.workers.open_candidate import load_module, open_candidate
from samestep.workers.port_operations import (
    examine_port,
    measure_limits,
    record_reference,
    write_weights,
)
from samestep.workers.port_requests import (
    ExaminePort,
    MeasureLimits,
    RecordReference,
    Repeated,
    RepeatTimed,
    WriteWeights,
)
from samestep.workers.protocol import (
    Answered,
    Ask,
    ChangesRead,
    Done,
    Failed,
    Import,
    Imported,
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
)
from samestep.workers.raw_requests import (
    Adopt,
    Call,
    Export,
    Load,
    Loaded,
    Make,
    ShowTimed,
    Subject,
    TimedCall,
)
from samestep.workers.request import Request
from samestep.workers.serving import serve
from samestep.workers.world import Watch

C = TypeVar("C", bound=NativeCandidate)


class Server:
    """The operations, one method each; `open` comes first."""

    catalog: Catalog
    adapter: Adapter
    settings: Settings
    watch: Watch
    tasks: TimedTasks
    turns: Turns
    peak: Peak | None = None
    memory: tuple[int, int | None] | None = None
    objects: KeptObjects

    def open(self, request: Open) -> Opened:
        """Import the framework and configure it."""
        self.catalog, self.settings = catalog_of(request.roots), request.settings
        missing = self.catalog.missing(request.framework)
        if missing:
            raise Unavailable(missing)

        def configure() -> Adapter:
            adapter: Adapter = self.catalog.load_adapter(request.framework).Adapter(self.settings)
            return adapter

        seconds, self.adapter = timed(configure, nothing)
        self.watch = Watch(self.adapter)
        return Opened(decode(FrameworkFacts, {**self.adapter.describe(), "import_seconds": seconds}))

    def load(self, request: Load) -> Loaded:
        """Import an implementation, whose raw calls are served from now on."""
        if request.prepared:
            calls: NativeCalls = self.tasks.candidate.native_calls
        else:
            self.watch.begin()
            calls = NativeCalls(load_module(self.catalog, request.subject), self.adapter)
        self.objects = KeptObjects(calls)
        return self.objects.load(request)

    def read_changes(self, request: ReadChanges) -> ChangesRead:
        """Return what the implementation that was loaded last changed for all code of this process."""
        return ChangesRead(self.watch.changes())

    def prepare(self, request: Prepare) -> Prepared | Failed:
        """Take the first call of each task and a GPU's transfers, and find how many loops make a sample.

        Where an earlier process has found them, warm up; else look also at the calls after the first, at each
        call's latency, the device's share, and whether the clock waits for the results.
        """
        build_seconds, candidate = timed(lambda: self._candidate(request.subject, TimedCandidate), nothing)
        self.tasks = tasks = TimedTasks(candidate)
        self.turns = Turns(tasks)
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

    def rest(self, request: Rest) -> Done:
        """Do all that is done around a sample, and take none."""
        self.turns.rest()
        return Done()

    def make_ready(self, request: MakeReady) -> Done:
        """Have everything ready for a sample."""
        self.turns.make_ready(request.task, request.loops, request.draw, request.judged)
        return Done()

    def take_sample(self, request: TakeSample) -> Sampled:
        """Time one batch of calls; a GPU's state is read right after it, and one that lowers its own clock
        disturbs the sample."""
        taken = self.turns.take()
        gpu = gpu_state() if self.settings.device == "gpu" else None
        disturbed = taken.disturbed or (gpu is not None and gpu.throttled)
        return Sampled(taken.seconds, taken.loops, disturbed, gpu)

    def look_at(self, request: LookAt) -> LookedAt | Failed:
        """Look at the results of the last sample; what is no array may compute them only then."""
        try:
            return LookedAt(self.turns.late())
        except TypeError as error:
            return Failed(Verdict(INVALID, str(error)))

    def meet_again(self, request: MeetAgain) -> MetAgain:
        """See whether calls on inputs that a task has met are cheaper than on others."""
        return MetAgain(*self.turns.remembers(request.task, request.draw, request.loops))

    def show_timed(self, request: ShowTimed) -> TimedCall:
        """Return what the last sample returned, to be judged."""
        if self.turns.taken is None:
            raise RuntimeError("there is no sample")
        return self.objects.timed(request, self.turns.taken)

    def read_memory(self, request: ReadMemory) -> MemoryRead:
        """Return the most memory that was held."""
        return MemoryRead(*(self.memory or self._memory()))

    def measure_peak(self, request: MeasurePeak) -> PeakMeasured:
        """Time one large matrix product."""
        if self.peak is None:
            self.memory = self._memory()  # every task was called and warmed; the rest would be the product's
            self.peak = Peak(self.adapter, self.settings.dtype)
        taken = self.peak.sample()
        return PeakMeasured(taken.seconds, taken.flops, taken.processors, taken.disturbed)

    def import_framework(self, request: Import) -> Imported:
        """Import a framework and leave it as it is."""
        missing = Catalog().missing(request.framework)
        if missing:
            raise Unavailable(missing)
        return Imported(ask.version(request.framework), ask.libraries(request.framework))

    def ask(self, request: Ask) -> Answered:
        """Put one question to a framework."""
        return Answered(ask.answer(request.framework, request.question))

    def _memory(self) -> tuple[int, int | None]:
        return _peak_memory(), device_memory(self.adapter)

    def _candidate(self, subject: Subject, kind: type[C]) -> C:
        return open_candidate(self.catalog, self.adapter, self.settings, subject, kind)


#: What a request asks for, by its type.
OPERATIONS: dict[type, Callable[..., object]] = {
    Open: Server.open,
    Prepare: Server.prepare,
    Rest: Server.rest,
    MakeReady: Server.make_ready,
    TakeSample: Server.take_sample,
    LookAt: Server.look_at,
    MeetAgain: Server.meet_again,
    ReadMemory: Server.read_memory,
    ReadChanges: Server.read_changes,
    MeasurePeak: Server.measure_peak,
    Import: Server.import_framework,
    Ask: Server.ask,
    Load: Server.load,
    Make: lambda server, request: server.objects.make(request),
    Adopt: lambda server, request: server.objects.adopt(request),
    Export: lambda server, request: server.objects.export(request),
    Call: lambda server, request: server.objects.call(request),
    ShowTimed: Server.show_timed,
    ExaminePort: lambda server, request: examine_port(server.catalog, request),
    WriteWeights: lambda server, request: write_weights(server.catalog, request),
    RecordReference: lambda server, request: record_reference(server.catalog, request),
    RepeatTimed: lambda server, request: Repeated(server.turns.doubt_of_repeated()),
    MeasureLimits: lambda server, request: measure_limits(server.catalog, request),
}


def _peak_memory() -> int:
    """Return the most memory that this process has held, in bytes."""
    # Not ru_maxrss: that begins with what the parent held when it started this process.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def operate(server: Server, request: Request[object]) -> object:
    """Return what a request asks for."""
    return OPERATIONS[type(request)](server, request)


def main(descriptor: int) -> None:
    """Answer every request that comes over a socket."""
    serve(descriptor, partial(operate, Server()))
