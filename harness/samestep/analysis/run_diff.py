"""What changed between two runs, and is it real?

Two runs were taken at different times, so what all cells share (machine drift, the clock speed) belongs to no
single cell. Where the group's baseline is the same in both, its code and what it ran with, it is the control:
a cell's change is that of its ratio to the baseline, a difference of differences. The baseline itself, and
every cell of a group whose baseline changed, is compared absolutely, by the clock: such a change may be the
machine's, of which the samples of one run know nothing. Two revisions that `samestep ab` measured took turns
in the same rounds: there each cell is compared with itself, round by round. All changes are judged together,
and none that is smaller than the A/A ratio of either run is called one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from samestep.agreement.verdict import AGREE, SUSPECT, Divergence
from samestep.analysis.longer_run import LongerRun, longer_run
from samestep.analysis.run_data import Fields, RunData, Timed
from samestep.analysis.same_rounds import ratios_in_the_same_rounds
from samestep.analysis.statistics import Contrast, Mean, aa_difference, contrasts_of_means, difference
from samestep.codec import encode
from samestep.records.plan import PlannedCell


@dataclass(frozen=True)
class Difference:
    """A field that is not the same in both runs; None where a run has no such field."""

    field: str
    before: object
    after: object


@dataclass(frozen=True)
class Change:
    """One task of one cell: seconds of a call (``a_step``: of one of its steps), and how many times as long.

    ``floor`` is the largest A/A ratio of the two runs; ``absolutely`` says why the change is the clock's, and
    is None where it is that of the ratio to the baseline, or ``paired``: taken in the same rounds.
    """

    cell: PlannedCell
    task: str
    before: float
    after: float
    a_step: bool
    contrast: Contrast
    floor: float
    baseline: bool
    absolutely: str | None
    paired: bool = False


@dataclass(frozen=True)
class VerdictChange:
    """A cell whose verdict, or the arithmetic that it was found to use, is another one.

    ``reason`` and ``first_divergence`` are those of the later run. How near an agreeing cell came to its
    limits does not count as a difference.
    """

    cell: PlannedCell
    before: str
    after: str
    reason: str | None
    first_divergence: Divergence | None
    precision: tuple[str | None, str | None]

    @property
    def word(self) -> str:
        """ "worse", "better", or "other" where an answer is as good or as bad as before, but not the same."""
        before, after = _rank(self.before), _rank(self.after)
        return "worse" if after > before else "better" if after < before else "other"


@dataclass(frozen=True)
class RunDiff:
    """All that changed; ``only_before`` and ``only_after`` are cells, or tasks of cells, of one run.

    ``longer`` is how long a run would detect a change of 5 %, None where these do.
    """

    differences: tuple[Difference, ...]
    changes: tuple[Change, ...]
    verdicts: tuple[VerdictChange, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    longer: LongerRun | None = None

    @property
    def worse(self) -> bool:
        """Whether something takes longer, beyond the noise, or has a worse verdict."""
        words = {*(one.contrast.word for one in self.changes), *(one.word for one in self.verdicts)}
        return bool(words & {"slower", "worse"})

    @property
    def machines(self) -> Difference | None:
        """The two processors, where the runs were made on two machines."""
        return next((one for one in self.differences if one.field == "machine.cpu"), None)


def run_diff(before: RunData, after: RunData) -> RunDiff:
    """Return what changed from the first run to the second."""
    shared = [key for key in before.cells if key in after.cells]
    ratios = _Ratios.of(before, after, shared)
    together = before.plan.together_with(after.plan)
    seconds = [before.seconds] if together else [before.seconds, after.seconds]
    return RunDiff(
        tuple(_differences(_facts(before), _facts(after))),
        tuple(_changes(before, after, ratios)),
        tuple(_verdict_changes(before, after, shared)),
        tuple(_missing(before, after)),
        tuple(_missing(after, before)),
        longer_run(ratios.with_floors.values(), seconds),
    )


# -- what differs --------------------------------------------------------------------------------------


def _facts(run: RunData) -> dict[str, Fields]:
    """Return whatever may explain a change, by section, without what differs between any two runs."""
    plan = run.plan
    machine = {name: value for name, value in encode(plan.machine).items() if name != "load"}
    work = {case: {task: facts.flops for task, facts in tasks.items()} for case, tasks in plan.tasks.items()}
    return {
        "machine": machine,
        "options": encode(plan.options),
        "profile": encode(plan.profile),
        "environment": plan.environment,
        "inherited": plan.inherited or {},
        "versions": run.software,
        "sources": plan.sources or {},
        "flops": work,
    }


def _differences(before: Mapping[str, Fields], after: Mapping[str, Fields]) -> Iterator[Difference]:
    for section, mine in before.items():
        theirs = after[section]
        if section in ("versions", "sources", "flops"):  # what one run did not select does not differ
            mine = {name: mine[name] for name in mine if name in theirs}
            theirs = {name: theirs[name] for name in mine}
        one, other = dict(_flat(section, mine)), dict(_flat(section, theirs))
        for field in {**one, **other}:
            if one.get(field) != other.get(field):
                yield Difference(field, one.get(field), other.get(field))


def _flat(name: str, value: object) -> Iterator[tuple[str, object]]:
    """Return (a.b.c, value) for each value of a mapping of mappings, and of a list of them."""
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        value = dict(enumerate(value))
    if isinstance(value, Mapping):
        for inner, item in value.items():
            yield from _flat(f"{name}.{inner}", item)
    else:
        yield name, value


# -- what takes longer ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Ratios:
    """After over before, of every task that both timed and that is the same amount of work: the means of
    logarithms, why each is the clock's (None where it is not), and the A/A differences."""

    means: Mapping[Timed, Mean]
    absolutely: Mapping[Timed, str | None]
    floors: Mapping[Timed, float]
    paired: Mapping[Timed, Mean]

    @classmethod
    def of(cls, before: RunData, after: RunData, shared: Iterable[str]) -> _Ratios:
        timed = [
            (key, task)
            for key in shared
            for task, flops in before.work(key).items()
            if after.work(key).get(task) == flops
        ]
        together = before.plan.together_with(after.plan)
        paired = ratios_in_the_same_rounds(before, after, timed) if together else {}
        reasons = {one: None if one in paired else _absolutely(before, after, *one) for one in timed}
        family = {
            one: difference(after.absolute(*one), before.absolute(*one))
            if reasons[one]
            else paired.get(one) or difference(after.ratios[one], before.ratios[one])
            for one in timed
        }
        floors = {one: max(_floor(side, *one) for side in (before, after)) for one in timed}
        return cls(family, reasons, floors, paired)

    @property
    def with_floors(self) -> dict[Timed, tuple[Mean, float]]:
        """Each mean, with what a ratio owes to the A/A difference: to the mean of two equal copies, half."""
        return {
            one: (mean, self.floors[one] / 2 if one in self.paired else self.floors[one])
            for one, mean in self.means.items()
        }

    def contrasts(self) -> dict[Timed, Contrast]:
        """Return what may be said of each, all judged together."""
        owed = {one: floor for one, (_, floor) in self.with_floors.items()}
        least = {one: self.floors[one] if one in self.paired else 0.0 for one in self.means}
        return contrasts_of_means(self.means, owed, least)


