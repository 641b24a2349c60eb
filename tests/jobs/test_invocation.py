"""An invocation is a function of its inputs, and a run's state follows from its records."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from samestep.agreement.verdict import TIMEOUT, Verdict
from samestep.jobs.bench import _Bench, bench
from samestep.jobs.planning import groups
from samestep.jobs.rounds import Group, run_invocation
from samestep.jobs.state import Known, RunState
from samestep.records.plan import Plan, Profile
from samestep.records.schema import Finish, Finished, Peak, Record, Sample, Start
from samestep.workers.launcher import Launcher
from samestep.workers.process import WorkerLost
from tests.made.instant import TASKS, Instant, answering, begin, ignore


def timeless(record: Record) -> Record:
    """A record without the moment when it was made."""
    return replace(record, time=0.0)  # type: ignore[call-arg]


def first_group(plan: Plan, launcher: Launcher) -> Group:
    return groups(launcher.catalog, plan)[0]


@pytest.fixture
def plan(tmp_path, launcher) -> Plan:
    return begin(tmp_path, launcher(0)).plan


def test_the_same_inputs_give_the_same_records(plan, instant, launcher):
    group = first_group(plan, launcher(0))
    once, again = ([timeless(r) for r in run_invocation(plan, group, 0, launcher=launcher(0))] for _ in "ab")
    assert once == again
    assert [type(record) for record in once[:5]] == [Start] * 5
    assert once[-1] == Finished(group.number, 0, 0.0)
    turns = Counter((r.cell, r.round, r.task) for r in once if isinstance(r, Sample))
    assert turns == Counter(
        {(c.key, turn, task): 1 for c in group.cells for turn in range(3) for task in TASKS}
    )


def test_only_the_first_invocation_is_cold(plan, instant, launcher):
    group, shop = first_group(plan, launcher(0)), launcher(0)
    cold = [r for r in run_invocation(plan, group, 0, launcher=shop) if isinstance(r, Start)]
    loops = {record.cell: record.loops for record in cold}
    known = Known(agreed=set(loops), loops=loops)
    warm = [r for r in run_invocation(plan, group, 1, known, shop) if isinstance(r, Start)]
    assert all(record.steps and record.latency is not None for record in cold)
    assert all(record.steps is None and record.latency is None for record in warm)


def test_what_is_taken_is_not_taken_again(plan, instant, launcher):
    group, shop = first_group(plan, launcher(0)), launcher(0)
    state, whole = RunState(plan), list(run_invocation(plan, group, 0, launcher=shop))
    cut = whole[: len(whole) // 2]
    for record in cut:
        state.update(record)
    known = replace(state.known, agreed={cell.key for cell in group.cells})
    rest = list(run_invocation(plan, group, 0, known, shop))

    def turns(records: list[Record]) -> list[tuple]:
        return [(r.cell, r.round, getattr(r, "task", "")) for r in records if isinstance(r, Sample | Peak)]

    assert turns(cut) + turns(rest) == turns(whole)


def test_cells_that_do_not_agree_are_left_out(plan, instant, launcher):
    group = first_group(plan, launcher(0))
    chosen = {cell.key for cell in group.cells if cell.implementation == "numpy_a"}
    records = list(run_invocation(plan, group, 0, Known(agreed=chosen), launcher(0)))
    assert {r.cell for r in records if isinstance(r, Sample | Finish)} == chosen
    assert list(run_invocation(plan, group, 0, Known(), launcher(0)))[:-1] == []


def test_an_invocation_that_is_abandoned_leaves_no_worker(plan, instant, launcher):
    records = run_invocation(plan, first_group(plan, launcher(0)), 0, launcher=launcher(0))
    while not isinstance(next(records), Sample):
        assert all(worker.alive for worker in instant)
    records.close()
    assert len(instant) == 5
    assert not any(worker.alive for worker in instant)


def test_a_disk_that_is_full_leaves_no_worker(tmp_path, instant, launcher, monkeypatch):
    run = begin(tmp_path, launcher(0))
    append = type(run).append

    def full(self, records, sync=True):
        records = list(records)
        if any(isinstance(record, Sample) for record in records):
            raise OSError("no space left on device")
        append(self, records, sync)

    monkeypatch.setattr(type(run), "append", full)
    with pytest.raises(OSError, match="no space"):
        bench(run, launcher(0), ignore)
    assert instant
    assert not any(worker.alive for worker in instant)


def hanging(worker: Instant, _: object) -> dict[str, object]:
    if worker.cell.implementation == "numpy_a":
        raise WorkerLost(Verdict(TIMEOUT, "no answer"), "")
    return {}


def often_disturbed(worker: Instant, _: object) -> dict[str, object]:
    return {"disturbed": len(worker.asked) % 3 == 0}


@pytest.mark.parametrize("change", [lambda *_: {}, often_disturbed, hanging])
def test_the_state_of_a_run_is_what_its_records_on_disk_say(tmp_path, instant, launcher, monkeypatch, change):
    """Updated record by record while the run is measured, and made of all of them afterwards."""
    answering(monkeypatch, "sample", change)
    run = begin(tmp_path, launcher(1), profile=Profile(2, 2))
    live = _Bench(run, launcher(1), ignore, lambda _: None)
    live.measure()
    read = RunState.of(run.plan, run.records())
    assert live.state == read
    assert live.state.known == read.known
    counted = [r for r in run.records() if isinstance(r, Sample | Peak) and not getattr(r, "repeated", False)]
    turns = {(r.KIND, (r.group, r.invocation), r.cell, r.round, getattr(r, "task", "")) for r in counted}
    assert read.taken == turns
    assert len(turns) == len(counted) > 0
    assert read.finished == {(0, 0), (0, 1)}
    hung = {cell.key for cell in run.plan.cells if change is hanging and cell.implementation == "numpy_a"}
    assert read.agreed == {cell.key for cell in run.plan.cells} - hung


def test_workers_of_a_fake_are_told_what_the_protocol_asks(plan, instant, launcher):
    """The fake stands for a worker: what it is asked is what the plan says."""
    list(run_invocation(plan, first_group(plan, launcher(0)), 0, launcher=launcher(0)))
    worker = instant[0]
    assert isinstance(worker, Instant)
    kinds = [type(request).__name__ for request in worker.asked]
    assert kinds[:2] == ["Open", "Prepare"]
    assert kinds[-1] == "Confirm"
