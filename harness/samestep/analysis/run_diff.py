"""What changed between two runs, and is it real?

Two runs were taken at different times, so what all cells share (the weather, the clock speed) is no cell's
own. Where the arena's baseline is the same in both, its code and what it ran with, it is the control: a
cell's change is that of its ratio to the baseline, a difference of differences. The baseline itself, and
every cell of an arena whose baseline changed, is compared absolutely, by the clock: such a change may be the
machine's, of which the samples of one run know nothing. All changes are judged together, and none that is
smaller than what the same code under two names showed in either run is called one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from samestep.agreement.verdict import AGREE, SUSPECT
from samestep.analysis.by_cell import gather
from samestep.analysis.ratios import Samples
from samestep.analysis.statistics import Contrast, Mean, difference, judged, means, paired
from samestep.analysis.summary import CellSummary, TaskSummary, summarize

Timed = tuple[str, str]
Fields = dict[str, Any]


@dataclass(frozen=True)
class Side:
    """One of the two runs: the cells that it has answers of, and what they ran with.

    ``software`` holds for each framework what its workers said of themselves; ``precision`` names the
    arithmetic that a cell was seen to use; ``baselines`` are those that the ratios (means of logarithms) of
    an arena and a task are to.
    """

    about: Mapping[str, Any]
    cells: Mapping[str, CellSummary]
    samples: Mapping[str, Mapping[str, Samples]]
    software: Mapping[str, Fields]
    precision: Mapping[str, str]
    baselines: Mapping[Timed, str]
    ratios: Mapping[Timed, Mean]

    @classmethod
    def of(cls, about: Mapping[str, Any], records: Iterable[Mapping[str, Any]]) -> Side:
        records = list(records)
        verdicts = [record for record in records if record["kind"] == "verdict"]
        answered = {record["cell"] for record in verdicts}
        found = {s.cell["key"]: s for s in summarize(about, records) if s.cell["key"] in answered}
        taken = {key: mine.samples for key, mine in gather(about, records).items()}
        baselines = {
            (summary.cell["baseline"], name): key
            for key, summary in found.items()
            for name, task in summary.tasks.items()
            if task.ratio and task.ratio.word == "baseline"
        }
        dtypes = {cell["key"]: cell["dtype"] for cell in about["cells"]}
        labels = {
            record["cell"]: record["precision"]["label"]
            for record in reversed(verdicts)  # the first is the cell's
            if record.get("precision") and record.get("checked_in") in (None, dtypes.get(record["cell"]))
        }
        ratios = _ratios(found, baselines)
        return cls(about, found, taken, _software(about, records), labels, baselines, ratios)

    def baseline(self, key: str, task: str) -> str | None:
        return self.baselines.get((self.cells[key].cell["baseline"], task))

    def identity(self, key: str) -> tuple[str | None, Fields]:
        """The code of a cell and what it runs with."""
        cell = self.cells[key].cell
        source = (self.about.get("sources") or {}).get(f"{cell['workload']}/{cell['implementation']}")
        return source, self.software.get(cell["framework"], {})

    def work(self, key: str) -> dict[str, float]:
        """The flops of each task of a cell that was timed, in the order of the spec."""
        summary = self.cells[key]
        facts = self.about["tasks"][f"{summary.cell['workload']}:{summary.cell['case']}"]
        return {task: fact["flops"] for task, fact in facts.items() if task in summary.tasks}

    def absolute(self, key: str, task: str) -> Mean:
        """The logarithm of the seconds. The weather moves all cells together, so none lends its variance."""
        mine = self.samples[key][task]
        return means({task: paired(mine, dict.fromkeys(mine, 1.0))})[task]


@dataclass(frozen=True)
class Difference:
    """A field that is not the same in both runs; None where a run has no such field."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Change:
    """One task of one cell: seconds of a call (``a_step``: of one of its steps), and how many times as long.

    ``floor`` is the largest ratio that the same code under two names showed; ``absolutely`` says why the
    change is the clock's, and is None where it is that of the ratio to the baseline.
    """

    cell: Mapping[str, Any]
    task: str
    before: float
    after: float
    a_step: bool
    contrast: Contrast
    floor: float
    baseline: bool
    absolutely: str | None


