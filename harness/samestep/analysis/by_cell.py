"""What the records say of each cell, sorted out: nothing is computed yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from samestep.analysis.ratios import Process, Samples


@dataclass
class Gathered:
    """What the records say of one cell. ``samples`` and ``transfers`` are by task; a transfer is the seconds
    to the device and those from it, of the data of one call."""

    verdicts: list[Mapping[str, Any]] = field(default_factory=list)
    samples: dict[str, Samples] = field(default_factory=dict)
    starts: list[Mapping[str, Any]] = field(default_factory=list)
    transfers: dict[str, dict[Process, Mapping[str, float]]] = field(default_factory=dict)
    finishes: list[Mapping[str, Any]] = field(default_factory=list)
    disturbed: dict[str, int] = field(default_factory=dict)
    repeated: dict[str, int] = field(default_factory=dict)

    def take(self, record: Mapping[str, Any]) -> None:
        kind, task = record["kind"], record.get("task", "")
        if kind == "verdict":
            self.verdicts.append(record)
        elif kind == "start":
            self.starts.append(record)
            for name, both in (record.get("transfers") or {}).items():
                if both:
                    self.transfers.setdefault(name, {})[_process(record)] = both
        elif kind == "finish":
            self.finishes.append(record)
        elif kind == "sample":
            self.disturbed[task] = self.disturbed.get(task, 0) + bool(record["disturbed"])
            self.repeated[task] = self.repeated.get(task, 0) + bool(record.get("repeated"))
            if not record.get("repeated"):
                of_task = self.samples.setdefault(task, {})
                of_task[moment(record)] = record["seconds"] / record["loops"]

    def first(self, name: str) -> Mapping[str, Any]:
        """Of the first start, before compilers' caches were warm; {} where the run knows none."""
        found: Mapping[str, Any] = (self.starts[0].get(name) if self.starts else None) or {}
        return found

    def transfer(self, task: str) -> Mapping[str, float] | None:
        """The middle one of all processes, each way; None where nothing had to be brought anywhere."""
        timed = list(self.transfers.get(task, {}).values())
        return {way: median(one[way] for one in timed) for way in timed[0]} if timed else None


def gather(about: Mapping[str, Any], records: Iterable[Mapping[str, Any]]) -> dict[str, Gathered]:
    """Of every cell of the run's plan, by its key."""
    gathered = {cell["key"]: Gathered() for cell in about["cells"]}
    for record in records:
        if record.get("cell") in gathered:
            gathered[record["cell"]].take(record)
    return gathered


def grouped(samples: Samples) -> list[list[float]]:
    """The seconds by process, which is the unit of inference."""
    processes: dict[Process, list[float]] = {}
    for (process, _), value in sorted(samples.items()):
        processes.setdefault(process, []).append(value)
    return list(processes.values())


def moment(record: Mapping[str, Any]) -> tuple[Process, int]:
    """In which round of which process a turn was taken."""
    return _process(record), record["round"]


def _process(record: Mapping[str, Any]) -> Process:
    return record["arena"], record["invocation"]
