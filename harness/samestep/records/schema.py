"""``samples.jsonl``: the records of a run, one type for each kind; `read` and `write` are their only codec.

A record's ``cell`` is the key of a planned cell; ``group`` (in JSON ``arena``) and ``invocation`` say which
process took it: the comparison group, and how many processes of the cell came before. Seconds are those of
N ``loops`` of a task, unless their name says otherwise. ``time`` is in seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from samestep.agreement.findings import Distance, FreeRun
from samestep.agreement.verdict import Verdict
from samestep.codec import decode, encode, in_json
from samestep.field_checks import amount, calls, count, not_negative, positive_count
from samestep.measure.hardware import GpuState

SCHEMA = 1

Count = Annotated[int, count]
PositiveCount = Annotated[int, positive_count]
Calls = Annotated[int, calls]
Amount = Annotated[float, amount]
NotNegative = Annotated[float, not_negative]

#: A comparison group and an invocation: one life of a worker.
Process = tuple[int, int]


@dataclass(frozen=True)
class Record:
    """What all records have."""

    KIND: ClassVar[str] = ""


@dataclass(frozen=True)
class Turn(Record):
    """What a worker gave in one invocation."""

    cell: str
    group: Count = field(metadata=in_json("arena"), kw_only=True)
    invocation: Count = field(kw_only=True)
    time: float | None = field(default=None, kw_only=True)

    @property
    def process(self) -> Process:
        return self.group, self.invocation


@dataclass(frozen=True)
class Sample(Turn):
    """One timed batch of calls. ``disturbed``: others took the processor meanwhile; ``repeated``: for that
    reason it was re-measured, and does not count."""

    KIND: ClassVar[str] = "sample"

    round: Count = field(kw_only=True)
    task: str = field(kw_only=True)
    loops: Calls = field(kw_only=True)
    seconds: Amount = field(kw_only=True)
    disturbed: bool = field(kw_only=True)
    repeated: bool = field(metadata=in_json(omit=True), default=False)
    gpu: GpuState | None = field(metadata=in_json(omit=True), default=None)

    @property
    def moment(self) -> tuple[Process, int]:
        """In which round of which process it was taken."""
        return self.process, self.round

    @property
    def seconds_per_call(self) -> float:
        return self.seconds / self.loops


@dataclass(frozen=True)
class Peak(Turn):
    """A large matrix product, the quickest of several: ``processors`` is how many of them were busy;
    ``disturbed`` where others took one during all of them."""

    KIND: ClassVar[str] = "peak"

    round: Count = field(kw_only=True)
    seconds: Amount = field(kw_only=True)
    flops: Amount = field(kw_only=True)
    processors: float | None = None
    disturbed: bool = field(metadata=in_json(omit=True), default=False)

    @property
    def moment(self) -> tuple[Process, int]:
        return self.process, self.round


@dataclass(frozen=True)
class FrameworkFacts:
    """What a worker says of its framework: versions by package, and what it read back of its settings; what
    the framework does not tell is None."""

    import_seconds: NotNegative | None = None
    versions: Mapping[str, str | None] = field(default_factory=dict)
    device: str | None = field(metadata=in_json(omit=True), default=None)
    blas: Sequence[str] | None = field(metadata=in_json(omit=True), default=None)
    threads: int | None = None
    inter_op_threads: int | None = field(metadata=in_json(omit=True), default=None)
    matmul: str | None = field(metadata=in_json(omit=True), default=None)


@dataclass(frozen=True)
class Latency:
    """Seconds of N ``calls`` that were waited for one by one: the median, the 5th and 95th percentile."""

    median: Amount
    p95: Amount
    p05: float | None = None
    calls: int | None = None


@dataclass(frozen=True)
class Parts:
    """Seconds of a batch of calls until all were launched, on the device alone (None where the device has no
    clock), and until the results were there."""

    launch_seconds: NotNegative
    device_seconds: NotNegative | None
    seconds: Amount
    loops: Calls


@dataclass(frozen=True)
class Transfer:
    """Seconds that the data of one call take to the device, and back."""

    to_device: NotNegative
    from_device: NotNegative


@dataclass(frozen=True)
class Start(Turn):
    """A worker has started: seconds of building the implementation and of the first calls, by task.

    Of ``steps``, ``latency`` and ``parts`` only the first invocation knows. Runs of earlier versions have
    ``first_call_seconds`` in place of ``first_calls``.
    """

    KIND: ClassVar[str] = "start"

    framework: FrameworkFacts
    build_seconds: NotNegative | None = None
    first_calls: Mapping[str, Sequence[Amount]] | None = None
    transfers: Mapping[str, Transfer | None] | None = None
    loops: Mapping[str, Calls] | None = None
    steps: Mapping[str, PositiveCount | None] | None = field(metadata=in_json(omit=True), default=None)
    latency: Mapping[str, Latency] | None = field(metadata=in_json(omit=True), default=None)
    parts: Mapping[str, Parts] | None = field(metadata=in_json(omit=True), default=None)
    first_call_seconds: Mapping[str, Amount | None] | None = field(metadata=in_json(omit=True), default=None)

    def first_call(self, task: str) -> float | None:
        """Return the seconds of the first call of a task; None where the run does not know them."""
        calls = (self.first_calls or {}).get(task)
        return calls[0] if calls else (self.first_call_seconds or {}).get(task)


@dataclass(frozen=True)
class Finish(Record):
    """A worker has ended: the most memory that it held, in bytes, and on the device."""

    KIND: ClassVar[str] = "finish"

    cell: str
    bytes: Amount
    device_bytes: NotNegative | None = None
    group: Count | None = field(metadata=in_json("arena"), default=None)
    invocation: Count | None = None
    time: float | None = None


@dataclass(frozen=True)
class CellVerdict(Record):
    """What was said of a cell: before the timing, in the dtype ``checked_in``, or in an invocation.

    ``stderr`` is the end of what the worker wrote on standard error, or a traceback.
    """

    KIND: ClassVar[str] = "verdict"

    cell: str
    verdict: Verdict = field(metadata=in_json(flat=True))
    checked_in: str | None = field(metadata=in_json(omit=True), default=None)
    stderr: str | None = field(metadata=in_json(omit=True), default=None)
    group: Count | None = field(metadata=in_json("arena", omit=True), default=None)
    invocation: Count | None = field(metadata=in_json(omit=True), default=None)
    time: float | None = None


@dataclass(frozen=True)
class CellFreeRun(Record):
    """A free run of a cell beside the reference."""

    KIND: ClassVar[str] = "trajectory"

    cell: str
    run: FreeRun = field(metadata=in_json(flat=True))
    time: float | None = None


@dataclass(frozen=True)
class CellDistance(Record):
    """How far two cells are apart at their first step."""

    KIND: ClassVar[str] = "distance"

    cell: str
    other: str
    distance: Distance = field(metadata=in_json(flat=True))
    time: float | None = None


@dataclass(frozen=True)
class Foreign:
    """A program of somebody else's: its name, and how many processors its processes kept busy."""

    name: str
    share: NotNegative