def _changes(before: RunData, after: RunData, ratios: _Ratios) -> Iterator[Change]:
    for one, contrast in ratios.contrasts().items():
        key, task = one
        first, second = (side.cells[key].tasks[task] for side in (before, after))
        steps = first.steps if first.steps == second.steps else None
        paired = one in ratios.paired
        yield Change(
            before.cells[key].cell, task, first.seconds.value / (steps or 1),
            second.seconds.value / (steps or 1), steps is not None, contrast, math.exp(ratios.floors[one]),
            not paired and key == before.baseline(key, task), ratios.absolutely[one], paired,
        )  # fmt: skip


def _absolutely(before: RunData, after: RunData, key: str, task: str) -> str | None:
    """Return why a change cannot be that of the ratio to the baseline; None where it can."""
    if before.plan.together_with(after.plan):
        return "no round has samples of both"
    control = before.baseline(key, task)
    if control is None or control != after.baseline(key, task):
        return "the runs have no baseline in common"
    name = before.cells[control].cell.implementation
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


def _floor(run: RunData, key: str, task: str) -> float:
    return aa_difference(run.cells[key].tasks[task].noise)


# -- what answers differently --------------------------------------------------------------------------


def _verdict_changes(before: RunData, after: RunData, shared: Iterable[str]) -> Iterator[VerdictChange]:
    for key in shared:
        one, other = before.cells[key], after.cells[key]
        labels = before.precision.get(key), after.precision.get(key)
        if one.verdict != other.verdict or (None not in labels and labels[0] != labels[1]):
            yield VerdictChange(
                one.cell, one.verdict, other.verdict, other.reason, other.first_divergence, labels
            )  # fmt: skip


def _rank(verdict: str) -> int:
    """Return 0 for agreement, 1 for a suspicion, 2 for what is wrong or missing."""
    return {AGREE: 0, SUSPECT: 1}.get(verdict, 2)


def _missing(mine: RunData, other: RunData) -> Iterator[str]:
    """Return what only ``mine`` has: whole cells, and tasks of cells that both timed."""
    for key, summary in mine.cells.items():
        theirs = other.cells.get(key)
        if theirs is None:
            yield key
        elif theirs.tasks:
            yield from (f"{key} {task}" for task in summary.tasks if task not in theirs.tasks)
