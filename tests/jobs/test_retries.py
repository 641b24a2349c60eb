"""What is asked once, and what is asked again: crashes, wrong answers, hangs, disturbed samples."""

from __future__ import annotations

from collections import Counter

import pytest

from samestep.agreement.verdict import TIMEOUT, Verdict
from samestep.jobs.retakes import SHARE, Retakes
from samestep.records.plan import Profile
from samestep.records.schema import CellVerdict, Sample
from samestep.workers.process import WorkerLost
from samestep.workers.protocol import Prepare, Prepared, TakeSample
from tests.made.instant import PROFILE, Instant, answering, measured, records, summaries


def test_what_crashed_once_is_started_again_and_what_was_wrong_once_is_not(
    tmp_path, instant, launcher, monkeypatch
):
    prepare = Instant.prepare

    def fragile(self: Instant, request: Prepare) -> Prepared:
        if self.cell.implementation == "numpy_b" and self in instant[:5]:
            raise WorkerLost(Verdict("crashed", "once"), "")
        return prepare(self, request)

    monkeypatch.setattr(Instant, "prepare", fragile)
    wrong = {"verdict": Verdict("disagree", "wrong")}
    answering(monkeypatch, "confirm", lambda w, _: wrong if w.cell.implementation == "numpy_a" else {})
    run = measured(tmp_path, launcher(0), profile=Profile(3, 1))
    begun = Counter(worker.cell.implementation for worker in instant)
    assert begun == {"numpy_manual": 2 * 3, "numpy_a": 1, "numpy_b": 3, "numpy_slow": 3}
    verdicts = Counter(record.cell.split("/")[1] for record in records(run, CellVerdict))
    # One for each dtype that it was examined in, and one for each process.
    assert verdicts == {"numpy_manual": 2 * 5, "numpy_a": 3, "numpy_b": 5, "numpy_slow": 5}


def test_a_wrong_answer_at_the_end_makes_the_cell_disagree(tmp_path, instant, launcher, monkeypatch):
    def last(worker: Instant, _: object) -> dict:
        late = worker.cell.implementation == "numpy_a" and worker in instant[5:]
        return {"verdict": Verdict("disagree", "not any more")} if late else {}

    answering(monkeypatch, "confirm", last)
    rows = summaries(measured(tmp_path, launcher(0)))
    assert (rows["numpy_a"].verdict, rows["numpy_a"].reason) == ("disagree", "not any more")
    assert rows["numpy_a"].tasks == {}
    assert {rows[name].verdict for name in ("numpy_manual", "numpy_b", "numpy_slow")} == {"agree"}


#: The turns of an invocation: cells, tasks, rounds.
TURNS = 5 * 3 * 3


def test_a_disturbed_sample_is_kept_marked_and_re_measured(tmp_path, instant, launcher, monkeypatch):
    """One cell's seventh sample meets somebody else's work, and takes nine times as long."""

    def seventh(worker: Instant, _: object) -> dict:
        taken = sum(isinstance(request, TakeSample) for request in worker.asked)
        hit = worker.cell.implementation == "numpy_a" and worker in instant[:5] and taken == 7
        return {"seconds": 9.0, "disturbed": True} if hit else {}

    answering(monkeypatch, "sample", seventh)
    run = measured(tmp_path, launcher(0))
    (disturbed,) = (r for r in records(run, Sample) if r.disturbed)
    assert (disturbed.repeated, disturbed.seconds) == (True, 9.0)
    moment = ("invocation", "round", "task", "cell")
    (again,) = (
        r
        for r in records(run, Sample)
        if not r.repeated and all(getattr(r, name) == getattr(disturbed, name) for name in moment)
    )
    assert (again.disturbed, again.seconds) == (False, 1.0)
    task = summaries(run)["numpy_a"].tasks[disturbed.task]
    assert (task.disturbed, task.repeated, task.seconds.value, task.seconds.high) == (1, 1, 1.0, 1.0)


def test_where_all_are_disturbed_no_more_are_re_measured_than_show_it_and_all_are_kept(
    tmp_path, instant, launcher, monkeypatch
):
    answering(monkeypatch, "sample", lambda *_: {"disturbed": True})
    run = measured(tmp_path, launcher(0))
    samples = records(run, Sample)
    turns = len([r for r in samples if not r.repeated])
    repeated = [r for r in samples if r.repeated]
    assert turns == TURNS * PROFILE.invocations
    assert len(repeated) == PROFILE.invocations * 2
    names = ("invocation", "round", "task", "cell")
    assert max(Counter(tuple(getattr(r, name) for name in names) for r in repeated).values()) == 1
    rows = summaries(run)
    tasks = [task for row in rows.values() for task in row.tasks.values()]
    assert all(task.disturbed == 6 + task.repeated and task.seconds.samples == 6 for task in tasks)


@pytest.mark.parametrize(
    ("again", "taken"),
    [(lambda n: 0, 8), (lambda n: n % 2, 8), (lambda n: 1, 2)],
    ids=["never", "every second time", "always"],
)
def test_an_eighth_of_the_turns_is_re_measured_unless_that_is_in_vain(again, taken):
    retakes = Retakes()
    for _ in range(64):
        retakes.turns += 1
        if retakes.worth_it:
            retakes.again(disturbed=bool(again(retakes.taken)))
    assert retakes.taken == taken <= 64 * SHARE


def test_what_hung_once_is_not_waited_for_again(tmp_path, instant, launcher, monkeypatch):
    def hangs(worker: Instant, _: object) -> dict:
        if worker.cell.implementation == "numpy_a":
            raise WorkerLost(Verdict(TIMEOUT, "no answer"), "")
        return {}

    answering(monkeypatch, "sample", hangs)
    run = measured(tmp_path, launcher(0))
    assert [r.cell.split("/")[1] for r in records(run, CellVerdict) if r.verdict.verdict == TIMEOUT] == [
        "numpy_a"
    ]
    assert [worker.cell.implementation for worker in instant].count("numpy_a") == 1