@dataclass(frozen=True)
class Turned:
    """A cell whose verdict, or the arithmetic that it was seen to use, is another one.

    ``reason`` and ``first_divergence`` are those of the later run. How near an agreeing cell came to its
    limits is no difference.
    """

    cell: Mapping[str, Any]
    before: str
    after: str
    reason: str | None
    first_divergence: Mapping[str, Any] | None
    precision: tuple[str | None, str | None]

    @property
    def word(self) -> str:
        """ "worse", "better", or "other" where an answer is as good or as bad as before, but not the same."""
        before, after = _rank(self.before), _rank(self.after)
        return "worse" if after > before else "better" if after < before else "other"


@dataclass(frozen=True)
class Comparison:
    """All that changed; ``only_before`` and ``only_after`` are cells, or tasks of cells, of one run."""

    differences: tuple[Difference, ...]
    changes: tuple[Change, ...]
    verdicts: tuple[Turned, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]

    @property
    def worse(self) -> bool:
        """Whether something takes longer, beyond the noise, or answers worse."""
        said = {*(one.contrast.word for one in self.changes), *(one.word for one in self.verdicts)}
        return bool(said & {"slower", "worse"})

    @property
    def machines(self) -> Difference | None:
        """The two processors, where the runs were made on two machines."""
        return next((one for one in self.differences if one.field == "machine.cpu"), None)


def compare(before: Side, after: Side) -> Comparison:
    shared = [key for key in before.cells if key in after.cells]
    return Comparison(
        tuple(_differences(_facts(before), _facts(after))),
        tuple(_changes(before, after, shared)),
        tuple(_turned(before, after, shared)),
        tuple(_missing(before, after)),
        tuple(_missing(after, before)),
    )


# -- what differs --------------------------------------------------------------------------------------


def _facts(side: Side) -> Fields:
    """Whatever may explain a change, by section; what is never twice the same is left out."""
    about = side.about
    machine = {name: value for name, value in about["machine"].items() if name != "load"}
    work = {
        case: {task: fact["flops"] for task, fact in tasks.items()} for case, tasks in about["tasks"].items()
    }
    return {
        "machine": machine,
        **{name: about.get(name, {}) for name in ("options", "profile", "environment", "inherited")},
        "versions": side.software,
        "sources": about.get("sources") or {},
        "flops": work,
    }


def _differences(before: Fields, after: Fields) -> Iterator[Difference]:
    for section, mine in before.items():
        theirs = after[section]
        if section in ("versions", "sources", "flops"):  # what one run did not select is no difference
            mine = {name: mine[name] for name in mine if name in theirs}
            theirs = {name: theirs[name] for name in mine}
        one, other = dict(_flat(section, mine)), dict(_flat(section, theirs))
        for field in {**one, **other}:
            if one.get(field) != other.get(field):
                yield Difference(field, one.get(field), other.get(field))


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """(a.b.c, value) of a mapping of mappings, and of a list of them."""
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        value = dict(enumerate(value))
    if isinstance(value, Mapping):
        for inner, item in value.items():
            yield from _flat(f"{name}.{inner}", item)
    else:
        yield name, value


def _software(about: Mapping[str, Any], records: Iterable[Mapping[str, Any]]) -> dict[str, Fields]:
    """The versions, and NumPy's BLAS, of each framework: as its first worker read them, or as was planned."""
    framework = {cell["key"]: cell["framework"] for cell in about["cells"]}
    found: dict[str, Fields] = {}
    for record in records:
        if record["kind"] == "start" and framework.get(record["cell"]) not in found:
            told = record["framework"]
            blas = {"blas": ", ".join(told["blas"])} if told.get("blas") else {}
            found[framework[record["cell"]]] = {**told.get("versions", {}), **blas}
    planned = {name: {name: version} for name, version in (about.get("versions") or {}).items()}
    return {**planned, **{name: told for name, told in found.items() if told}}


