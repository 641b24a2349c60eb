"""Puts the questions to every framework, each in a worker of its own, and keeps answers and failures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from samestep.agreement.verdict import UNAVAILABLE, Verdict
from samestep.catalog.catalog import Catalog
from samestep.conventions.questions import FRAMEWORKS
from samestep.frameworks import Settings
from samestep.workers.environment import processor_sets
from samestep.workers.pool import WorkerPool
from samestep.workers.process import RequestFailed, WorkerLost, WorkerProcess
from samestep.workers.protocol import Ask, Import

PATIENCE_SECONDS = 120.0
SETTINGS = Settings()


@dataclass
class FrameworkAnswers:
    """One framework's version and its libraries', or why it is missing; answers and failures, by question."""

    version: str | None = None
    libraries: Mapping[str, str] = field(default_factory=dict)
    missing: str | None = None
    answers: dict[str, object] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass
class Survey:
    """The questions and the frameworks that they are put to.

    Attributes:
        catalog: knows which frameworks are installed.
        keys: the questions, as ``topic/name``.
        pythons: interpreters other than this one, by framework.
        cache: the folder of the compilers' caches.
        on_result: called with the question after each answer or failure, from several threads.
        frameworks: those that are asked, in the order of the table.
    """

    catalog: Catalog
    keys: Sequence[str]
    pythons: Mapping[str, str]
    cache: Path
    on_result: Callable[[str], None]
    frameworks: Sequence[str] = FRAMEWORKS

    @property
    def expected_results(self) -> int:
        """The number of calls of ``on_result`` where every installed framework can be imported."""
        return len(self.keys) * sum(not self._missing(name) for name in self.frameworks)

    def run(self) -> dict[str, FrameworkAnswers]:
        """Return the answers by framework. As many frameworks run at a time as there are processors."""
        found: dict[str, FrameworkAnswers] = {}
        with WorkerPool(processor_sets(1)) as pool:  # the slowest to import or to answer go first

            def survey(framework: str, bound_to: Sequence[int]) -> FrameworkAnswers:
                return self.survey_framework(framework, pool, bound_to)

            pool.each(reversed(self.frameworks), survey, found.__setitem__)
        return {framework: found[framework] for framework in self.frameworks}

    def survey_framework(self, framework: str, pool: WorkerPool, bound_to: Sequence[int]) -> FrameworkAnswers:
        """Return one framework's answers; where a question ends the worker, a new one takes the rest."""
        if missing := self._missing(framework):
            return FrameworkAnswers(missing=missing)
        python = self.pythons.get(framework, sys.executable)
        found, left = FrameworkAnswers(), list(self.keys)
        while left and not pool.stopped:
            with pool.add(WorkerProcess(SETTINGS, python, self.cache, bound_to)) as worker:
                try:
                    self._ask(worker, framework, found, left)
                except WorkerLost as lost:
                    if found.version is None:  # it cannot even be imported
                        return _without_import(found, left, lost.verdict)
                    self._fail(found, left.pop(0), str(lost))
        return found

    def _missing(self, framework: str) -> str | None:
        return None if framework in self.pythons else self.catalog.missing(framework)

    def _ask(self, worker: WorkerProcess, framework: str, found: FrameworkAnswers, left: list[str]) -> None:
        """Put the questions ``left``, removing each that has its result. Raises `WorkerLost`."""
        try:
            imported = worker.ask(Import(framework), PATIENCE_SECONDS)
            found.version, found.libraries = imported.version, imported.libraries
        except RequestFailed as failed:
            _without_import(found, left, failed.verdict)
            left.clear()
        while left:
            try:
                found.answers[left[0]] = worker.ask(Ask(framework, left[0]), PATIENCE_SECONDS).answer
                self.on_result(left.pop(0))
            except RequestFailed as failed:
                self._fail(found, left.pop(0), str(failed))

    def _fail(self, found: FrameworkAnswers, key: str, reason: str) -> None:
        found.failed[key] = reason
        self.on_result(key)


def _without_import(found: FrameworkAnswers, left: Sequence[str], verdict: Verdict) -> FrameworkAnswers:
    """Record that a framework cannot be imported: it is missing in its Python, or it is broken, a failure."""
    if verdict.verdict == UNAVAILABLE:
        found.missing = verdict.reason
    else:
        found.failed |= dict.fromkeys(left, str(verdict.reason))
    return found