@dataclass(frozen=True)
class MachineLoad(Record):
    """What others used of the machine for some ``seconds``.

    Of the ``processors`` that this run may use they kept ``elsewhere`` busy, and the hypervisor took
    ``stolen``; ``load`` is the run queue over a minute, this run's own processes among it, and ``pressure``
    the part of the time in which somebody waited for a processor (None where the kernel does not say).
    ``foreign`` names the busiest programs, as far as they can be seen from here.
    """

    KIND: ClassVar[str] = "load"

    seconds: NotNegative
    processors: PositiveCount
    elsewhere: NotNegative
    stolen: NotNegative
    load: NotNegative
    pressure: NotNegative | None = None
    foreign: Sequence[Foreign] = ()
    time: float | None = None


@dataclass(frozen=True)
class Eta(Record):
    """How long the run had taken, and how long it was expected to take yet."""

    KIND: ClassVar[str] = "forecast"

    elapsed_seconds: float = 0.0
    left_seconds: float = 0.0
    time: float | None = None


@dataclass(frozen=True)
class Finished(Record):
    """An invocation of a comparison group is over."""

    KIND: ClassVar[str] = "finished"

    group: int | None = field(metadata=in_json("arena"), default=None)
    invocation: int | None = None
    time: float | None = None


@dataclass(frozen=True)
class Stopped(Record):
    """The run takes no further invocation: its intervals are narrow enough ("width"), its budget is used up
    ("budget"), or more are not worth it ("most")."""

    KIND: ClassVar[str] = "stopped"

    reason: str = ""
    invocations: int | None = None
    time: float | None = None


KINDS: dict[str, type[Record]] = {
    kind.KIND: kind
    for kind in (
        Sample,
        Peak,
        Start,
        Finish,
        CellVerdict,
        CellFreeRun,
        CellDistance,
        MachineLoad,
        Eta,
        Finished,
        Stopped,
    )
}
#: Kinds of earlier versions, which nothing reads any more.
RETIRED = ("checked", "disturbed", "memory")


def write(record: Record, run: str) -> dict[str, object]:
    """Return the document of a record, as a line of ``samples.jsonl`` holds it."""
    return {"schema": SCHEMA, "run": run, "kind": record.KIND, **encode(record)}


def read(document: Mapping[str, object]) -> Record | None:
    """Read what `write` wrote; None of a retired kind.

    Raises KeyError for a kind that is not known, and `samestep.codec.Malformed`, which names the field.
    """
    kind = str(document.get("kind"))
    return None if kind in RETIRED else decode(KINDS[kind], document)