# -- what takes longer ---------------------------------------------------------------------------------


def _ratios(cells: Mapping[str, CellSummary], baselines: Mapping[Timed, str]) -> dict[Timed, Mean]:
    """Of each cell and task the logarithm of the ratio to the baseline, as the run's own tables have it."""
    found: dict[Timed, Mean] = {}
    for (_, task), baseline in baselines.items():
        arena = cells[baseline].arena
        assert arena is not None, "what was timed has an arena"
        found |= {(key, task): mean for key, mean in arena.ratios(baseline, task).items() if key in cells}
    return found


def _changes(before: Side, after: Side, shared: Iterable[str]) -> Iterator[Change]:
    """Every task that both timed and that is the same amount of work."""
    timed = [
        (key, task)
        for key in shared
        for task, flops in before.work(key).items()
        if after.work(key).get(task) == flops
    ]
    reasons = {one: _absolutely(before, after, *one) for one in timed}
    family = {
        one: difference(after.absolute(*one), before.absolute(*one))
        if reasons[one]
        else difference(after.ratios[one], before.ratios[one])
        for one in timed
    }
    tasks = {one: [side.cells[one[0]].tasks[one[1]] for side in (before, after)] for one in timed}
    floors = {one: max(map(_floor, both)) for one, both in tasks.items()}
    for one, contrast in judged(family, floors).items():
        key, task = one
        first, second = tasks[one]
        steps = first.steps if first.steps == second.steps else None
        yield Change(
            before.cells[key].cell, task, first.seconds.value / (steps or 1),
            second.seconds.value / (steps or 1), steps is not None, contrast, math.exp(floors[one]),
            key == before.baseline(key, task), reasons[one],
        )  # fmt: skip


def _absolutely(before: Side, after: Side, key: str, task: str) -> str | None:
    """Why a change cannot be that of the ratio to the baseline; None where it can."""
    control = before.baseline(key, task)
    if control is None or control != after.baseline(key, task):
        return "the runs have no baseline in common"
    name = before.cells[control].cell["implementation"]
    (source, ran_with), (other_source, runs_with) = before.identity(control), after.identity(control)
    if source is None or source != other_source:
        return f"the baseline {name} has other code"
    if ran_with != runs_with:
        return f"the baseline {name} runs with other versions"
    if key == control:
        return "it is the baseline"
    if (key, task) not in before.ratios or (key, task) not in after.ratios:
        return f"no sample was taken beside {name}'s"
    return None


def _floor(task: TaskSummary) -> float:
    return abs(math.log(task.noise)) if task.noise else 0.0


# -- what answers differently --------------------------------------------------------------------------


def _turned(before: Side, after: Side, shared: Iterable[str]) -> Iterator[Turned]:
    for key in shared:
        one, other = before.cells[key], after.cells[key]
        labels = before.precision.get(key), after.precision.get(key)
        if one.verdict != other.verdict or (None not in labels and labels[0] != labels[1]):
            yield Turned(
                one.cell, one.verdict, other.verdict, other.reason, other.first_divergence, labels
            )  # fmt: skip


def _rank(verdict: str) -> int:
    """An answer that is right, one to be looked at again, one that is wrong or missing."""
    return {AGREE: 0, SUSPECT: 1}.get(verdict, 2)


def _missing(mine: Side, other: Side) -> Iterator[str]:
    """What only ``mine`` has: whole cells, and tasks of cells that both timed."""
    for key, summary in mine.cells.items():
        theirs = other.cells.get(key)
        if theirs is None:
            yield key
        elif theirs.tasks:
            yield from (f"{key} {task}" for task in summary.tasks if task not in theirs.tasks)
