"""The document of ``samestep list --json``: implementations, frameworks and devices that there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from samestep.codec import in_json
from samestep.measure.hardware import Gpu

if TYPE_CHECKING:  # they would take a third of the time of `samestep list`
    from samestep.agreement.verdict import Verdict
    from samestep.records.schema import FrameworkFacts


@dataclass(frozen=True)
class ListedImplementation:
    """An implementation, and why its framework cannot be used here where that is so."""

    workload: str
    implementation: str
    framework: str
    read_after: str | None
    tasks: Sequence[str]
    cases: Sequence[str]
    available: bool
    reason: str | None


@dataclass(frozen=True)
class ProbedDevice:
    """What a framework reports of itself on a device, or why it gave no answer."""

    ok: bool
    facts: FrameworkFacts | None = field(metadata=in_json(flat=True, omit=True), default=None)
    verdict: Verdict | None = field(metadata=in_json(omit=True), default=None)


@dataclass(frozen=True)
class ListedFramework:
    """A framework with its installed version; ``devices`` only where workers were started to ask it."""

    framework: str
    version: str | None
    available: bool
    reason: str | None
    devices: Mapping[str, ProbedDevice] | None = field(metadata=in_json(omit=True), default=None)


@dataclass(frozen=True)
class ListedDevice:
    """The processor or a GPU."""

    device: str
    name: str | None = None
    gpu: Gpu | None = field(metadata=in_json(flat=True, omit=True), default=None)


@dataclass(frozen=True)
class Inventory:
    """The document of ``samestep list --json``."""

    implementations: Sequence[ListedImplementation]
    frameworks: Sequence[ListedFramework]
    devices: Sequence[ListedDevice]
