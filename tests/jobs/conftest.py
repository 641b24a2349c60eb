"""Runs of workers that answer at once."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Cell
from samestep.measure import clock
from samestep.workers.judge import Judge
from samestep.workers.launcher import Launcher, settings_of
from samestep.workers.protocol import Confirm, Confirmed, JudgeTimed, TimedJudged
from tests.made.instant import Instant, answering, examining
from tests.made.rungs import GOOD, root


@pytest.fixture
def instant(monkeypatch) -> list[Instant]:
    """All workers that were started to be timed; whoever examines says that all agree, and each judges itself
    in the end."""
    started: list[Instant] = []

    def start(_: Launcher, cell: Cell, place: list[int]) -> Instant:
        started.append(Instant(cell))
        return started[-1]

    def confirm(launcher: Launcher, _: Judge, worker: Instant, cell: Cell) -> Confirmed:
        return worker.ask(Confirm(launcher.subject(cell), settings_of(cell)), launcher.patience)

    def judge_timed(launcher: Launcher, _: Judge, worker: Instant, cell: Cell, judged: bool) -> TimedJudged:
        return worker.ask(JudgeTimed(launcher.subject(cell), settings_of(cell)), launcher.patience)

    monkeypatch.setattr(Launcher, "start", start)
    monkeypatch.setattr(Launcher, "confirm", confirm)
    monkeypatch.setattr(Launcher, "judge_timed", judge_timed)
    examining(monkeypatch, {})
    return started


@pytest.fixture
def launcher(tmp_path) -> Callable[[int], Launcher]:
    """What starts workers, for a seed."""
    impls = root(tmp_path / "impls", dict.fromkeys(("numpy_slow", "numpy_a", "numpy_b"), GOOD))
    return lambda seed: Launcher(Catalog([impls]), [impls], seed=seed)


@pytest.fixture
def seconds(monkeypatch) -> Callable[[], float]:
    """A clock that goes on by a second at each sample, and by nothing else."""
    passed = [0.0]

    def sample(worker: Instant, _: object) -> dict:
        passed[0] += 1
        return {}

    answering(monkeypatch, "sample", sample)
    monkeypatch.setattr(clock, "now", lambda: passed[0])
    return lambda: passed[0]


@pytest.fixture
def unsteady(instant, monkeypatch) -> list[Instant]:
    """Each process is faster or slower than the next by some percent."""
    answering(
        monkeypatch, "sample",
        lambda worker, _: {"seconds": random.Random(instant.index(worker)).uniform(1.0, 1.1)},
    )  # fmt: skip
    return instant
