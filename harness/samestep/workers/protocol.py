"""The requests of a parent and the answers of a worker: a message each way, one type for each.

A request names its operation; an answer is ``{"ok": true, ...}`` with the fields of the request's ``Answer``,
or says what failed. `write_request`, `read_request`, `write_answer` and `read_answer` are the only codec.

There are two kinds of workers. One holds an implementation and its framework: it times, and serves raw calls.
The other is the judge, which holds the reference, and is asked to examine and to confirm; meanwhile it asks
for raw calls itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from samestep.agreement.findings import FreeRun
from samestep.agreement.verdict import CRASHED, INVALID, OUT_OF_MEMORY, UNAVAILABLE, Verdict
from samestep.codec import decode, encode, in_json
from samestep.frameworks import Settings
from samestep.measure.hardware import GpuState
from samestep.records.check_results import PortResult
from samestep.records.schema import FrameworkFacts, Latency, Parts, Transfer
from samestep.workers.frames import Malformed, Message, pack, unpack
from samestep.workers.port_requests import (
    ExaminePort,
    MeasureLimits,
    RecordReference,
    RepeatTimed,
    WriteWeights,
)
from samestep.workers.raw_requests import Adopt, Call, Export, Load, Make, ShowTimed, Subject
from samestep.workers.request import A, Request

# -- answers -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Opened:
    """The framework is imported and configured."""

    facts: FrameworkFacts = field(metadata=in_json(flat=True))


@dataclass(frozen=True)
class Examined:
    """The verdict, and a free run where one was asked for and the implementation trains; of a port file's
    candidate the result of its comparison."""

    verdict: Verdict
    free_run: FreeRun | None = field(metadata=in_json("trajectory"), default=None)
    port: PortResult | None = None


@dataclass(frozen=True)
class Prepared:
    """Seconds of building the implementation and of its first calls, by task, and how many ``loops`` make a
    sample; ``steps``, ``latency`` and ``parts`` only where no loops were known before."""

    build_seconds: float
    first_calls: Mapping[str, Sequence[float]]
    transfers: Mapping[str, Transfer]
    loops: Mapping[str, int]
    steps: Mapping[str, int | None] | None = None
    latency: Mapping[str, Latency] | None = None
    parts: Mapping[str, Parts] | None = None


@dataclass(frozen=True)
class Sampled:
    """Seconds of a batch of N ``loops``; ``disturbed`` where others took the processor meanwhile."""

    seconds: float
    loops: int
    disturbed: bool
    gpu: GpuState | None = None


@dataclass(frozen=True)
class Done:
    """What was asked for is done, and nothing more is to be said of it."""


@dataclass(frozen=True)
class LookedAt:
    """Seconds that the results of a sample took to be there after its clock had stopped."""

    late: float


@dataclass(frozen=True)
class MetAgain:
    """What calls cost on inputs that nobody had met, in seconds, and then on the same ones ``again``."""

    first: float
    again: float


@dataclass(frozen=True)
class Confirmed:
    """The verdict after the last round."""

    verdict: Verdict


@dataclass(frozen=True)
class TimedJudged:
    """The verdict on the calls of a sample, made once more; and what of the sample's own result does not go
    with it, in words."""

    verdict: Verdict
    doubt: str | None = None


@dataclass(frozen=True)
class MemoryRead:
    """The most memory held, in bytes, by the process and on the device."""

    peak_memory_bytes: int
    device_memory_bytes: int | None = None


@dataclass(frozen=True)
class ChangesRead:
    """What an implementation changed for all code of its process, each in a few words."""

    changes: Sequence[str]


@dataclass(frozen=True)
class PeakMeasured:
    """Seconds and operations of the quickest of several large matrix products, and how many processors were
    busy; ``disturbed`` where others took one during all of them."""

    seconds: float
    flops: float
    processors: float
    disturbed: bool = False


@dataclass(frozen=True)
class Imported:
    """The framework is imported, and nothing is configured."""

    version: str
    libraries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answered:
    """The answer of a framework to a question about its conventions."""

    answer: object


@dataclass(frozen=True)
class Failed:
    """The request raised, and the worker goes on: what that makes of the cell, with the traceback."""

    verdict: Verdict
    traceback: str | None = None


#: What a request that failed may make of its cell.
FAILURES = (INVALID, UNAVAILABLE, CRASHED, OUT_OF_MEMORY)


@dataclass(frozen=True)
class Misused:
    """The user made a mistake: the line that says so."""

    usage: str
    traceback: str | None = None


# -- requests ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Open(Request[Opened]):
    """Import a framework and configure it: always the first request."""

    OP = "open"
    ANSWER = Opened

    framework: str
    settings: Settings
    roots: Sequence[Path] = ()


@dataclass(frozen=True)
class Prepare(Request[Prepared]):
    """Take the first calls, and find how many make a sample where ``loops`` does not say so."""

    OP = "prepare"
    ANSWER = Prepared

    subject: Subject
    loops: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Rest(Request[Done]):
    """Do what is done around a sample, and take none: what it costs by itself."""

    OP = "rest"
    ANSWER = Done


@dataclass(frozen=True)
class MakeReady(Request[Done]):
    """Draw the inputs of a sample by the number ``draw``, in any case where it will be ``judged``, and have
    everything ready to take it."""

    OP = "ready"
    ANSWER = Done

    task: str
    loops: int
    draw: int
    judged: bool = False


@dataclass(frozen=True)
class LookAt(Request[LookedAt]):
    """Look at the results of the last sample."""

    OP = "look"
    ANSWER = LookedAt


@dataclass(frozen=True)
class MeetAgain(Request[MetAgain]):
    """Call a task on inputs that it never met, and then again, as often as in a sample of ``loops`` calls."""

    OP = "again"
    ANSWER = MetAgain

    task: str
    draw: int
    loops: int


@dataclass(frozen=True)
class TakeSample(Request[Sampled]):
    """Time the batch of calls that was made ready."""

    OP = "sample"
    ANSWER = Sampled

    task: str
    loops: int


@dataclass(frozen=True)
class ReadMemory(Request[MemoryRead]):
    """Return the most memory that was held, without what measuring the machine took."""

    OP = "memory"
    ANSWER = MemoryRead


@dataclass(frozen=True)
class ReadChanges(Request[ChangesRead]):
    """Return what the implementation that was loaded last changed for all code of its process."""

    OP = "changes"
    ANSWER = ChangesRead


@dataclass(frozen=True)
class MeasurePeak(Request[PeakMeasured]):
    """Time large matrix products."""

    OP = "measure_peak"
    ANSWER = PeakMeasured


@dataclass(frozen=True)
class Import(Request[Imported]):
    """Import a framework and leave it as it is: conventions are asked of its defaults."""

    OP = "meet"
    ANSWER = Imported

    framework: str


@dataclass(frozen=True)
class Ask(Request[Answered]):
    """Put one question about conventions to a framework."""

    OP = "convention"
    ANSWER = Answered

    framework: str
    question: str


# -- requests to the judge -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Examine(Request[Examined]):
    """Take the implementation of a worker through all stages; what it gave at its first step goes to the file
    ``keep``. It computes with the ``settings``; ``only`` says that it is examined in no other dtype."""

    OP = "check"
    ANSWER = Examined

    subject: Subject
    settings: Settings
    roots: Sequence[Path] = ()
    keep: Path | None = None
    free_run_steps: int = 0
    only: bool = False


@dataclass(frozen=True)
class Confirm(Request[Confirmed]):
    """Examine once more what a worker has timed."""

    OP = "confirm"
    ANSWER = Confirmed

    subject: Subject
    settings: Settings
    roots: Sequence[Path] = ()


@dataclass(frozen=True)
class JudgeTimed(Request[TimedJudged]):
    """Compare what the last sample of a worker returned with what its calls return once more, and have one of
    them ``judged`` by the reference."""

    OP = "judge_timed"
    ANSWER = TimedJudged

    subject: Subject
    settings: Settings
    roots: Sequence[Path] = ()
    judged: bool = False


REQUESTS: dict[str, type[Request[object]]] = {
    kind.OP: kind  # type: ignore[misc]  # each has its own type of answer
    for kind in (
        Open, Prepare, Rest, MakeReady, TakeSample, LookAt, MeetAgain, MeasurePeak, ReadMemory,
        ReadChanges, Import, Ask, ExaminePort, MeasureLimits, WriteWeights,
        RecordReference, RepeatTimed,
        Load, Make, Adopt, Export, Call, ShowTimed,
        Examine, Confirm, JudgeTimed,
    )
}  # fmt: skip


# -- the codec -----------------------------------------------------------------------------------------


def write_request(request: Request[A]) -> Message:
    """Return the message of a request."""
    return pack({"op": request.OP, **encode(request)})


def read_request(message: Message) -> Request[object]:
    """Read what `write_request` wrote. Raises KeyError for an operation that is not known."""
    document = _fields(message)
    return decode(REQUESTS[str(document["op"])], document)


def write_answer(answer: object) -> Message:
    """Return the message of an answer."""
    return pack({"ok": not isinstance(answer, Failed | Misused), **encode(answer)})


def read_answer(kind: type[A], message: Message) -> A | Failed | Misused:
    """Read what `write_answer` wrote of an answer of that kind.

    Raises ValueError for anything else: `samestep.codec.Malformed`, or that of `samestep.workers.frames`.
    """
    document = _fields(message)
    if document.get("ok") is True:
        return decode(kind, document)
    if "usage" in document:
        return decode(Misused, document)
    failed = decode(Failed, document)
    if failed.verdict.verdict not in FAILURES:  # whoever failed has no say in whether it is right
        raise Malformed(f"a failure that is {failed.verdict.verdict!r}")
    return failed


def _fields(message: Message) -> dict[str, object]:
    document = unpack(message)
    if not isinstance(document, dict):
        raise Malformed("no object of JSON")
    return document
