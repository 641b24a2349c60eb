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
class WeightsWritten:
    """The weights of the reference are in the file."""


@dataclass(frozen=True)
class Repeated:
    """What of a sample's result is not what its calls return once more, in words; None where nothing is."""

    doubt: str | None = None


@dataclass(frozen=True)
class ExaminePort(Request[PortExamined]):
    """Compare a side with the reference, both in this process; a ``thorough`` comparison asks variants of the
    inputs as well."""

    OP = "check_port"
    ANSWER = PortExamined

    subject: Subject
    thorough: bool = True


@dataclass(frozen=True)
class MeasureLimits(Request[LimitsMeasured]):
    """Return how large correct errors of the reference are, from N ``replicas``."""

    OP = "limits"
    ANSWER = LimitsMeasured

    subject: Subject
    replicas: int


@dataclass(frozen=True)
class WriteWeights(Request[WeightsWritten]):
    """Write the weights of the reference to a file."""

    OP = "weights"
    ANSWER = WeightsWritten

    subject: Subject
    path: Path


@dataclass(frozen=True)
class RepeatTimed(Request[Repeated]):
    """Make the calls of the last sample once more, and compare what they return."""

    OP = "repeat_timed"
    ANSWER = Repeated
