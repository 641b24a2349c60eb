"""A machine that others keep busy: it is seen, said once, recorded, and a run says why it goes on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping

import pytest

from samestep.analysis.busy import by_others, is_busy
from samestep.jobs import lookout
from samestep.jobs.bench import bench
from samestep.jobs.eta import PRIOR_SECONDS, Eta, Unit
from samestep.jobs.forecast import Forecast
from samestep.measure import clock, load
from samestep.measure.load import Key, Look, Process, used_by_others
from samestep.records.plan import Profile
from samestep.records.schema import Foreign, MachineLoad
from tests.made.instant import begin, ignore, records

ME = os.getpid()
TURN, CHECK = Unit("turn", "torch", "a cell", "train"), Unit("check", "torch", "a cell")


def seen(elsewhere: float, processors: int = 2, stolen: float = 0.0) -> MachineLoad:
    foreign = (Foreign("stress", elsewhere),)
    return MachineLoad(10.0, processors, elsewhere, stolen, 15.0, 0.5, foreign)


def at(work: int, processes: Mapping[Key, Process], total: int = 0, pressure: int = 0) -> Look:
    family = frozenset(key for key, one in processes.items() if ME in (key[0], one.parent))
    return Look(2, work, 0, total, pressure, processes, family)


def test_what_others_use_is_what_the_processors_worked_less_what_this_family_did():
    """This process and its child worked 100 ticks, 40 of them in a child that is gone; all did 250."""
    mine, other = (ME, 1), (7, 3)
    before = at(1000, {mine: Process(1, "samestep", 10, 10), other: Process(1, "stress", 500, 500)})
    after = at(
        1250,
        {
            mine: Process(1, "samestep", 40, 80), (8, 4): Process(ME, "worker", 30, 30),
            other: Process(1, "stress", 610, 610), (9, 5): Process(1, "stress", 10, 10),
            (9, 6): Process(1, "idle", 4, 4),
        },
        total=400, pressure=1_000_000,
    )  # fmt: skip
    found = used_by_others(before, after, 5.0)
    assert found == MachineLoad(
        200 / load.TICKS,
        2,
        150 / 200,
        0.0,
        found.load,
        1.0 / (200 / load.TICKS),
        [Foreign("stress", 0.6)],
        5.0,
    )
    assert used_by_others(before, before, 5.0) is None  # no time has passed


def test_what_this_process_and_its_children_use_is_its_own():
    spin = "import time\nwhile time.process_time() < 0.3: pass"
    before = load.look()
    subprocess.run([sys.executable, "-c", spin], check=True)
    after = load.look()
    assert (after.mine - before.mine) / load.TICKS > 0.25  # of a child that is gone
    assert after.work - before.work >= after.mine - before.mine - len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("elsewhere", "processors", "threads", "busy"),
    [
        (1.9, 2, 2, True), (0.05, 2, 2, False), (0.15, 2, 2, True), (0.9, 2, 1, False), (1.2, 2, 1, True),
        (5, 8, 2, False),
    ],
)  # fmt: skip
def test_a_machine_is_busy_where_others_leave_less_than_a_worker_needs(elsewhere, processors, threads, busy):
    assert is_busy(seen(elsewhere, processors), threads) == busy


def test_what_a_record_makes_up_of_others_is_shown_as_what_can_be():
    made_up = MachineLoad(1.0, 2, 2.0**99, 0.0, 1.0, None, [Foreign("\x1b[31m" + "x" * 999, 2.0**99)] * 99)
    text = by_others(made_up)
    assert text.startswith("others keep 2.0 of 2 processors busy (\\x1b[31mx")
    assert text.isprintable()
    assert len(text) < 200


def test_what_the_hypervisor_takes_makes_a_machine_busy_too():
    assert is_busy(seen(0.0, stolen=0.3), 2)
    assert by_others(seen(0.0, stolen=0.3)) == "other virtual machines take 0.3 of 2 processors"
    assert by_others(seen(0.6, stolen=0.3)) == (
        "others keep 0.6 of 2 processors busy (stress 60 %), other virtual machines take 0.3 of 2 processors"
    )
    assert by_others(seen(0.04, stolen=0.04)).startswith("others keep 0.0 of 2 processors busy")


@pytest.fixture
def looks(monkeypatch) -> Iterator[list[MachineLoad]]:
    """What each look finds, in turn; the last one stays."""
    found: list[MachineLoad] = []
    monkeypatch.setattr(lookout, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(lookout, "SECONDS", 5.0)
    monkeypatch.setattr(
        load, "used_by_others", lambda *_: found.pop(0) if len(found) > 1 else found[0] if found else None
    )
    return found


def test_a_busy_machine_is_said_once_and_recorded_at_every_look(tmp_path, instant, launcher, seconds, looks):
    looks += [seen(0.0), seen(1.9), seen(1.8)]
    said: list[str] = []
    run = begin(tmp_path, launcher(0), profile=Profile(2, 3))
    bench(run, launcher(0), ignore, said.append)
    assert said[0] == (
        "others keep 1.9 of 2 processors busy (stress 190 %): times will scatter, and the run may take much "
        "longer than forecast"
    )
    assert sum("times will scatter" in line for line in said) == 1
    kept = records(run, MachineLoad)
    assert len(kept) > 3
    assert kept[:3] == [seen(0.0), seen(1.9), seen(1.8)]


def test_a_run_that_takes_more_than_twice_its_forecast_says_why_it_goes_on(
    tmp_path, instant, launcher, seconds, looks, monkeypatch
):
    monkeypatch.setattr(clock, "pace", lambda: 0.1)
    looks += [seen(1.9)]
    said: list[str] = []
    run = begin(tmp_path, launcher(0), profile=Profile(2, 3))
    bench(run, launcher(0), ignore, said.append)  # a turn takes a second: 400 times what was expected
    (line,) = [one for one in said if "forecast to take" in one]
    assert "samples take " in line
    assert "others keep 1.9 of 2 processors busy (stress 190 %)" in line
    assert re.search(rf"to go on with it: samestep run --resume {run.folder} .*$", line)


def test_a_run_as_long_as_its_forecast_says_nothing(tmp_path, instant, launcher, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(load, "used_by_others", lambda *_: None)
    passed = [0.0]
    monkeypatch.setattr(clock, "now", lambda: passed[0])
    run = begin(tmp_path, launcher(0), profile=Profile(2, 3))
    bench(run, launcher(0), ignore, said.append)
    assert said == []


def test_why_a_run_takes_longer_is_what_takes_the_most_beyond_its_forecast():
    eta = Eta()
    eta.expect({TURN: 100, CHECK: 2})
    forecast = Forecast.of(eta, None)
    first = 100 * PRIOR_SECONDS["turn"] + 2 * PRIOR_SECONDS["check"]
    assert forecast.seconds == first
    for _ in range(10):
        eta.done(TURN, 1.0)
    assert forecast.overrun(eta, 1.0) is None  # the forecast is not over yet
    assert forecast.overrun(eta, 10.0) == (
        "the run was forecast to take 5 s, and now expected to take 2 min: samples take 40.0 times as long "
        "as was forecast"
    )
    assert forecast.overrun(eta, 11.0) is None  # once


def test_a_budget_is_a_forecast():
    assert Forecast.of(Eta(), 600.0).seconds == 600
