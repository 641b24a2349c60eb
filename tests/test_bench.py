"""A run: agreement first, then turns in shuffled rounds; what was recorded is never measured again."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from harness.agreement.verdict import Verdict
from harness.bench import ALIVE, Bench, Profile
from harness.catalog import Catalog
from harness.commands.bench import _about, document
from harness.process import WorkerLost
from harness.runner import Workshop, batches
from harness.selection import Cell, Options, select
from harness.store import Run
from harness.summary import summarize
from tests.rigged import GOOD, doing, gone, hanging, root, wait_until

TASKS = ("loss_and_grads", "train_step", "train")
PROFILE = Profile(invocations=2, rounds=3)


def nothing(_: object) -> None:
    """No progress bar."""


def begin(folder: Path, shop: Workshop, options: Options, selector: str = "rigged") -> tuple[Run, list[Cell]]:
    cells = select(shop.catalog, [selector], options)
    return Run.create(folder, "machine", _about(shop, cells, [selector], options, PROFILE)), cells


def of_kind(run: Run, kind: str) -> list[tuple]:
    """Which cell, when and at what: what makes a record one of its own."""
    names = ("arena", "invocation", "round", "task", "cell")
    return [tuple(r[name] for name in names if name in r) for r in run.records(kind)]


# -- one real run, of all that can happen ----------------------------------------------------------------


class Real:
    """Rungs that are good, wrong, crashing, hanging, missing, and one that dies when it is told to."""

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
        shop = Workshop(Catalog([impls]), [impls], patience=self.PATIENCE)
        self.run, cells = begin(folder / "results", shop, Options())

        def watch(_: object) -> None:
            if self._rounds_of("numpy_dies") == 2:
                dies.touch()

        Bench(shop, self.run, PROFILE, watch).measure(cells)
        self.records = list(self.run.records())
        self.document = document(self.run)

    def _rounds_of(self, name: str) -> int:
        return len({r["round"] for r in self.run.records("sample") if name in r["cell"]})

    def of(self, name: str, kind: str) -> list[dict]:
        return [r for r in self.records if r["kind"] == kind and f"/{name}/" in r.get("cell", "")]

    def cell(self, name: str) -> dict:
        (found,) = (cell for cell in self.document["cells"] if cell["implementation"] == name)
        return found


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> Real:
    return Real(tmp_path_factory.mktemp("bench"))


@pytest.mark.parametrize("name", ["numpy_manual", "numpy_good"])
def test_what_agrees_is_timed_in_every_round_of_every_invocation(real, name):
    moments = Counter((r["invocation"], r["round"], r["task"]) for r in real.of(name, "sample"))
    everything = [(i, r, t) for i in range(2) for r in range(3) for t in TASKS]
    assert moments == Counter(everything)
    assert [r["verdict"] for r in real.of(name, "verdict")] == ["agree", "agree"]
    assert len(real.of(name, "start")) == len(real.of(name, "memory")) == 2


def test_every_record_says_of_what_run_and_when_it_is(real):
    assert {record["run"] for record in real.records} == {real.run.folder.name}
    times = [record["time"] for record in real.records]
    assert times == sorted(times)
    kinds = {"verdict", "start", "sample", "peak", "memory", "finished", "trajectory", "distance"}
    assert {r["kind"] for r in real.records} == kinds


def test_a_start_keeps_what_was_cold_and_what_the_framework_said(real):
    for start in real.of("numpy_good", "start"):
        assert set(start["first_call_seconds"]) == set(start["loops"]) == set(TASKS)
        assert start["steps"] == {"loss_and_grads": None, "train_step": None, "train": 4}
        assert start["framework"]["versions"]["numpy"]
        assert start["framework"]["threads"] == 1


def test_one_worker_of_each_framework_multiplies_for_the_peak_once_a_round(real):
    assert len([r for r in real.records if r["kind"] == "peak"]) == 2 * 3


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
    assert not real.of(name, "sample") or name == "numpy_dies"


def test_a_worker_that_dies_in_the_middle_of_the_rounds_keeps_the_samples_it_gave(real):
    assert {r["round"] for r in real.of("numpy_dies", "sample") if r["invocation"] == 0} <= {0, 1, 2}
    assert len(real.of("numpy_dies", "sample")) > 0
    assert len(real.of("numpy_good", "sample")) == 2 * 3 * len(TASKS)


def test_nothing_of_the_hung_worker_is_left(real):
    assert wait_until(lambda: all(gone(int(n)) for n in real.note.read_text().split()), 2)


def test_the_document_has_the_fields_that_are_promised(real):
    cell = real.cell("numpy_good")
    assert {
        "workload",
        "implementation",
        "case",
        "dtype",
        "device",
        "verdict",
        "reason",
        "first_divergence",
    } < set(cell)
    assert set(cell["tasks"]) == set(TASKS)
    for task in cell["tasks"].values():
        assert task["ci"][0] <= task["seconds"] <= task["ci"][1]
        assert task["ratio_ci"][0] <= task["ratio"] <= task["ratio_ci"][1]
        assert 0 < task["fraction_of_peak"] < 1
        assert task["first_call_seconds"] > 0
        assert task["peak_memory_bytes"] > 1 << 20
        assert task["flops"] in (240.0, 960.0)
    assert cell["tasks"]["train"]["seconds_per_step"] == cell["tasks"]["train"]["seconds"] / 4
    assert "seconds_per_step" not in cell["tasks"]["train_step"]
    divergence = real.cell("numpy_wrong")["first_divergence"]
    assert set(divergence) == {"step", "task", "tensor", "index", "got", "expected", "error", "limit", "test"}


# -- schedule and resume, with workers that answer at once -----------------------------------------------


class Instant:
    """Stands for a `WorkerProcess`: agrees, and takes a time that its cell and its turn determine."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.opening = {"op": "open"}
        self.alive = True

    def __enter__(self) -> Instant:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self.alive = False

    def ask(self, request: dict, _: float) -> dict:
        assert self.alive
        return {"ok": True, **getattr(self, request["op"])(request)}

    def open(self, _: dict) -> dict:
        return {"versions": {}, "threads": 1}

    def prepare(self, _: dict) -> dict:
        each = dict.fromkeys(TASKS, 1)
        return {
            "verdict": Verdict("agree").as_dict(), "build_seconds": 0.5, "loops": each,
            "first_call_seconds": each, "steps": {**dict.fromkeys(TASKS), "train": 4},
        }  # fmt: skip

    def sample(self, request: dict) -> dict:
        slower = 2.0 if self.cell.implementation == "numpy_slow" else 1.0
        wide = 8.0 if self.cell.dtype == "float64" else 1.0
        return {"loops": 1, "seconds": slower * wide, "switches": 0}

    def measure_peak(self, _: dict) -> dict:
        return {"loops": 1, "seconds": 1.0, "flops": 2400.0}

    def memory(self, _: dict) -> dict:
        return {"peak_memory_bytes": 1000}


