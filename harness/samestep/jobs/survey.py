"""Puts questions to every framework, each in a worker of its own: what they do, or how that failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samestep.agreement.verdict import UNAVAILABLE
from samestep.catalog.catalog import Catalog
from samestep.conventions.questions import FRAMEWORKS
from samestep.workers.pool import Lanes
from samestep.workers.process import WorkerLost, WorkerProcess, processors

PATIENCE_SECONDS = 120.0
SETTINGS = {"device": "cpu", "threads": 1}


@dataclass
class Met:
    """One framework: its version, or why it is missing; its answers by question, and its failures."""

    version: str | None = None
    missing: str | None = None
    answers: dict[str, Any] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass
class Interview:
    """``keys`` are the questions; ``heard`` is called after each, from several threads."""

    catalog: Catalog
    keys: Sequence[str]
    pythons: Mapping[str, str]
    cache: Path
    heard: Callable[[str], None]
    started: list[WorkerProcess] = field(default_factory=list, init=False)
    stopped: bool = field(default=False, init=False)

    def all(self) -> dict[str, Met]:
        """Every framework's answers; as many frameworks side by side as there are processors."""
        found: dict[str, Met] = {}
        with Lanes(processors(1), self.stop) as lanes:  # the slowest to import or to answer go first
            lanes.each(reversed(FRAMEWORKS), self.one, found.__setitem__)
        return {framework: found[framework] for framework in FRAMEWORKS}

    def stop(self) -> None:
        """End all workers, whichever thread waits for them, and start none any more."""
        self.stopped = True
        for worker in list(self.started):
            worker.kill()

    def one(self, framework: str, bound_to: Sequence[int]) -> Met:
        """One framework's answers; where a question ends its worker, the others get a new one."""
        missing = None if framework in self.pythons else self.catalog.missing(framework)
        if missing:
            return Met(missing=missing)
        python = self.pythons.get(framework)
        more: dict[str, Any] = {"python": python} if python else {}
        met, left = Met(), list(self.keys)
        while left and not self.stopped:
            with WorkerProcess(framework, SETTINGS, cache=self.cache, bound_to=bound_to, **more) as worker:
                self.started.append(worker)
                if self.stopped:
                    break
                try:
                    self._ask(worker, framework, met, left)
                except WorkerLost as lost:
                    if met.version is None:  # it cannot even be imported
                        return _gone(met, left, lost.verdict.as_dict())
                    self._failed(met, left.pop(0), str(lost))
        return met

    def _ask(self, worker: WorkerProcess, framework: str, met: Met, left: list[str]) -> None:
        """All that is left; what is answered is taken away. Raises `WorkerLost`."""
        opened = worker.ask({"op": "meet", "framework": framework}, PATIENCE_SECONDS)
        if not opened["ok"]:
            _gone(met, left, opened["verdict"])
            left.clear()
            return
        met.version = opened["version"]
        while left:
            request = {"op": "convention", "framework": framework, "question": left[0]}
            got = worker.ask(request, PATIENCE_SECONDS)
            if got["ok"]:
                met.answers[left[0]] = got["answer"]
                self.heard(left.pop(0))
            else:
                self._failed(met, left.pop(0), got["verdict"]["reason"])

    def _failed(self, met: Met, key: str, reason: str) -> None:
        met.failed[key] = reason
        self.heard(key)


def _gone(met: Met, left: Sequence[str], verdict: Mapping[str, str]) -> Met:
    """It cannot be imported: it is missing in its Python, or it is broken, which is a failure."""
    if verdict["verdict"] == UNAVAILABLE:
        met.missing = verdict["reason"]
    else:
        met.failed |= dict.fromkeys(left, verdict["reason"])
    return met
