"""What a worker is asked of a port file, whose models are made and compared in its process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from samestep.agreement.verdict import Verdict
from samestep.records.check_results import PortResult
from samestep.workers.raw_requests import Subject
from samestep.workers.request import Request


@dataclass(frozen=True)
class PortExamined:
    """The verdict on a side, and the result of its comparison; None where there was nothing to compare."""

    verdict: Verdict
    port: PortResult | None = None


@dataclass(frozen=True)
class LimitsMeasured:
    """Limits as they print themselves, and a row for each tensor."""

    text: str
    rows: Sequence[Mapping[str, object]]


@dataclass(frozen=True)
class Written:
    """The file is there."""


@dataclass(frozen=True)
class Repeated:
    """What of a sample's result is not what its calls return once more, in words; None where nothing is."""

    doubt: str | None = None


@dataclass(frozen=True)
class ExaminePort(Request[PortExamined]):
    """Compare a side with the reference, which is made in this process as well, or was recorded in the file
    ``record``; a ``thorough`` comparison asks variants of the inputs too."""

    OP = "check_port"
    ANSWER = PortExamined

    subject: Subject
    thorough: bool = True
    record: Path | None = None


@dataclass(frozen=True)
class MeasureLimits(Request[LimitsMeasured]):
    """Return how large correct errors of the reference are, from N ``replicas``."""

    OP = "limits"
    ANSWER = LimitsMeasured

    subject: Subject
    replicas: int


@dataclass(frozen=True)
class WriteWeights(Request[Written]):
    """Write the weights of the reference to a file."""

    OP = "weights"
    ANSWER = Written

    subject: Subject
    path: Path


@dataclass(frozen=True)
class RecordReference(Request[Written]):
    """Write the weights of the reference to a file, and its record, which the side that is the subject will
    be compared with, to another."""

    OP = "record_port"
    ANSWER = Written

    subject: Subject
    weights: Path
    record: Path


@dataclass(frozen=True)
class RepeatTimed(Request[Repeated]):
    """Make the calls of the last sample once more, and compare what they return."""

    OP = "repeat_timed"
    ANSWER = Repeated
