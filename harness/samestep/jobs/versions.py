"""The same implementations and questions with two releases: what they give with one, and with the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from samestep.agreement.distance import load_outputs, measure_distance
from samestep.agreement.findings import Distance
from samestep.agreement.verdict import AGREE
from samestep.analysis.convention_diff import diff_tables
from samestep.analysis.version_changes import (
    NumberChange,
    SpeedChange,
    VersionChange,
    number_change,
    package_changes,
)
from samestep.catalog.cell import Cell, runtime
from samestep.conventions.questions import FRAMEWORKS
from samestep.errors import SamestepError
from samestep.jobs.check import Wanted, check, first_step
from samestep.jobs.convention_table import make_table, select_questions
from samestep.jobs.survey import Survey
from samestep.jobs.version_environments import Environment
from samestep.jobs.version_speed import VersionSpeed
from samestep.records.check_results import CheckResult
from samestep.records.convention_document import ConventionTable
from samestep.records.plan import Profile
from samestep.workers import cleanup
from samestep.workers.launcher import Launcher
from samestep.workers.process import NoAnswer


@dataclass(frozen=True)
class Pair:
    """Two environments that have ``frameworks`` in common."""

    before: Environment
    after: Environment
    frameworks: tuple[str, ...]

    @property
    def both(self) -> tuple[Environment, Environment]:
        return self.before, self.after


def pairs_of(environments: Sequence[Environment]) -> list[Pair]:
    """Return each environment with the first one that shares a framework with it.

    Raises SamestepError where one has no other to be compared with.
    """
    found: list[Pair] = []
    for at, after in enumerate(environments):
        for before in environments[:at]:
            if common := tuple(name for name in after.frameworks if name in before.frameworks):
                found.append(Pair(before, after, common))
                break
    paired = [one.name for pair in found for one in pair.both]
    for one in environments:
        if one.name not in paired:
            has = ", ".join(one.frameworks) or "no framework that samestep knows"
            raise SamestepError(f"--with {one.name!r} has {has}: give another release in a second --with")
    return found


@dataclass(frozen=True)
class Comparison:
    """Compares environments for ``cells`` and questions, and times the cells as much as the ``profile`` says,
    if at all; ``tell`` is given a line before each part."""

    launcher: Launcher
    cells: Sequence[Cell]
    profile: Profile | None
    tell: Callable[[str], None]

    def compare(self, pair: Pair) -> VersionChange:
        """Return what changed from the first environment of a pair to the second."""
        launcher = with_interpreters(self.launcher, pair)
        cells = [cell for cell in self.cells if cell.framework in pair.frameworks]
        numbers = list(self._numbers(launcher, cells, pair))
        agree = [cell for cell, one in zip(cells, numbers, strict=True) if one.before == one.after == AGREE]
        speeds: list[SpeedChange] = []
        if self.profile is not None and agree:
            self.tell(f"timing {len(agree)} with {pair.before.name} and {pair.after.name}, by turns")
            speeds = VersionSpeed(launcher, self.profile, self.tell).measure(agree, *_names(pair))
        before, after = (self._table(launcher, one, pair.frameworks) for one in pair.both)
        packages = package_changes(pair.before.versions, pair.after.versions)
        return VersionChange(
            *_names(pair), pair.frameworks, packages, numbers, diff_tables(before, after), speeds
        )

    def _numbers(self, launcher: Launcher, cells: Sequence[Cell], pair: Pair) -> Iterator[NumberChange]:
        """Yield how the numbers of each cell changed, in their order; as in a run, of one thread."""
        with cleanup.temporary_folder() as folder:
            others = [cell for cell in cells if not _is_reference(launcher, cell)]
            checked = self._checked(launcher, others, pair, folder)
            for cell in cells:
                if _is_reference(launcher, cell):
                    yield self._replayed(launcher, cell, pair, folder)
                else:
                    yield number_change(*checked[cell], _apart(folder, *_in_both(cell, pair)))

    def _replayed(self, launcher: Launcher, cell: Cell, pair: Pair, folder: Path) -> NumberChange:
        """Record a port file's reference with the first release, and judge it by that with both."""
        record = folder / f"{cell.workload}.npz"
        self.tell(f"recording {cell.implementation} with {pair.before.name}")
        try:
            launcher.record_reference(_in_both(cell, pair)[0], record)
        except NoAnswer as failed:
            name = f"{cell.implementation} with {pair.before.name}"
            raise SamestepError(f"{name}: {failed.verdict.reason}") from failed
        recorded = replace(launcher, record=record)
        return number_change(*self._checked(recorded, [cell], pair, folder)[cell], None)

    def _checked(
        self, launcher: Launcher, cells: Sequence[Cell], pair: Pair, keep: Path
    ) -> dict[Cell, tuple[CheckResult, CheckResult]]:
        """Return what came of each cell with the first release, and with the second."""
        if cells:
            self.tell(f"checking {len(cells)} with {pair.before.name} and {pair.after.name}")
        both = {cell: _in_both(cell, pair) for cell in cells}
        found: dict[Cell, CheckResult] = {}
        every = [one for before_and_after in both.values() for one in before_and_after]
        check(launcher, every, lambda one: found.__setitem__(one.cell, one.result), Wanted(keep=keep))
        return {cell: (found[before], found[after]) for cell, (before, after) in both.items()}

    def _table(self, launcher: Launcher, where: Environment, frameworks: Sequence[str]) -> ConventionTable:
        """Return the answers of an environment to all questions on conventions."""
        asked = tuple(name for name in FRAMEWORKS if name in frameworks)
        questions = select_questions(()).questions if asked else {}
        if asked:
            self.tell(f"asking {len(questions)} questions on conventions with {where.name}")
        pythons = dict.fromkeys(asked, where.python)
        survey = Survey(launcher.catalog, list(questions), pythons, launcher.cache, lambda key: None, asked)
        return make_table(survey, questions)


def with_interpreters(launcher: Launcher, pair: Pair) -> Launcher:
    """Return a launcher that knows the interpreters of both releases."""
    pythons = {runtime(name, one.name): one.python for one in pair.both for name in pair.frameworks}
    return replace(launcher, pythons={**launcher.pythons, **pythons})


def _names(pair: Pair) -> tuple[str, str]:
    return pair.before.name, pair.after.name


def _in_both(cell: Cell, pair: Pair) -> tuple[Cell, Cell]:
    """Return a cell with the first release and with the second, as they are checked."""
    before, after = (replace(cell, release=name, threads=1) for name in _names(pair))
    return before, after


def _is_reference(launcher: Launcher, cell: Cell) -> bool:
    catalog = launcher.catalog
    return catalog.is_port(cell.workload) and cell.implementation == catalog.spec(cell.workload).baseline


def _apart(folder: Path, before: Cell, after: Cell) -> Distance | None:
    """Return how far the first steps of a cell in two environments are apart; None where one is missing."""
    files = first_step(folder, before), first_step(folder, after)
    if not all(file.is_file() for file in files):
        return None
    (one, sigmas), (other, _) = map(load_outputs, files)
    return measure_distance(one, other, sigmas)
