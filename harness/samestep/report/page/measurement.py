"""How a run was measured: its machine, what was counted, and how far its numbers can be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from samestep.analysis.summary import CellSummary, TaskSummary, measured_peaks
from samestep.codec import encode
from samestep.records.store import Run
from samestep.report.legend import worker_versions

#: Fields of ``run.json`` that say what a run ran on and with.
PARTS = ("machine", "options", "profile", "environment", "inherited")
#: Those that hold variables of the environment.
VARIABLES = ("environment", "inherited")


@dataclass(frozen=True)
class Measurement:
    """What was counted in a run.

    ``tasks`` counts the tasks of all comparison groups, ``unstable`` names those ("two_layer:tiny train")
    whose A/A ratio is more than 2 % from 1, ``controlled`` counts those that have such a ratio, and
    ``noise`` are the smallest and the largest of them. Samples are those that count, except for those of A/A
    copies; ``repeated`` were re-measured, and do not count. ``peaks`` (flop/s) are by dtype and device.
    """

    samples: int
    disturbed: int
    repeated: int
    noise: tuple[float, float] | None
    tasks: int
    controlled: int
    unstable: Sequence[str]
    peaks: Mapping[tuple[str, str], float]


def measurement(summaries: Sequence[CellSummary]) -> Measurement:
    """Return what was counted in a run."""
    timed = [task for one in summaries for task in one.tasks.values()]
    repeated = sum(task.repeated for task in timed)
    noise = sorted(task.noise for task in timed if task.noise is not None)
    compared = _compared(summaries)
    return Measurement(
        samples=sum(task.seconds.samples for task in timed),
        disturbed=sum(task.disturbed for task in timed) - repeated,
        repeated=repeated,
        noise=(noise[0], noise[-1]) if noise else None,
        tasks=len(compared),
        controlled=sum(task.noise is not None for task in compared.values()),
        unstable=[name for (_, name), task in compared.items() if not task.stable],
        peaks=measured_peaks(summaries),
    )


def _compared(summaries: Sequence[CellSummary]) -> dict[tuple[str, str], TaskSummary]:
    """Return one cell's numbers for each comparison group and task, by the group's baseline and the task's
    name: of a cell that has the A/A ratio, where there is one."""
    found: dict[tuple[str, str], TaskSummary] = {}
    for one in summaries:
        for name, task in one.tasks.items():
            key = (one.cell.baseline, f"{one.cell.of_case} {name}")
            if key not in found or task.noise is not None:
                found[key] = task
    return found


def fingerprint(run: Run) -> list[tuple[str, str]]:
    """Return what the run knows of its machine, its options and the versions that its workers read: a name
    and a value each, in the order of the plan."""
    document = encode(run.plan)
    parts = {name: document[name] for name in PARTS}
    found = [(_name(path), value) for path, value in _flat(parts, ())]
    return [("run", run.name), *found, *(("version", one) for one in worker_versions(run))]


def _name(path: Sequence[str]) -> str:
    """Return the name of a value in words: variables of the environment are left as they are."""
    *words, last = path
    return " ".join([*words, last if path[0] in VARIABLES else last.replace("_", " ")])


def _flat(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(inner, (*path, str(name)))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        yield from _flat({str(number): item for number, item in enumerate(value, start=1)}, path)
    elif value not in (None, [], ""):
        yield path, ", ".join(map(str, value)) if isinstance(value, list) else str(value)
