"""Comparison groups: devices side by side, and more cells than workers that may be alive at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from samestep.analysis.summary import summarize
from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Options
from samestep.catalog.selection import select
from samestep.jobs.planning import groups, make_plan, networks, room
from samestep.jobs.rounds import PEAK_ROUNDS
from samestep.records.plan import Plan, RunOptions
from samestep.records.schema import Finished, Latency, Peak, Sample
from samestep.workers.launcher import Launcher
from tests.made.instant import PROFILE, TASKS, answering, measured, planned, records
from tests.made.rungs import GOOD, root

ALIVE = PROFILE.alive
GPU = Options(devices=("cpu", "gpu"))


def test_devices_stand_side_by_side_and_the_cpus_baseline_is_that_of_both(
    tmp_path, instant, launcher, monkeypatch
):
    answering(monkeypatch, "sample", lambda w, r: {"seconds": 0.25 if w.cell.device == "gpu" else 1.0})
    answering(monkeypatch, "measure_peak", lambda w, _: {"flops": 9600.0} if w.cell.device == "gpu" else {})
    run = measured(tmp_path, launcher(0), GPU)
    assert [r.group for r in records(run, Finished)] == [0, 0]
    assert {worker.cell.device for worker in instant if worker.cell.aa_copy} == {"cpu"}
    rows = {
        (s.cell.implementation, s.cell.device): s.tasks["train"] for s in summarize(run.plan, run.records())
    }
    assert len(rows) == 8
    for (name, device), task in rows.items():
        assert task.ratio.value == (1.0 if device == "cpu" else 0.25), (name, device)
        assert task.fraction_of_peak == 960.0 / 2400.0
    assert [key for key, task in rows.items() if task.ratio.word == "baseline"] == [("numpy_manual", "cpu")]
    assert len(records(run, Peak)) == 2 * PROFILE.invocations * PEAK_ROUNDS


def test_where_a_call_is_a_sample_its_samples_are_the_latency(tmp_path, instant, monkeypatch):
    seconds = iter(range(1, 1000))
    answering(monkeypatch, "prepare", lambda *_: {"loops": {**dict.fromkeys(TASKS, 2), "train": 1}})
    answering(monkeypatch, "sample", lambda _, r: {"loops": r.loops, "seconds": float(next(seconds))})
    run = measured(tmp_path, crowd(tmp_path, 2))
    for summary in summarize(run.plan, run.records()):
        train, step = summary.tasks["train"], summary.tasks["train_step"]
        assert train.latency == Latency(train.seconds.value, train.seconds.p95)
        assert step.latency is None


def crowd(tmp_path: Path, count: int) -> Launcher:
    impls = root(tmp_path / "impls", {f"numpy_{number:02}": GOOD for number in range(count - 1)})
    return Launcher(Catalog([impls]), [impls])


def plan_of(launcher: Launcher, cells: list) -> Plan:
    return make_plan(launcher.catalog, cells, [], RunOptions(), PROFILE)


@pytest.mark.parametrize("count", [1, 2, ALIVE, ALIVE + 1, 2 * ALIVE - 1, 2 * ALIVE])
def test_the_baseline_runs_in_every_batch_and_the_others_in_one(tmp_path, count):
    launcher = crowd(tmp_path, count)
    cells = select(launcher.catalog, ["rigged"], Options(dtypes=("float32", "float64")))
    found = [group.cells for group in groups(launcher.catalog, plan_of(launcher, cells))]
    assert all(len(group) <= ALIVE for group in found)
    assert all(group[0].implementation == "numpy_manual" for group in found)
    assert all(len({cell.dtype for cell in group}) == 1 for group in found)
    others = [cell for group in found for cell in group[1:]]
    assert sorted(c.key for c in others) == sorted(c.key for c in cells if c.implementation != "numpy_manual")


@pytest.mark.parametrize(("gib", "workers"), [(1, 4), (4, 4), (8, 8), (23.6, 23), (128, 32)])
def test_as_many_workers_live_at_once_as_there_is_memory_for(monkeypatch, gib, workers):
    memory = SimpleNamespace(total=int(gib * 2**30))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    assert room() == workers


def test_how_many_live_at_once_is_the_profiles(tmp_path, instant):
    run = measured(tmp_path, crowd(tmp_path, 18), profile=replace(PROFILE, alive=20))
    assert {record.group for record in records(run, Sample)} == {0}


def test_the_baseline_and_its_aa_copy_run_in_every_batch(tmp_path):
    launcher = crowd(tmp_path, 2 * ALIVE)
    cells = planned(launcher, Options())
    found = [group.cells for group in groups(launcher.catalog, plan_of(launcher, cells))]
    assert [[cell.aa_copy for cell in group[:3]] for group in found] == [[False, True, False]] * 3
    assert all(len(group) <= ALIVE for group in found)
    others = [cell.key for group in found for cell in group[2:]]
    assert sorted(others) == sorted(c.key for c in cells if c.implementation != "numpy_manual")


def test_a_ratio_is_taken_within_a_batch_only(tmp_path, instant, monkeypatch):
    """The machine is three times as slow while the second batch runs: no ratio may show it."""

    def sample(*_: object) -> dict:
        second_batch = any(w.cell.implementation == "numpy_16" for w in instant if w.alive)
        return {"seconds": 3.0 if second_batch else 1.0}

    answering(monkeypatch, "sample", sample)
    run = measured(tmp_path, crowd(tmp_path, 20))
    found = summarize(run.plan, run.records())
    assert {s.tasks["train"].ratio.value for s in found} == {1.0}
    assert {s.tasks["train"].seconds.value for s in found} == {1.0, 2.0, 3.0}  # the baseline met both
    assert found[0].tasks["train"].seconds.samples == 2 * PROFILE.invocations * PROFILE.rounds


def test_lessons_are_timed_only_where_they_are_selected(catalog):
    named = networks(catalog)
    assert {"two_layer", "manual_backprop", "mnist_mlp"} <= set(named)
    assert not set(named) & {"scalar_relu", "linear_output", "conv_net", "recurrent", "transformer_block"}
