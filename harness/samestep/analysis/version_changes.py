"""What changed between two releases: the numbers and the speed of each implementation, and conventions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from samestep.agreement.findings import Distance
from samestep.agreement.verdict import AGREE, UNAVAILABLE, WEAKER, WRONG
from samestep.analysis.convention_diff import ConventionDiff
from samestep.analysis.statistics import Contrast
from samestep.records.check_results import CheckResult, PortResult

#: How numbers change. `SAME_ERRORS` is what a record can tell: the errors of each tensor and its worst
#: element are the same to the last digit. `ONE_ONLY`: there is an answer with one of the two releases;
#: `NEITHER`: it is available with none of them, and nobody asked for it by its name.
SAME_BITS, SAME_ERRORS, ROUNDING = "same bits", "same errors", "rounding"
BEYOND, ONE_ONLY, UNKNOWN = "beyond rounding", "one answer only", "cannot tell"
NEITHER = "not available"

#: The fields of a tensor's row by which its errors are distinguished.
ERRORS = ("tensor", "elements", "norm", "scale", "got")

#: Verdicts that say what was computed.
ANSWERS = (AGREE, WEAKER, *WRONG)


@dataclass(frozen=True)
class NumberChange:
    """What an implementation computes with two releases: its verdict with each, how its numbers ``changed``,
    and ``detail``, where or by how much."""

    name: str
    framework: str
    before: str
    after: str
    changed: str
    detail: str | None = None

    @property
    def differs(self) -> bool:
        """Whether it is not known to agree with both releases."""
        if self.changed == NEITHER:
            return False
        agree = self.before == self.after == AGREE
        return not agree or self.changed not in (SAME_BITS, SAME_ERRORS, ROUNDING)


@dataclass(frozen=True)
class SpeedChange:
    """One task: seconds of a call or, where it makes many, of a step with each release, how many times as
    long the second takes, and the A/A ratio; None, and the ``reason``, where it was not timed."""

    name: str
    framework: str
    task: str
    before: float | None
    after: float | None
    contrast: Contrast | None
    noise: float | None
    reason: str | None = None


@dataclass(frozen=True)
class VersionChange:
    """What changed from one environment to another; ``packages`` are versions, None without one."""

    before: str
    after: str
    frameworks: tuple[str, ...]
    packages: Mapping[str, tuple[str | None, str | None]]
    numbers: Sequence[NumberChange]
    conventions: ConventionDiff
    speeds: Sequence[SpeedChange] = ()

    @property
    def differs(self) -> bool:
        """Whether a convention changed, the numbers of an implementation by more than rounding or by what
        cannot be told, or whether a task takes longer beyond the noise."""
        slower = any(one.contrast and one.contrast.word == "slower" for one in self.speeds)
        return slower or bool(self.conventions.changes) or any(one.differs for one in self.numbers)


def number_change(before: CheckResult, after: CheckResult, apart: Distance | None) -> NumberChange:
    """Return how the numbers of a cell changed; ``apart`` is how far its first steps are from each other."""
    one, other = before.verdict.verdict, after.verdict.verdict
    changed, detail = UNKNOWN, after.verdict.reason or before.verdict.reason
    if one == other == UNAVAILABLE and not after.cell.named:
        changed = NEITHER
    elif (one in ANSWERS) != (other in ANSWERS):
        changed = ONE_ONLY
    elif one != other:
        changed = BEYOND
    elif one in ANSWERS:
        changed, size = _with_one_verdict(one, before.port, after.port, apart)
        detail = detail or size
    cell = after.cell
    return NumberChange(f"{cell.of_case}/{cell.implementation}", cell.framework, one, other, changed, detail)


def _with_one_verdict(
    verdict: str, before: PortResult | None, after: PortResult | None, apart: Distance | None
) -> tuple[str, str | None]:
    """Return how numbers changed whose verdict did not, and by how much."""
    if before and after and _errors(before) == _errors(after):
        return SAME_ERRORS, None
    if apart and apart.identical:
        return SAME_BITS, None
    if verdict != AGREE or not (apart or (before and after)):
        return UNKNOWN, "nothing was kept of a first step" if verdict == AGREE else None
    return ROUNDING, f"at most {apart.worst:.2g} sigma apart" if apart else None


def _errors(result: PortResult) -> list[list[object]]:
    tensors = result.document["tensors"]
    return [[row[field] for field in ERRORS] for row in tensors]  # type: ignore[attr-defined]


def package_changes(
    before: Mapping[str, str], after: Mapping[str, str]
) -> dict[str, tuple[str | None, str | None]]:
    """Return the packages of two environments whose versions differ."""
    both = {name: (before.get(name), after.get(name)) for name in sorted({**before, **after})}
    return {name: (one, other) for name, (one, other) in both.items() if one != other}
