"""The order of turns, and a run that was cut: what was recorded is never measured again."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest

from samestep.agreement.verdict import Verdict
from samestep.analysis.summary import summarize
from samestep.catalog.cell import Options
from samestep.errors import SamestepError
from samestep.jobs.bench import bench
from samestep.records.schema import CellVerdict, Finished, Peak, Sample, Start
from samestep.records.store import Run
from samestep.workers.process import WorkerLost
from samestep.workers.protocol import TakeSample
from tests.made.instant import (
    PROFILE,
    Instant,
    answering,
    begin,
    examining,
    ignore,
    measured,
    of_kind,
    records,
    summaries,
)


def test_the_order_of_turns_is_drawn_anew_each_round_and_is_the_seeds(tmp_path, instant, launcher):
    one, same, other = (of_kind(measured(tmp_path, launcher(seed)), Sample) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert sorted(one) == sorted(other)
    rounds: dict[tuple, list] = {}
    for group, invocation, turn, task, cell in one:
        rounds.setdefault((group, invocation, turn), []).append((task, cell))
    orders = list(rounds.values())
    assert len(orders) == PROFILE.invocations * PROFILE.rounds
    assert all(order != next_one for order, next_one in pairwise(orders))


def test_within_a_round_all_workers_take_a_task_before_the_next_task(tmp_path, instant, launcher):
    samples = of_kind(measured(tmp_path, launcher(0)), Sample)
    for start in range(0, len(samples), 5):
        assert len({(turn, task) for _, _, turn, task, _ in samples[start : start + 5]}) == 1


def test_every_invocation_has_processes_of_its_own_and_all_are_stopped(tmp_path, instant, launcher):
    measured(tmp_path, launcher(0))
    assert len(instant) == 5 * PROFILE.invocations
    assert not any(worker.alive for worker in instant)


def test_the_import_of_a_framework_is_timed_once_and_alone(tmp_path, instant, launcher, monkeypatch):
    answering(monkeypatch, "open", lambda worker, _: {"import_seconds": 1.0 * sum(w.alive for w in instant)})
    both = Options(dtypes=("float32", "float64"))
    starts = records(measured(tmp_path, launcher(0), both), Start)
    cold, warm = ({s.framework.import_seconds for s in starts if s.invocation == i} for i in (0, 1))
    assert {s.group for s in starts} == {0, 1}
    assert cold == {1.0}
    assert max(warm) > 1.0  # beside others


def test_a_finished_run_is_not_measured_again(tmp_path, instant, launcher):
    run = measured(tmp_path, launcher(0))
    before = run.samples.read_bytes()
    instant.clear()
    bench(run, launcher(0), ignore)
    assert (run.samples.read_bytes(), instant) == (before, [])


def cuts(size: int, lines: list[int]) -> Iterator[int]:
    """Anywhere, and at the ends of lines."""
    rng = random.Random(0)
    yield from (0, size - 1)
    yield from (rng.randrange(size) for _ in range(12))
    yield from rng.sample(lines, 8)


def test_a_run_that_was_cut_anywhere_goes_on_and_repeats_no_sample(tmp_path, instant, launcher, monkeypatch):
    asked = examining(monkeypatch, {})
    answering(monkeypatch, "sample", lambda worker, _: {"disturbed": len(worker.asked) % 4 == 0})
    whole = measured(tmp_path, launcher(3))
    cells = {cell.key for cell in whole.plan.cells}
    assert any(record.repeated for record in records(whole, Sample))
    content = whole.samples.read_bytes()
    ends = [i + 1 for i, byte in enumerate(content) if byte == ord("\n")]
    for at in sorted(set(cuts(len(content), ends))):
        folder = tmp_path / f"cut at {at}"
        shutil.copytree(whole.folder, folder)
        run = Run.open(folder)
        run.samples.write_bytes(content[:at])
        assert run.torn == (at not in (0, *ends))
        run.mend()
        instant.clear()
        asked.clear()
        first_is_over = any(records(run, Finished))
        bench(run, launcher(3), ignore)
        # The same samples in the same order: none twice, none left out, the schedule kept.
        assert of_kind(run, Sample) == of_kind(whole, Sample), at
        assert Counter(of_kind(run, Peak)) == Counter(of_kind(whole, Peak)), at
        assert of_kind(run, Finished) == of_kind(whole, Finished), at
        assert {record.cell for record in records(run, CellVerdict)} == cells, at
        assert not first_is_over or not asked, at  # what was examined is not examined again


def test_the_ratio_is_to_the_baseline_of_the_same_dtype(tmp_path, instant, launcher):
    run = measured(tmp_path, launcher(0), Options(dtypes=("float32", "float64")))
    ratios = {
        (s.cell.implementation, s.cell.dtype): s.tasks["train"].ratio.value
        for s in summarize(run.plan, run.records())
    }
    for dtype in ("float32", "float64"):
        assert ratios["numpy_manual", dtype] == ratios["numpy_a", dtype] == 1
        assert ratios["numpy_slow", dtype] == 2


def test_the_peak_and_the_steps_are_read_off_the_records(tmp_path, instant, launcher):
    run = measured(tmp_path, launcher(0))
    (summary,) = (s for s in summarize(run.plan, run.records()) if s.cell.implementation == "numpy_a")
    train = summary.tasks["train"]
    assert (train.flops, train.steps, train.seconds_per_step) == (960.0, 4, 0.25)
    assert train.fraction_of_peak == 960.0 / 2400.0
    assert summary.peak_memory_bytes == 1000


def test_a_file_that_is_edited_while_it_is_measured_ends_the_run(tmp_path, instant, launcher, monkeypatch):
    file = tmp_path / "impls/rigged/numpy_b.py"
    edit = iter([lambda: file.write_text(file.read_text() + "\nX = 1\n")])

    def sample(worker: Instant, request: TakeSample) -> dict:
        next(edit, lambda: None)()
        return {}

    answering(monkeypatch, "sample", sample)
    with pytest.raises(SamestepError, match=r"numpy_b was edited while it was measured: .*; start a new run"):
        measured(tmp_path, launcher(0))


def test_a_worker_that_is_lost_leaves_the_others_to_go_on(tmp_path, instant, launcher, monkeypatch):
    def sample(worker: Instant, request: TakeSample) -> dict:
        if worker.cell.implementation == "numpy_b" and request.task == "train":
            raise WorkerLost(Verdict("crashed", "ended by SIGSEGV"), "its last words")
        return {"seconds": 1.0, "disturbed": True}

    answering(monkeypatch, "sample", sample)
    run = measured(tmp_path, launcher(0))
    rows = summaries(run)
    assert (rows["numpy_b"].verdict, rows["numpy_b"].stderr) == ("crashed", "its last words")
    assert {s.tasks["train"].seconds.samples for name, s in rows.items() if name != "numpy_b"} == {6}
    assert all(record.disturbed for record in records(run, Sample))


def test_cells_with_nobody_to_compare_with_are_measured_too(tmp_path, instant, launcher):
    run = begin(tmp_path, launcher(0), selector="rigged/numpy_slow")
    bench(run, launcher(0), ignore)
    (summary,) = summarize(run.plan, run.records())
    assert summary.tasks["train"].ratio.value == 1  # the first there is stands for the baseline
