"""A run: agreement first, then turns in shuffled rounds; what was recorded is never measured again."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from math import ceil
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

import samestep.jobs.bench
from samestep.agreement.verdict import TIMEOUT, Verdict
from samestep.analysis.summary import PLAUSIBLE, CellSummary, summarize
from samestep.catalog.catalog import Catalog
from samestep.catalog.selection import Cell, Options, select, with_twins
from samestep.commands import bench as command
from samestep.commands.bench import _about, document
from samestep.jobs import precheck
from samestep.jobs.bench import Bench, Profile
from samestep.jobs.eta import Forecast
from samestep.jobs.rounds import BESIDE, PEAK_ROUNDS, RETAKEN_SHARE
from samestep.measure import clock
from samestep.records.store import Run
from samestep.workers.launcher import Workshop, batches
from samestep.workers.process import WorkerLost
from tests.made.rungs import GOOD, doing, gone, hanging, root, wait_until

TASKS = ("loss_and_grads", "train_step", "train")
PROFILE = Profile(invocations=2, rounds=3)
ALIVE = PROFILE.alive


def nothing(_: object) -> None:
    """No progress bar."""


def planned(shop: Workshop, options: Options, selector: str = "rigged") -> list[Cell]:
    return with_twins(shop.catalog, select(shop.catalog, [selector], options))


def begin(folder: Path, shop: Workshop, options: Options, selector: str = "rigged") -> tuple[Run, list[Cell]]:
    cells = planned(shop, options, selector)
    return Run.create(folder, "machine", _about(shop, cells, [selector], options, PROFILE)), cells


def of_kind(run: Run, kind: str) -> list[tuple]:
    """Which cell, when and at what: what makes a record one of its own."""
    names = ("arena", "invocation", "round", "task", "cell")
    return [tuple(r[name] for name in names if name in r) for r in run.records(kind) if counts(r)]


def counts(record: dict) -> bool:
    """Not one that was taken again."""
    return not record.get("repeated")


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
    each = 2 if name == "numpy_manual" else 1  # the baseline is there twice
    samples = [r for r in real.of(name, "sample") if counts(r)]
    moments = Counter((r["invocation"], r["round"], r["task"]) for r in samples)
    everything = [(i, r, t) for i in range(2) for r in range(3) for t in TASKS]
    assert moments == Counter(everything * each)
    # Examined in both dtypes before, and looked at again at the end of both invocations.
    assert [r["verdict"] for r in real.of(name, "verdict")] == ["agree"] * 4 * each
    assert len(real.of(name, "start")) == len(real.of(name, "finish")) == 2 * each


def test_every_record_says_of_what_run_and_when_it_is(real):
    assert {record["run"] for record in real.records} == {real.run.folder.name}
    times = [record["time"] for record in real.records]
    assert times == sorted(times)
    kinds = {"verdict", "start", "sample", "peak", "finish", "finished", "trajectory", "distance", "forecast"}
    assert {r["kind"] for r in real.records} == kinds


def test_a_start_keeps_what_was_cold_and_what_the_framework_said(real):
    first, later = real.of("numpy_good", "start")
    assert all(len(calls) > 1 for calls in first["first_calls"].values())
    assert all(len(calls) == 1 for calls in later["first_calls"].values())  # the rest is known by then
    assert first["transfers"] == later["transfers"] == {}  # there is nowhere to bring anything
    assert first["steps"] == {"loss_and_grads": None, "train_step": None, "train": 4}
    assert later["loops"] == first["loops"]
    for start in (first, later):
        assert set(start["first_calls"]) == set(start["loops"]) == set(TASKS)
        assert start["framework"]["versions"]["numpy"]
        assert start["framework"]["threads"] == 1


def test_at_its_end_each_call_and_the_memory_are_looked_at(real):
    closer, later = real.of("numpy_good", "start")
    assert not {"latency", "parts"} & set(later)
    for task in TASKS:
        latency, parts = closer["latency"][task], closer["parts"][task]
        assert 0 < latency["p05"] <= latency["median"] <= latency["p95"]
        assert 0 < parts["launch_seconds"] <= parts["seconds"]
        assert parts["device_seconds"] is None
    for finish in real.of("numpy_good", "finish"):
        assert finish["bytes"] > 1 << 20
        assert finish["device_bytes"] is None


def test_one_worker_of_each_framework_multiplies_for_the_peak_in_the_first_rounds(real):
    peaks = [r for r in real.records if r["kind"] == "peak"]
    assert len(peaks) == 2 * PEAK_ROUNDS
    assert all(0 < peak["processors"] < 1 + BESIDE for peak in peaks)


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
    assert len([r for r in real.of("numpy_good", "sample") if counts(r)]) == 2 * 3 * len(TASKS)


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
        self.asked: list[dict] = []

    def __enter__(self) -> Instant:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self.alive = False

    def ask(self, request: dict, _: float) -> dict:
        assert self.alive
        self.asked.append(request)
        return {"ok": True, **getattr(self, request["op"])(request)}

    def open(self, _: dict) -> dict:
        return {"versions": {}, "threads": 1, "matmul": "float32", "import_seconds": 0.25}

    def prepare(self, request: dict) -> dict:
        cold = {"transfers": {}, "latency": {}, "parts": {}, "steps": {**dict.fromkeys(TASKS), "train": 4}}
        return {
            "build_seconds": 0.5, "loops": request["loops"] or dict.fromkeys(TASKS, 1),
            "first_calls": {task: [1.5] for task in TASKS}, **({} if request["loops"] else cold),
        }  # fmt: skip

    def sample(self, request: dict) -> dict:
        slower = 2.0 if self.cell.implementation == "numpy_slow" else 1.0
        wide = 8.0 if self.cell.dtype == "float64" else 1.0
        return {"loops": 1, "seconds": slower * wide, "disturbed": False}

    def measure_peak(self, _: dict) -> dict:
        return {"loops": 1, "seconds": 1.0, "flops": 2400.0, "processors": 1.0}

    def confirm(self, _: dict) -> dict:
        agrees = Verdict("agree").as_dict()
        return {"verdict": agrees, "peak_memory_bytes": 1000, "device_memory_bytes": None}


Change = Callable[[Instant, dict], dict]


def answering(monkeypatch: pytest.MonkeyPatch, operation: str, change: Change) -> None:
    """From now on all workers answer an operation as before, but for what ``change`` says."""
    before = getattr(Instant, operation)
    monkeypatch.setattr(Instant, operation, lambda self, r: {**before(self, r), **change(self, r)})


@pytest.fixture
def instant(monkeypatch) -> list[Instant]:
    """All workers that were started to be timed; who examines says that all agree."""
    started: list[Instant] = []

    def start(_: Workshop, cell: Cell, place: list[int]) -> Instant:
        started.append(Instant(cell))
        return started[-1]

    monkeypatch.setattr(Workshop, "start", start)
    examining(monkeypatch, {})
    return started


def examining(monkeypatch: pytest.MonkeyPatch, verdicts: dict[tuple[str, str], Verdict]) -> list[Cell]:
    """From now on what is examined agrees, but for these, by implementation and dtype; what was asked."""
    asked: list[Cell] = []

    def check(_: Workshop, cells: list[Cell], heard: Callable[[Cell, dict], None]) -> None:
        for cell in cells:
            asked.append(cell)
            verdict = verdicts.get((cell.implementation, cell.dtype), Verdict("agree"))
            heard(cell, {"verdict": verdict.as_dict(), "took": 1.0})

    monkeypatch.setattr(precheck, "check", check)
    return asked


@pytest.fixture
def shop(tmp_path) -> Callable[[int], Workshop]:
    impls = root(tmp_path / "impls", dict.fromkeys(("numpy_slow", "numpy_a", "numpy_b"), GOOD))
    return lambda seed: Workshop(Catalog([impls]), [impls], seed=seed)


def measured(folder: Path, shop: Workshop, options: Options | None = None, profile: Profile = PROFILE) -> Run:
    run, cells = begin(folder, shop, options or Options())
    Bench(shop, run, profile, nothing).measure(cells)
    return run


def found(run: Run) -> dict[str, CellSummary]:
    """The rows, by their implementation."""
    return {summary.cell["implementation"]: summary for summary in summarize(run.about, run.records())}


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
    for start in range(0, len(samples), 5):
        assert len({(turn, task) for _, _, turn, task, _ in samples[start : start + 5]}) == 1


def test_every_invocation_has_processes_of_its_own_and_all_are_stopped(tmp_path, instant, shop):
    measured(tmp_path, shop(0))
    assert len(instant) == 5 * PROFILE.invocations
    assert not any(worker.alive for worker in instant)


def test_the_import_of_a_framework_is_timed_once_and_alone(tmp_path, instant, shop, monkeypatch):
    answering(monkeypatch, "open", lambda worker, _: {"import_seconds": 1.0 * sum(w.alive for w in instant)})
    both = Options(dtypes=("float32", "float64"))
    starts = list(measured(tmp_path, shop(0), both).records("start"))
    told = [{s["framework"]["import_seconds"] for s in starts if s["invocation"] == i} for i in (0, 1)]
    assert {s["arena"] for s in starts} == {0, 1}
    assert told[0] == {1.0}
    assert max(told[1]) > 1.0  # beside others


def test_a_finished_run_is_not_measured_again(tmp_path, instant, shop):
    run = measured(tmp_path, shop(0))
    before = run.samples.read_bytes()
    instant.clear()
    Bench(shop(0), run, PROFILE, nothing).measure(planned(shop(0), Options()))
    assert (run.samples.read_bytes(), instant) == (before, [])


def cuts(size: int, lines: list[int]) -> Iterator[int]:
    """Anywhere, and at the ends of lines."""
    rng = random.Random(0)
    yield from (0, size - 1)
    yield from (rng.randrange(size) for _ in range(12))
    yield from rng.sample(lines, 8)


def test_a_run_that_was_cut_anywhere_goes_on_and_repeats_no_sample(tmp_path, instant, shop, monkeypatch):
    asked = examining(monkeypatch, {})
    answering(monkeypatch, "sample", lambda worker, _: {"disturbed": len(worker.asked) % 4 == 0})
    whole = measured(tmp_path, shop(3))
    cells = {cell["key"] for cell in whole.about["cells"]}
    assert any(record.get("repeated") for record in whole.records("sample"))
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
        first_is_over = any(run.records("finished"))
        Bench(shop(3), run, PROFILE, nothing).measure(planned(shop(3), Options()))
        # The same samples in the same order: none twice, none left out, the schedule kept.
        assert of_kind(run, "sample") == of_kind(whole, "sample"), at
        assert Counter(of_kind(run, "peak")) == Counter(of_kind(whole, "peak")), at
        assert of_kind(run, "finished") == of_kind(whole, "finished"), at
        assert {record["cell"] for record in run.records("verdict")} == cells, at
        assert not first_is_over or not asked, at  # what was examined is not examined again


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
        return {"loops": 1, "seconds": 1.0, "disturbed": True}

    monkeypatch.setattr(Instant, "sample", sample)
    run = measured(tmp_path, shop(0))
    rows = found(run)
    assert (rows["numpy_b"].verdict, rows["numpy_b"].stderr) == ("crashed", "its last words")
    assert {s.tasks["train"].seconds.samples for name, s in rows.items() if name != "numpy_b"} == {6}
    assert all(record["disturbed"] for record in run.records("sample"))


def test_cells_with_nobody_to_compare_with_are_measured_too(tmp_path, instant, shop):
    run, cells = begin(tmp_path, shop(0), Options(), "rigged/numpy_slow")
    Bench(shop(0), run, PROFILE, nothing).measure(cells)
    (summary,) = summarize(run.about, run.records())
    assert summary.tasks["train"].ratio.value == 1  # the first there is stands for the baseline


# -- the baseline under two names ------------------------------------------------------------------------


def times(monkeypatch: pytest.MonkeyPatch, seconds: dict[str, float]) -> None:
    """Seconds of each implementation's samples; "again" are those of the baseline's second name."""

    def change(worker: Instant, _: dict) -> dict:
        name = "again" if worker.cell.twin else worker.cell.implementation
        return {"seconds": seconds.get(name, 1.0)}

    answering(monkeypatch, "sample", change)


def test_the_baseline_runs_under_two_names_and_has_one_row(tmp_path, instant, shop):
    run = measured(tmp_path, shop(0))
    twins = Counter(worker.cell.implementation for worker in instant if worker.cell.twin)
    assert twins == {"numpy_manual": PROFILE.invocations}
    assert [s.cell["implementation"] for s in summarize(run.about, run.records())] == [
        "numpy_manual", "numpy_a", "numpy_b", "numpy_slow",
    ]  # fmt: skip
    assert len([r for r in run.records("sample") if r["cell"].endswith("/again")]) == 2 * 3 * len(TASKS)
    assert not any(r["cell"].endswith("/again") for r in run.records("peak"))


@pytest.mark.parametrize(
    ("again", "words", "fit"),
    [
        (1.0, {"numpy_a": "slower", "numpy_b": "faster", "numpy_slow": "slower"}, True),
        (1.015, {"numpy_a": "slower", "numpy_b": "faster", "numpy_slow": "slower"}, True),
        (1.05, {"numpy_a": "unclear", "numpy_b": "faster", "numpy_slow": "slower"}, False),
        (1.07, {"numpy_a": "unclear", "numpy_b": "faster", "numpy_slow": "slower"}, False),
        (1 / 1.07, {"numpy_a": "unclear", "numpy_b": "faster", "numpy_slow": "slower"}, False),
        (
            3.0,
            {"numpy_a": "unclear", "numpy_b": "faster", "numpy_slow": "unclear"},
            False,
        ),  # 0.5 of one, a sixth of the other
    ],
)
def test_what_the_same_code_shows_under_two_names_is_called_no_difference(
    tmp_path, instant, shop, monkeypatch, again, words, fit
):
    times(monkeypatch, {"again": again, "numpy_a": 1.03, "numpy_b": 0.5, "numpy_slow": 2.0})
    rows = found(measured(tmp_path, shop(0)))
    tasks = {name: summary.tasks["train"] for name, summary in rows.items()}
    assert {name: tasks[name].ratio.word for name in words} == words
    assert tasks["numpy_manual"].ratio.word == "baseline"
    assert f"{tasks['numpy_slow'].ratio.value:.9g}" == f"{2 / again**0.5:.9g}"  # over the mean of both
    assert {(f"{task.noise:.9g}", task.fit) for task in tasks.values()} == {(f"{again:.9g}", fit)}


def test_a_second_name_says_nothing_where_the_first_gave_no_time(tmp_path, instant, shop, monkeypatch):
    times(monkeypatch, {"again": 5.0, "numpy_b": 1.5})
    lost = {"verdict": Verdict("disagree", "wrong").as_dict()}
    answering(
        monkeypatch, "confirm",
        lambda w, _: lost if w.cell.implementation == "numpy_manual" and not w.cell.twin else {},
    )  # fmt: skip
    rows = found(measured(tmp_path, shop(0)))
    task = rows["numpy_a"].tasks["train"]
    assert (rows["numpy_manual"].verdict, rows["numpy_manual"].tasks) == ("disagree", {})
    assert (task.ratio.word, task.noise) == ("baseline", None)
    assert rows["numpy_b"].tasks["train"].ratio.word == "slower"


@pytest.mark.parametrize(("dtype", "reason"), [("float32", "wrong"), ("float64", "in float64: wrong")])
def test_what_is_wrong_in_one_dtype_is_not_measured_and_not_under_its_second_name_either(
    tmp_path, instant, shop, monkeypatch, dtype, reason
):
    examining(monkeypatch, {("numpy_manual", dtype): Verdict("disagree", "wrong")})
    run = measured(tmp_path, shop(0))
    rows = found(run)
    assert (rows["numpy_manual"].verdict, rows["numpy_manual"].reason) == ("disagree", reason)
    assert {worker.cell.implementation for worker in instant} == {"numpy_a", "numpy_b", "numpy_slow"}
    assert all(rows[name].tasks for name in ("numpy_a", "numpy_b", "numpy_slow"))


# -- what is asked once, and what is asked again ---------------------------------------------------------


def test_what_crashed_once_is_started_again_and_what_was_wrong_once_is_not(
    tmp_path, instant, shop, monkeypatch
):
    prepare = Instant.prepare

    def fragile(self: Instant, request: dict) -> dict:
        if self.cell.implementation == "numpy_b" and self in instant[:5]:
            raise WorkerLost(Verdict("crashed", "once"), "")
        return prepare(self, request)

    monkeypatch.setattr(Instant, "prepare", fragile)
    wrong = {"verdict": Verdict("disagree", "wrong").as_dict()}
    answering(monkeypatch, "confirm", lambda w, _: wrong if w.cell.implementation == "numpy_a" else {})
    run = measured(tmp_path, shop(0), profile=Profile(3, 1))
    begun = Counter(worker.cell.implementation for worker in instant)
    assert begun == {"numpy_manual": 2 * 3, "numpy_a": 1, "numpy_b": 3, "numpy_slow": 3}
    verdicts = Counter(record["cell"].split("/")[1] for record in run.records("verdict"))
    # One for each dtype that it was examined in, and one for each process.
    assert verdicts == {"numpy_manual": 2 * 5, "numpy_a": 3, "numpy_b": 5, "numpy_slow": 5}


def test_a_wrong_answer_at_the_end_makes_the_cell_disagree(tmp_path, instant, shop, monkeypatch):
    def last(worker: Instant, _: dict) -> dict:
        late = worker.cell.implementation == "numpy_a" and worker in instant[5:]
        return {"verdict": Verdict("disagree", "not any more").as_dict()} if late else {}

    answering(monkeypatch, "confirm", last)
    rows = found(measured(tmp_path, shop(0)))
    assert (rows["numpy_a"].verdict, rows["numpy_a"].reason) == ("disagree", "not any more")
    assert rows["numpy_a"].tasks == {}
    assert {rows[name].verdict for name in ("numpy_manual", "numpy_b", "numpy_slow")} == {"agree"}


# -- when it is enough -----------------------------------------------------------------------------------


@pytest.fixture
def seconds(monkeypatch) -> Callable[[], float]:
    """A clock that goes on by a second at each sample, and by nothing else."""
    passed = [0.0]

    def sample(worker: Instant, _: dict) -> dict:
        passed[0] += 1
        return {}

    answering(monkeypatch, "sample", sample)
    monkeypatch.setattr(clock, "now", lambda: passed[0])
    return lambda: passed[0]


EACH = 5 * 3 * 3  # seconds of an invocation: cells, tasks, rounds


@pytest.mark.parametrize(
    ("budget", "invocations"), [(1, 1), (EACH, 1), (2 * EACH, 2), (3 * EACH - 1, 2), (4.5 * EACH, 4)]
)
def test_a_budget_ends_the_run_before_the_invocation_that_would_not_fit(
    tmp_path, instant, shop, seconds, budget, invocations
):
    run = measured(tmp_path, shop(0), profile=Profile(2, 3, budget=budget))
    assert seconds() == invocations * EACH
    (stopped,) = run.records("stopped")
    assert (stopped["reason"], stopped["invocations"]) == ("budget", invocations)


def test_a_run_that_was_stopped_has_no_more_to_do(tmp_path, instant, shop, seconds):
    run = measured(tmp_path, shop(0), profile=Profile(2, 3, budget=EACH))
    before = run.samples.read_bytes()
    Bench(shop(0), run, Profile(2, 3, budget=EACH), nothing).measure(planned(shop(0), Options()))
    assert run.samples.read_bytes() == before


def test_a_budget_is_what_is_forecast_to_be_left_of_it(tmp_path, instant, shop, seconds):
    budget, told = 3.5 * EACH, []
    run, cells = begin(tmp_path, shop(0), Options())
    bench = Bench(
        shop(0), run, Profile(20, 3, budget=budget), lambda forecast: told.append(forecast.left_seconds)
    )
    bench.measure(cells)
    assert seconds() == 3 * EACH
    # Before a sample was seen the forecast may know better than that of the first invocation.
    assert all(left <= budget for left in told[len(told) // 10 :])
    assert told[-1] == budget - 3 * EACH


def test_what_an_earlier_try_took_is_a_part_of_the_budget(tmp_path, instant, shop, seconds):
    profile = Profile(2, 3, budget=4.5 * EACH)

    class Killed(Exception):
        pass

    def die(_: Forecast) -> None:
        if seconds() >= 2.5 * EACH:
            raise Killed

    run, cells = begin(tmp_path, shop(0), Options())
    with pytest.raises(Killed):
        Bench(shop(0), run, profile, die).measure(cells)
    told = max(record["elapsed_seconds"] for record in run.records("forecast"))
    assert 2.5 * EACH - 2 * samestep.jobs.bench.FORECAST_SECONDS < told <= seconds()
    Bench(shop(0), run, profile, nothing).measure(cells)
    (stopped,) = run.records("stopped")
    assert (stopped["reason"], stopped["invocations"]) == ("budget", 4)
    assert len(of_kind(run, "sample")) == 4 * EACH == len(set(of_kind(run, "sample")))


def test_what_crashed_is_expected_to_be_tried_again_and_what_hung_is_not(
    tmp_path, instant, shop, monkeypatch
):
    ends = {"numpy_a": "crashed", "numpy_b": "timeout"}
    before = Instant.prepare

    def prepare(self: Instant, request: dict) -> dict:
        if self.cell.implementation in ends:
            raise WorkerLost(Verdict(ends[self.cell.implementation], "at the start"), "")
        return before(self, request)

    monkeypatch.setattr(Instant, "prepare", prepare)
    run, cells = begin(tmp_path, shop(0), Options())
    expected: list[set[str]] = []

    def look(forecast: Forecast) -> None:
        if forecast.doing.endswith("round 1"):  # all have started by then
            left = [unit for unit, count in forecast.pending.items() if count]
            expected.append({cell.split("/")[1] for kind, _, cell, _ in left if kind == "restart"})

    Bench(shop(0), run, Profile(2, 1), look).measure(cells)
    assert expected[0] == {"numpy_manual", "numpy_slow", "numpy_a"}
    assert expected[-1] == set()


def test_nothing_to_measure_is_no_reason_to_stop(tmp_path, shop):
    run, _ = begin(tmp_path, shop(0), Options())
    Bench(shop(0), run, PROFILE, nothing).measure([])
    assert list(run.records()) == []


@pytest.fixture
def restless(instant, monkeypatch) -> list[Instant]:
    """Each process is faster or slower than the next by some percent."""
    answering(
        monkeypatch, "sample",
        lambda worker, _: {"seconds": random.Random(instant.index(worker)).uniform(1.0, 1.1)},
    )  # fmt: skip
    return instant


def test_a_run_goes_on_until_its_intervals_are_as_narrow_as_was_asked_for(tmp_path, restless, shop):
    widths = {}
    for width in (0.5, 0.1, None):
        restless.clear()
        run = measured(tmp_path, shop(0), profile=Profile(2, 1, width=width))
        stopped = [(record["reason"], record["invocations"]) for record in run.records("stopped")]
        many = len(list(run.records("finished")))
        assert stopped == ([] if width is None else [("width", many)])
        ratios = [task.ratio for row in found(run).values() for task in row.tasks.values()]
        assert width is None or all(ratio.high <= ratio.low * (1 + width) for ratio in ratios)
        widths[width] = many
    assert widths[None] == 2 <= widths[0.5] < widths[0.1] < samestep.jobs.bench.MOST_INVOCATIONS


def test_no_width_is_worth_endless_processes(tmp_path, restless, shop, monkeypatch):
    monkeypatch.setattr(samestep.jobs.bench, "MOST_INVOCATIONS", 4)
    run = measured(tmp_path, shop(0), profile=Profile(2, 1, width=1e-9))
    assert len(list(run.records("finished"))) == 4
    assert not list(run.records("stopped"))


def test_the_steady_are_not_measured_on_with_the_restless(tmp_path, restless, shop, monkeypatch):
    """Another dtype is another arena: its intervals are narrow at once."""
    answering(monkeypatch, "sample", lambda w, _: {"seconds": 1.0} if w.cell.dtype == "float64" else {})
    options = Options(dtypes=("float32", "float64"))
    run = measured(tmp_path, shop(0), options, Profile(2, 1, width=0.05))
    many = Counter(record["arena"] for record in run.records("finished"))
    assert many[1] == 2 < many[0]


def test_at_the_end_nothing_is_forecast_to_be_left(tmp_path, instant, shop, seconds, monkeypatch):
    def sample(self: Instant, request: dict) -> dict:
        if self.cell.implementation == "numpy_b":
            raise WorkerLost(Verdict("crashed", "every time"), "")
        return before(self, request)

    before = Instant.sample
    monkeypatch.setattr(Instant, "sample", sample)
    run, cells = begin(tmp_path, shop(0), Options())
    left: list[float] = []
    bench = Bench(shop(0), run, PROFILE, lambda forecast: left.append(forecast.left_seconds))
    bench.measure(cells)
    assert bench.forecast.left_seconds == 0
    assert max(left) > left[len(left) // 2] > left[-1]  # what a sample takes is known from the first on
    kept = list(run.records("forecast"))
    assert all(a["elapsed_seconds"] + samestep.jobs.bench.FORECAST_SECONDS < b["elapsed_seconds"]
               for a, b in pairwise(kept))  # fmt: skip
    assert len(kept) > 2


# -- what may not be compared ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "answer", "reason"),
    [
        ("open", {"threads": 2}, "numpy computes with threads = 2, asked for 1"),
        ("open", {"matmul": "tf32"}, "numpy computes with matmul = tf32, asked for float32"),
        (
            "sample",
            {"seconds": 240 / 2400 / PLAUSIBLE / 1.1},
            "loss_and_grads does 2.2 times the flop/s of this machine's best matrix product",
        ),
    ],
)
def test_what_computes_otherwise_than_asked_is_refused(
    tmp_path, instant, shop, monkeypatch, operation, answer, reason
):
    answering(
        monkeypatch, operation,
        lambda worker, r: answer
        if worker.cell.implementation == "numpy_b" and r.get("task", "loss_and_grads") == "loss_and_grads"
        else {},
    )  # fmt: skip
    rows = found(measured(tmp_path, shop(0)))
    assert rows["numpy_b"].verdict == "invalid"
    assert rows["numpy_b"].reason.startswith(reason)
    assert rows["numpy_b"].tasks == {}
    assert {rows[name].verdict for name in ("numpy_manual", "numpy_a", "numpy_slow")} == {"agree"}


def test_what_a_framework_does_not_tell_is_not_held_against_it(tmp_path, instant, shop, monkeypatch):
    answering(monkeypatch, "open", lambda *_: {"threads": None, "matmul": None})
    assert {row.verdict for row in found(measured(tmp_path, shop(0))).values()} == {"agree"}


GPU = Options(devices=("cpu", "gpu"))


@pytest.mark.parametrize(("busy", "refused"), [(1 + 2 * BESIDE, {"gpu"}), (1 + BESIDE / 2, set())])
def test_a_framework_that_keeps_more_processors_busy_than_it_may_is_refused_there(
    tmp_path, instant, shop, monkeypatch, busy, refused
):
    there = {"cpu": {}, "gpu": {"processors": busy}}
    answering(monkeypatch, "measure_peak", lambda worker, _: there[worker.cell.device])
    run = measured(tmp_path, shop(0), GPU)
    summaries = summarize(run.about, run.records())
    invalid = Counter(s.cell["device"] for s in summaries if s.verdict == "invalid")
    assert invalid == dict.fromkeys(refused, 4)
    assert {s.reason for s in summaries} == {
        None, *(f"numpy keeps {busy:.1f} processors busy, asked for 1" for _ in refused),
    }  # fmt: skip


# -- disturbed samples -----------------------------------------------------------------------------------


def test_a_disturbed_sample_is_kept_marked_and_taken_again(tmp_path, instant, shop, monkeypatch):
    """One cell's seventh sample meets somebody else's work, and takes nine times as long."""

    def seventh(worker: Instant, _: dict) -> dict:
        taken = sum(request["op"] == "sample" for request in worker.asked)
        hit = worker.cell.implementation == "numpy_a" and worker in instant[:5] and taken == 7
        return {"seconds": 9.0, "disturbed": True} if hit else {}

    answering(monkeypatch, "sample", seventh)
    run = measured(tmp_path, shop(0))
    (disturbed,) = (r for r in run.records("sample") if r["disturbed"])
    assert (disturbed["repeated"], disturbed["seconds"]) == (True, 9.0)
    moment = ("invocation", "round", "task", "cell")
    (again,) = (
        r for r in run.records("sample") if counts(r) and all(r[name] == disturbed[name] for name in moment)
    )
    assert (again["disturbed"], again["seconds"]) == (False, 1.0)
    task = found(run)["numpy_a"].tasks[disturbed["task"]]
    assert (task.disturbed, task.repeated, task.seconds.value, task.seconds.high) == (1, 1, 1.0, 1.0)


def test_where_all_are_disturbed_an_eighth_is_taken_again_once_and_all_are_kept(
    tmp_path, instant, shop, monkeypatch
):
    answering(monkeypatch, "sample", lambda *_: {"disturbed": True})
    run = measured(tmp_path, shop(0))
    records = list(run.records("sample"))
    turns = len([r for r in records if counts(r)])
    repeated = [r for r in records if not counts(r)]
    assert turns == EACH * PROFILE.invocations
    assert len(repeated) == PROFILE.invocations * ceil(EACH * RETAKEN_SHARE)
    names = ("invocation", "round", "task", "cell")
    assert max(Counter(tuple(r[name] for name in names) for r in repeated).values()) == 1
    rows = found(run)
    tasks = [task for row in rows.values() for task in row.tasks.values()]
    assert all(task.disturbed == 6 + task.repeated and task.seconds.samples == 6 for task in tasks)


def test_what_hung_once_is_not_waited_for_again(tmp_path, instant, shop, monkeypatch):
    def hangs(worker: Instant, _: dict) -> dict:
        if worker.cell.implementation == "numpy_a":
            raise WorkerLost(Verdict(TIMEOUT, "no answer"), "")
        return {}

    answering(monkeypatch, "sample", hangs)
    run = measured(tmp_path, shop(0))
    assert [r["cell"].split("/")[1] for r in run.records("verdict") if r["verdict"] == TIMEOUT] == ["numpy_a"]
    assert [worker.cell.implementation for worker in instant].count("numpy_a") == 1


# -- two devices -----------------------------------------------------------------------------------------


def test_devices_stand_side_by_side_and_the_cpus_baseline_is_that_of_both(
    tmp_path, instant, shop, monkeypatch
):
    answering(monkeypatch, "sample", lambda w, r: {"seconds": 0.25 if w.cell.device == "gpu" else 1.0})
    answering(monkeypatch, "measure_peak", lambda w, _: {"flops": 9600.0} if w.cell.device == "gpu" else {})
    run = measured(tmp_path, shop(0), GPU)
    assert [r["arena"] for r in run.records("finished")] == [0, 0]
    assert {worker.cell.device for worker in instant if worker.cell.twin} == {"cpu"}
    rows = {
        (s.cell["implementation"], s.cell["device"]): s.tasks["train"]
        for s in summarize(run.about, run.records())
    }
    assert len(rows) == 8
    for (name, device), task in rows.items():
        assert task.ratio.value == (1.0 if device == "cpu" else 0.25), (name, device)
        assert task.fraction_of_peak == 960.0 / 2400.0
    assert [key for key, task in rows.items() if task.ratio.word == "baseline"] == [("numpy_manual", "cpu")]
    assert len(list(run.records("peak"))) == 2 * PROFILE.invocations * PEAK_ROUNDS


def test_where_a_call_is_a_sample_its_samples_tell_the_latency(tmp_path, instant, monkeypatch):
    seconds = iter(range(1, 1000))
    answering(monkeypatch, "prepare", lambda *_: {"loops": {**dict.fromkeys(TASKS, 2), "train": 1}})
    answering(monkeypatch, "sample", lambda _, r: {"loops": r["loops"], "seconds": float(next(seconds))})
    run = measured(tmp_path, crowd(tmp_path, 2))
    for summary in summarize(run.about, run.records()):
        train, step = summary.tasks["train"], summary.tasks["train_step"]
        assert train.latency == {"median": train.seconds.value, "p95": train.seconds.p95}
        assert step.latency is None


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


@pytest.mark.parametrize(("gib", "workers"), [(1, 4), (4, 4), (8, 8), (23.6, 23), (128, 32)])
def test_as_many_workers_live_at_once_as_there_is_memory_for(monkeypatch, gib, workers):
    memory = SimpleNamespace(total=int(gib * 2**30))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    assert samestep.jobs.bench.room() == workers


def test_how_many_live_at_once_is_the_profiles(tmp_path, instant):
    run = measured(tmp_path, crowd(tmp_path, 18), profile=replace(PROFILE, alive=20))
    assert {record["arena"] for record in run.records("sample")} == {0}


def test_the_baseline_runs_under_both_of_its_names_in_every_batch(tmp_path):
    shop = crowd(tmp_path, 2 * ALIVE)
    cells = with_twins(shop.catalog, select(shop.catalog, ["rigged"], Options()))
    arenas = list(batches(shop.catalog, cells, ALIVE))
    assert [[cell.twin for cell in arena[:3]] for arena in arenas] == [[False, True, False]] * 3
    assert all(len(arena) <= ALIVE for arena in arenas)
    others = [cell.key for arena in arenas for cell in arena[2:]]
    assert sorted(others) == sorted(c.key for c in cells if c.implementation != "numpy_manual")


def test_a_ratio_is_taken_within_a_batch_only(tmp_path, instant, monkeypatch):
    """The machine is three times as slow while the second batch runs: no ratio may show it."""

    def sample(self: Instant, _: dict) -> dict:
        second_batch = any(w.cell.implementation == "numpy_16" for w in instant if w.alive)
        return {"loops": 1, "seconds": 3.0 if second_batch else 1.0, "disturbed": False}

    monkeypatch.setattr(Instant, "sample", sample)
    run = measured(tmp_path, crowd(tmp_path, 20))
    summaries = summarize(run.about, run.records())
    assert {s.tasks["train"].ratio.value for s in summaries} == {1.0}
    assert {s.tasks["train"].seconds.value for s in summaries} == {1.0, 2.0, 3.0}  # the baseline met both
    assert summaries[0].tasks["train"].seconds.samples == 2 * PROFILE.invocations * PROFILE.rounds


def test_lessons_are_timed_only_where_they_are_selected(catalog):
    named = command.networks(catalog)
    assert {"two_layer", "manual_backprop", "mnist_mlp"} <= set(named)
    assert not set(named) & {"scalar_relu", "linear_output"}
