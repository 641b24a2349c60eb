"""When a run is enough: invocations, a budget of seconds, a width of intervals; and the ETA meanwhile."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

import samestep.jobs.bench
from samestep.agreement.verdict import Verdict
from samestep.catalog.cell import Options
from samestep.errors import SamestepError
from samestep.jobs import resume
from samestep.jobs.bench import bench
from samestep.jobs.eta import Eta
from samestep.records import schema
from samestep.records.plan import Profile
from samestep.records.resume_command import resume_command
from samestep.records.schema import Finished, Sample, Stopped
from samestep.report.status import status_of
from samestep.workers.process import WorkerLost
from tests.made.instant import (
    Instant,
    answering,
    begin,
    ignore,
    measured,
    of_kind,
    records,
    summaries,
)

EACH = 5 * 3 * 3  # seconds of an invocation: cells, tasks, rounds


@pytest.mark.parametrize(
    ("budget", "invocations"), [(1, 1), (EACH, 1), (2 * EACH, 2), (3 * EACH - 1, 2), (4.5 * EACH, 4)]
)
def test_a_budget_ends_the_run_before_the_invocation_that_would_not_fit(
    tmp_path, instant, launcher, seconds, budget, invocations
):
    run = measured(tmp_path, launcher(0), profile=Profile(2, 3, budget=budget))
    assert seconds() == invocations * EACH
    (stopped,) = records(run, Stopped)
    assert (stopped.reason, stopped.invocations) == ("budget", invocations)


def test_a_run_whose_intervals_are_narrow_enough_has_no_more_to_do(tmp_path, instant, launcher, seconds):
    run = measured(tmp_path, launcher(0), profile=Profile(2, 3, width=0.5))
    before = run.samples.read_bytes()
    bench(run, launcher(0), ignore)
    assert run.samples.read_bytes() == before


def test_a_run_that_its_budget_ended_gets_as_much_once_more(tmp_path, instant, launcher, seconds):
    run = measured(tmp_path, launcher(0), profile=Profile(2, 3, budget=EACH))
    left = status_of(run)
    assert (left.left, left.complete.budget) == (
        resume_command(run.folder, run.plan.options.starts_code),
        EACH,
    )
    assert "1 of 2 whole processes" in str(left.notes()[0])
    bench(run, launcher(0), ignore)
    assert seconds() == 2 * EACH
    assert len(of_kind(run, Sample)) == 2 * EACH == len(set(of_kind(run, Sample)))
    assert [one.invocations for one in records(run, Stopped)] == [1, 2]
    assert (status_of(run).left, status_of(run).notes()) == (None, [])


def test_with_a_budget_the_eta_is_what_is_left_of_it(tmp_path, instant, launcher, seconds):
    budget, shown = 3.5 * EACH, []
    run = begin(tmp_path, launcher(0), profile=Profile(20, 3, budget=budget))
    bench(run, launcher(0), lambda eta: shown.append(eta.left_seconds))
    assert seconds() == 3 * EACH
    # Before a sample was taken the ETA is a guess.
    assert all(left <= budget for left in shown[len(shown) // 10 :])
    assert shown[-1] == budget - 3 * EACH


def test_what_an_earlier_try_took_is_a_part_of_the_budget(tmp_path, instant, launcher, seconds):
    profile = Profile(2, 3, budget=4.5 * EACH)

    class Killed(Exception):
        pass

    def die(_: Eta) -> None:
        if seconds() >= 2.5 * EACH:
            raise Killed

    run = begin(tmp_path, launcher(0), profile=profile)
    with pytest.raises(Killed):
        bench(run, launcher(0), die)
    elapsed = max(record.elapsed_seconds for record in records(run, schema.Eta))
    assert 2.5 * EACH - 2 * samestep.jobs.bench.ETA_SECONDS < elapsed <= seconds()
    bench(run, launcher(0), ignore)
    (stopped,) = records(run, Stopped)
    assert (stopped.reason, stopped.invocations) == ("budget", 4)
    assert len(of_kind(run, Sample)) == 4 * EACH == len(set(of_kind(run, Sample)))


def test_what_crashed_is_expected_to_be_tried_again_and_what_hung_is_not(
    tmp_path, instant, launcher, monkeypatch
):
    ends = {"numpy_a": "crashed", "numpy_b": "timeout"}
    before = Instant.prepare

    def prepare(self: Instant, request: object) -> object:
        if self.cell.implementation in ends:
            raise WorkerLost(Verdict(ends[self.cell.implementation], "at the start"), "")
        return before(self, request)

    monkeypatch.setattr(Instant, "prepare", prepare)
    run = begin(tmp_path, launcher(0), profile=Profile(2, 1))
    expected: list[set[str]] = []

    def look(eta: Eta) -> None:
        if eta.doing.endswith("round 1"):  # all have started by then
            left = [unit for unit, count in eta.pending.items() if count]
            expected.append({unit.cell.split("/")[1] for unit in left if unit.kind == "restart"})

    bench(run, launcher(0), look)
    assert expected[0] == {"numpy_manual", "numpy_slow", "numpy_a"}
    assert expected[-1] == set()


def test_a_run_goes_on_until_its_intervals_are_as_narrow_as_was_asked_for(tmp_path, unsteady, launcher):
    widths = {}
    for width in (0.5, 0.1, None):
        unsteady.clear()
        run = measured(tmp_path, launcher(0), profile=Profile(2, 1, width=width))
        stopped = [(record.reason, record.invocations) for record in records(run, Stopped)]
        count = len(records(run, Finished))
        assert stopped == ([] if width is None else [("width", count)])
        ratios = [task.ratio for row in summaries(run).values() for task in row.tasks.values()]
        assert width is None or all(ratio.high <= ratio.low * (1 + width) for ratio in ratios)
        widths[width] = count
    assert widths[None] == 2 <= widths[0.5] < widths[0.1] < samestep.jobs.bench.MOST_INVOCATIONS


def test_no_width_is_worth_endless_processes(tmp_path, unsteady, launcher, monkeypatch):
    monkeypatch.setattr(samestep.jobs.bench, "MOST_INVOCATIONS", 4)
    run = measured(tmp_path, launcher(0), profile=Profile(2, 1, width=1e-9))
    assert len(records(run, Finished)) == 4
    assert [(one.reason, one.invocations) for one in records(run, Stopped)] == [("most", 4)]
    assert status_of(run).left is None


def test_a_group_with_narrow_intervals_is_finished_before_the_others(
    tmp_path, unsteady, launcher, monkeypatch
):
    """Another dtype is another comparison group: its intervals are narrow at once."""
    answering(monkeypatch, "sample", lambda w, _: {"seconds": 1.0} if w.cell.dtype == "float64" else {})
    options = Options(dtypes=("float32", "float64"))
    run = measured(tmp_path, launcher(0), options, Profile(2, 1, width=0.05))
    count = Counter(record.group for record in records(run, Finished))
    assert count[1] == 2 < count[0]


def test_at_the_end_nothing_is_left(tmp_path, instant, launcher, seconds, monkeypatch):
    def sample(self: Instant, request: object) -> object:
        if self.cell.implementation == "numpy_b":
            raise WorkerLost(Verdict("crashed", "every time"), "")
        return before(self, request)

    before = Instant.sample
    monkeypatch.setattr(Instant, "sample", sample)
    run = begin(tmp_path, launcher(0))
    left: list[float] = []
    bench(run, launcher(0), lambda eta: left.append(eta.left_seconds))
    assert left[-1] == 0
    assert max(left) > left[len(left) // 2] > left[-1]  # what a sample takes is known from the first on
    kept = records(run, schema.Eta)
    assert all(a.elapsed_seconds + samestep.jobs.bench.ETA_SECONDS < b.elapsed_seconds
               for a, b in pairwise(kept))  # fmt: skip
    assert len(kept) > 2


# -- what --resume takes -----------------------------------------------------------------------------------


@pytest.fixture
def here(monkeypatch):
    monkeypatch.setattr(resume, "slug", lambda machine: "machine")


def test_resume_takes_the_latest_run_that_is_not_finished(tmp_path, instant, launcher, here):
    unfinished = begin(tmp_path, launcher(0))
    finished = measured(tmp_path, launcher(0))
    assert resume.find_run(tmp_path, resume.LATEST).folder == unfinished.folder
    bench(unfinished, launcher(0), ignore)
    with pytest.raises(SamestepError, match=f"is unfinished; the latest is {finished.folder}$"):
        resume.find_run(tmp_path, resume.LATEST)
    with pytest.raises(SamestepError, match=r"is finished: `samestep report .*` shows it$"):
        resume.find_run(tmp_path, str(finished.folder))


def test_what_a_budget_has_ended_can_be_resumed_and_what_a_width_has_not_ended(
    tmp_path, instant, launcher, seconds, here
):
    ended = measured(tmp_path, launcher(0), profile=Profile(2, 3, budget=3 * EACH))
    assert status_of(ended).left is None
    assert resume.find_run(tmp_path, resume.LATEST).folder == ended.folder
    wide = begin(tmp_path, launcher(0), profile=Profile(2, 3, width=0.5))
    wide.append(one for one in ended.records() if not isinstance(one, Stopped))
    assert "neither to the width nor to the budget" in str(status_of(wide).notes()[0])
    assert resume.find_run(tmp_path, resume.LATEST).folder == wide.folder
