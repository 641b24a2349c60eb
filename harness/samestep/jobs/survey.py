"""Puts the questions to every framework, each in a worker of its own, and keeps answers and failures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from samestep.agreement.verdict import UNAVAILABLE
from samestep.catalog.catalog import Catalog
from samestep.conventions.questions import FRAMEWORKS
from samestep.workers.pool import Lanes
from samestep.workers.process import WorkerLost, WorkerProcess, processors

PATIENCE_SECONDS = 120.0
SETTINGS = {"device": "cpu", "threads": 1}


@dataclass
class FrameworkAnswers:
    """One framework's version, or why it is missing; its answers and its failures, by question."""

    version: str | None = None
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
    """

    catalog: Catalog
    keys: Sequence[str]
    pythons: Mapping[str, str]
    cache: Path
    on_result: Callable[[str], None]
    started: list[WorkerProcess] = field(default_factory=list, init=False)
    stopped: bool = field(default=False, init=False)

    @property
    def expected_results(self) -> int:
        """The number of calls of ``on_result`` where every installed framework can be imported."""
        return len(self.keys) * sum(not self._missing(name) for name in FRAMEWORKS)

    def run(self) -> dict[str, FrameworkAnswers]:
        """Return the answers by framework. As many frameworks run at a time as there are processors."""
        found: dict[str, FrameworkAnswers] = {}
        with Lanes(processors(1), self.stop) as lanes:  # the slowest to import or to answer go first
            lanes.each(reversed(FRAMEWORKS), self.survey_framework, found.__setitem__)
        return {framework: found[framework] for framework in FRAMEWORKS}

    def stop(self) -> None:
        """End all workers, whichever thread waits for them, and start no more."""
        self.stopped = True
        for worker in list(self.started):
            worker.kill()

    def survey_framework(self, framework: str, bound_to: Sequence[int]) -> FrameworkAnswers:
        """Return one framework's answers; where a question ends the worker, a new one takes the rest."""
        if missing := self._missing(framework):
            return FrameworkAnswers(missing=missing)
        python = self.pythons.get(framework, sys.executable)
        found, left = FrameworkAnswers(), list(self.keys)
        while left and not self.stopped:
            with WorkerProcess(framework, SETTINGS, python, cache=self.cache, bound_to=bound_to) as worker:
                self.started.append(worker)
                if self.stopped:
                    break
                try:
                    self._ask(worker, framework, found, left)
                except WorkerLost as lost:
                    if found.version is None:  # it cannot even be imported
                        return _without_import(found, left, lost.verdict.as_dict())
                    self._fail(found, left.pop(0), str(lost))
        return found

    def _missing(self, framework: str) -> str | None:
        return None if framework in self.pythons else self.catalog.missing(framework)

    def _ask(self, worker: WorkerProcess, framework: str, found: FrameworkAnswers, left: list[str]) -> None:
        """Put the questions ``left``, removing each that has its result. Raises `WorkerLost`."""
        opened = worker.ask({"op": "meet", "framework": framework}, PATIENCE_SECONDS)
        if not opened["ok"]:
            _without_import(found, left, opened["verdict"])
            left.clear()
            return
        found.version = opened["version"]
        while left:
            request = {"op": "convention", "framework": framework, "question": left[0]}
            got = worker.ask(request, PATIENCE_SECONDS)
            if got["ok"]:
                found.answers[left[0]] = got["answer"]
                self.on_result(left.pop(0))
            else:
                self._fail(found, left.pop(0), got["verdict"]["reason"])

    def _fail(self, found: FrameworkAnswers, key: str, reason: str) -> None:
        found.failed[key] = reason
        self.on_result(key)


def _without_import(
    found: FrameworkAnswers, left: Sequence[str], verdict: Mapping[str, str]
) -> FrameworkAnswers:
    """Record that a framework cannot be imported: it is missing in its Python, or it is broken, a failure."""
    if verdict["verdict"] == UNAVAILABLE:
        found.missing = verdict["reason"]
    else:
        found.failed |= dict.fromkeys(left, verdict["reason"])
    return found
