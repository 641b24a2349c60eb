"""One real run, of all that can happen: what agrees is timed, and what does not says why."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from samestep.agreement.verdict import AGREE
from samestep.catalog.catalog import Catalog
from samestep.jobs.bench import bench
from samestep.jobs.rounds import PEAK_ROUNDS
from samestep.jobs.starting import MARGIN
from samestep.records.schema import CellVerdict, Finish, Peak, Sample, Start
from samestep.report.run_document import document
from samestep.workers.launcher import Launcher
from tests.made.instant import TASKS, begin
from tests.made.rungs import GOOD, doing, gone, hanging, root, wait_until

pytestmark = [pytest.mark.process, pytest.mark.slow]


class Real:
    """Implementations that are good, wrong, crashing, hanging, missing, and one that dies when it is told
    to."""

    PATIENCE = 8.0

    def __init__(self, folder: Path) -> None:
        self.note = folder / "processes"
        dies = folder / "die now"
        rungs = {
            "numpy_good": GOOD,
            "numpy_wrong": doing("learning_rate = 1.001 * learning_rate"),
            "numpy_crashes": doing("os._exit(7)"),
            "numpy_dies": doing(f"if os.path.exists({str(dies)!r}): os._exit(8)"),
            "numpy_hangs": hanging(self.note),
            "ghost_manual": GOOD,
        }
        impls = root(folder / "impls", rungs)
        (impls / "frameworks").mkdir()
        (impls / "frameworks" / "ghost.py").write_text('DISTRIBUTIONS = ("ghost-net",)\n')
        launcher = Launcher(Catalog([impls]), [impls], patience=self.PATIENCE)
        self.run = begin(folder / "results", launcher)

        def watch(_: object) -> None:
            if self._rounds_of("numpy_dies") == 2:
                dies.touch()

        bench(self.run, launcher, watch)
        self.records = list(self.run.records())
        self.document: dict[str, Any] = document(self.run)

    def _rounds_of(self, name: str) -> int:
        samples = (record for record in self.run.records() if isinstance(record, Sample))
        return len({record.round for record in samples if name in record.cell})

    def of(self, name: str, kind: type) -> list[Any]:
        return [r for r in self.records if isinstance(r, kind) and f"/{name}/" in r.cell]

    def cell(self, name: str) -> dict[str, Any]:
        (found,) = (cell for cell in self.document["cells"] if cell["implementation"] == name)
        return found


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> Real:
    return Real(tmp_path_factory.mktemp("bench"))


@pytest.mark.parametrize("name", ["numpy_manual", "numpy_good"])
def test_what_agrees_is_timed_in_every_round_of_every_invocation(real, name):
    each = 2 if name == "numpy_manual" else 1  # the baseline and its A/A copy
    samples = [r for r in real.of(name, Sample) if not r.repeated]
    moments = Counter((r.invocation, r.round, r.task) for r in samples)
    everything = [(i, r, t) for i in range(2) for r in range(3) for t in TASKS]
    assert moments == Counter(everything * each)
    # Examined in both dtypes before, and examined again at the end of both invocations.
    assert [r.verdict.verdict for r in real.of(name, CellVerdict)] == [AGREE] * 4 * each
    assert len(real.of(name, Start)) == len(real.of(name, Finish)) == 2 * each


def test_every_record_says_of_which_run_it_is_and_when_it_was_made(real):
    assert {json.loads(line)["run"] for line in real.run.lines()} == {real.run.folder.name}
    # A group's starts are written once all of its workers have started.
    times = [record.time for record in real.records if record.KIND != "start"]
    assert times == sorted(times)
    kinds = {"verdict", "start", "sample", "peak", "finish", "finished", "trajectory", "distance", "forecast"}
    assert {record.KIND for record in real.records} - {"load"} == kinds  # on a machine that is let alone


def test_a_start_keeps_the_cold_times_and_what_the_framework_reports(real):
    first, later = real.of("numpy_good", Start)
    assert all(len(calls) > 1 for calls in first.first_calls.values())
    assert all(len(calls) == 1 for calls in later.first_calls.values())  # the rest is known by then
    assert first.transfers == later.transfers == {}  # there is no device to transfer to
    assert first.steps == {"loss_and_grads": None, "train_step": None, "train": 4}
    assert later.loops == first.loops
    for start in (first, later):
        assert set(start.first_calls) == set(start.loops) == set(TASKS)
        assert start.framework.versions["numpy"]
        assert start.framework.threads == 1


def test_latency_parts_and_memory_are_measured(real):
    first, later = real.of("numpy_good", Start)
    assert (later.latency, later.parts) == (None, None)
    for task in TASKS:
        latency, parts = first.latency[task], first.parts[task]
        assert 0 < latency.p05 <= latency.median <= latency.p95
        assert 0 < parts.launch_seconds <= parts.seconds
        assert parts.device_seconds is None
    for finish in real.of("numpy_good", Finish):
        assert finish.bytes > 1 << 20
        assert finish.device_bytes is None


def test_one_worker_of_each_framework_measures_the_peak_in_the_first_rounds(real):
    peaks = [r for r in real.records if isinstance(r, Peak)]
    assert len(peaks) == 2 * PEAK_ROUNDS
    assert all(0 < peak.processors < 1 + MARGIN for peak in peaks)


@pytest.mark.parametrize(
    ("name", "verdict", "reason"),
    [
        ("numpy_wrong", "disagree", "train_step, step 0: w"),
        ("numpy_crashes", "crashed", "exited with status 7"),
        ("numpy_dies", "crashed", "exited with status 8"),
        ("numpy_hangs", "timeout", "no answer within 8 s"),
        ("ghost_manual", "unavailable", "ghost is not installed: python -m pip install ghost-net"),
    ],
)
def test_what_does_not_agree_is_not_timed_and_says_why(real, name, verdict, reason):
    cell = real.cell(name)
    assert (cell["verdict"], cell["tasks"]) == (verdict, {})
    assert cell["reason"].startswith(reason)
    assert not real.of(name, Sample) or name == "numpy_dies"


def test_a_worker_that_wrote_nothing_has_no_standard_error_in_its_record(real):
    checked = [record for record in real.of("numpy_crashes", CellVerdict) if record.checked_in]
    assert [record.stderr for record in checked] == [None, None]
    assert all("stderr" not in line for line in real.run.lines() if "/numpy_crashes/" in line)


def test_a_worker_that_dies_in_the_middle_of_the_rounds_keeps_the_samples_it_gave(real):
    assert {r.round for r in real.of("numpy_dies", Sample) if r.invocation == 0} <= {0, 1, 2}
    assert len(real.of("numpy_dies", Sample)) > 0
    assert len([r for r in real.of("numpy_good", Sample) if not r.repeated]) == 2 * 3 * len(TASKS)


def test_nothing_of_the_hung_worker_is_left(real):
    assert wait_until(lambda: all(gone(int(n)) for n in real.note.read_text().split()), 2)


def test_the_document_has_the_fields_that_are_promised(real):
    cell = real.cell("numpy_good")
    promised = {
        "workload", "implementation", "case", "dtype", "device", "verdict", "reason", "first_divergence",
    }  # fmt: skip
    assert promised < set(cell)
    assert set(cell["tasks"]) == set(TASKS)
    for task in cell["tasks"].values():
        assert task["ci"][0] <= task["seconds"] <= task["ci"][1]
        if task["ratio"] is None:  # on a busy machine this run cannot tell
            assert task["ratio_ci"] is None
        else:
            assert task["ratio_ci"][0] <= task["ratio"] <= task["ratio_ci"][1]
        assert 0 < task["fraction_of_peak"] < 1
        assert task["first_call_seconds"] > 0
        assert task["peak_memory_bytes"] > 1 << 20
        assert task["flops"] in (240.0, 960.0)
    assert cell["tasks"]["train"]["seconds_per_step"] == cell["tasks"]["train"]["seconds"] / 4
    assert "seconds_per_step" not in cell["tasks"]["train_step"]
    divergence = real.cell("numpy_wrong")["first_divergence"]
    assert set(divergence) == {"step", "task", "tensor", "index", "got", "expected", "error", "limit", "test"}