@pytest.fixture
def instant(monkeypatch) -> list[Instant]:
    """All workers that were started."""
    started: list[Instant] = []

    def start(_: Workshop, cell: Cell) -> Instant:
        started.append(Instant(cell))
        return started[-1]

    monkeypatch.setattr(Workshop, "start", start)
    return started


@pytest.fixture
def shop(tmp_path) -> Callable[[int], Workshop]:
    impls = root(tmp_path / "impls", dict.fromkeys(("numpy_slow", "numpy_a", "numpy_b"), GOOD))
    return lambda seed: Workshop(Catalog([impls]), [impls], seed=seed)


def measured(folder: Path, shop: Workshop, options: Options | None = None) -> Run:
    run, cells = begin(folder, shop, options or Options())
    Bench(shop, run, PROFILE, nothing).measure(cells)
    return run


def test_the_order_of_turns_is_drawn_anew_each_round_and_is_the_seeds(tmp_path, instant, shop):
    one, same, other = (of_kind(measured(tmp_path, shop(seed)), "sample") for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert sorted(one) == sorted(other)
    rounds: dict[tuple, list] = {}
    for arena, invocation, turn, task, cell in one:
        rounds.setdefault((arena, invocation, turn), []).append((task, cell))
    orders = list(rounds.values())
    assert len(orders) == PROFILE.invocations * PROFILE.rounds
    assert all(order != next_one for order, next_one in pairwise(orders))


def test_within_a_round_all_workers_take_a_task_before_the_next_task(tmp_path, instant, shop):
    samples = of_kind(measured(tmp_path, shop(0)), "sample")
    for start in range(0, len(samples), 4):
        assert len({(turn, task) for _, _, turn, task, _ in samples[start : start + 4]}) == 1


def test_every_invocation_has_processes_of_its_own_and_all_are_stopped(tmp_path, instant, shop):
    measured(tmp_path, shop(0))
    assert len(instant) == 4 * PROFILE.invocations
    assert not any(worker.alive for worker in instant)


def test_a_finished_run_is_not_measured_again(tmp_path, instant, shop):
    run = measured(tmp_path, shop(0))
    before = run.samples.read_bytes()
    instant.clear()
    Bench(shop(0), run, PROFILE, nothing).measure(select(shop(0).catalog, ["rigged"], Options()))
    assert (run.samples.read_bytes(), instant) == (before, [])


def cuts(size: int, lines: list[int]) -> Iterator[int]:
    """Anywhere, and at the ends of lines."""
    rng = random.Random(0)
    yield from (0, size - 1)
    yield from (rng.randrange(size) for _ in range(12))
    yield from rng.sample(lines, 8)


def test_a_run_that_was_cut_anywhere_goes_on_and_repeats_no_sample(tmp_path, instant, shop):
    whole = measured(tmp_path, shop(3))
    content = whole.samples.read_bytes()
    ends = [i + 1 for i, byte in enumerate(content) if byte == ord("\n")]
    for at in sorted(set(cuts(len(content), ends))):
        folder = tmp_path / f"cut at {at}"
        shutil.copytree(whole.folder, folder)
        run = Run.open(folder)
        run.samples.write_bytes(content[:at])
        assert run.torn == (at not in (0, *ends))
        run.mend()
        Bench(shop(3), run, PROFILE, nothing).measure(select(shop(3).catalog, ["rigged"], Options()))
        # The same samples in the same order: none twice, none left out, the schedule kept.
        assert of_kind(run, "sample") == of_kind(whole, "sample"), at
        assert Counter(of_kind(run, "peak")) == Counter(of_kind(whole, "peak")), at
        assert of_kind(run, "finished") == of_kind(whole, "finished"), at


def test_the_ratio_is_to_the_baseline_of_the_same_dtype(tmp_path, instant, shop):
    run = measured(tmp_path, shop(0), Options(dtypes=("float32", "float64")))
    ratios = {
        (s.cell["implementation"], s.cell["dtype"]): s.tasks["train"].ratio.value
        for s in summarize(run.about, run.records())
    }
    for dtype in ("float32", "float64"):
        assert ratios["numpy_manual", dtype] == ratios["numpy_a", dtype] == 1
        assert ratios["numpy_slow", dtype] == 2


def test_the_peak_and_the_steps_are_read_off_the_records(tmp_path, instant, shop):
    run = measured(tmp_path, shop(0))
    (summary,) = (s for s in summarize(run.about, run.records()) if s.cell["implementation"] == "numpy_a")
    train = summary.tasks["train"]
    assert (train.flops, train.steps, train.seconds_per_step) == (960.0, 4, 0.25)
    assert train.fraction_of_peak == 960.0 / 2400.0
    assert summary.peak_memory_bytes == 1000


def test_a_worker_that_is_lost_leaves_the_others_to_go_on(tmp_path, instant, shop, monkeypatch):
    def sample(self: Instant, request: dict) -> dict:
        if self.cell.implementation == "numpy_b" and request["task"] == "train":
            raise WorkerLost(Verdict("crashed", "ended by SIGSEGV"), "its last words")
        return {"loops": 1, "seconds": 1.0, "switches": 1}

    monkeypatch.setattr(Instant, "sample", sample)
    run = measured(tmp_path, shop(0))
    found = {s.cell["implementation"]: s for s in summarize(run.about, run.records())}
    assert (found["numpy_b"].verdict, found["numpy_b"].stderr) == ("crashed", "its last words")
    assert {s.tasks["train"].seconds.samples for name, s in found.items() if name != "numpy_b"} == {6}
    assert all(record["disturbed"] for record in run.records("sample"))


def test_cells_with_nobody_to_compare_with_are_measured_too(tmp_path, instant, shop):
    run, cells = begin(tmp_path, shop(0), Options(), "rigged/numpy_slow")
    Bench(shop(0), run, PROFILE, nothing).measure(cells)
    (summary,) = summarize(run.about, run.records())
    assert summary.tasks["train"].ratio.value == 1  # the first there is stands for the baseline


# -- more cells than workers that may be alive at once ---------------------------------------------------


def crowd(tmp_path: Path, count: int) -> Workshop:
    impls = root(tmp_path / "impls", {f"numpy_{number:02}": GOOD for number in range(count - 1)})
    return Workshop(Catalog([impls]), [impls])


@pytest.mark.parametrize("count", [1, 2, ALIVE, ALIVE + 1, 2 * ALIVE - 1, 2 * ALIVE])
def test_the_baseline_runs_in_every_batch_and_the_others_in_one(tmp_path, count):
    shop = crowd(tmp_path, count)
    cells = select(shop.catalog, ["rigged"], Options(dtypes=("float32", "float64")))
    arenas = list(batches(shop.catalog, cells, ALIVE))
    assert all(len(arena) <= ALIVE for arena in arenas)
    assert all(arena[0].implementation == "numpy_manual" for arena in arenas)
    assert all(len({cell.dtype for cell in arena}) == 1 for arena in arenas)
    others = [cell for arena in arenas for cell in arena[1:]]
    assert sorted(c.key for c in others) == sorted(c.key for c in cells if c.implementation != "numpy_manual")


def test_a_ratio_is_taken_within_a_batch_only(tmp_path, instant, monkeypatch):
    """The machine is three times as slow while the second batch runs: no ratio may show it."""

    def sample(self: Instant, _: dict) -> dict:
        second_batch = any(w.cell.implementation == "numpy_16" for w in instant if w.alive)
        return {"loops": 1, "seconds": 3.0 if second_batch else 1.0, "switches": 0}

    monkeypatch.setattr(Instant, "sample", sample)
    run = measured(tmp_path, crowd(tmp_path, 20))
    summaries = summarize(run.about, run.records())
    assert {s.tasks["train"].ratio.value for s in summaries} == {1.0}
    assert {s.tasks["train"].seconds.value for s in summaries} == {1.0, 2.0, 3.0}  # the baseline met both
    assert summaries[0].tasks["train"].seconds.samples == 2 * PROFILE.invocations * PROFILE.rounds
