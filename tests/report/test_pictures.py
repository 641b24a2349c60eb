"""What the pictures show, of made-up records whose truth is known."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from operator import itemgetter

import pytest

pytest.importorskip("altair", reason="pictures need Altair")
vl_convert = pytest.importorskip("vl_convert", reason="pictures need Altair")

from samestep.analysis import cpu_gpu  # noqa: E402
from samestep.analysis.summary import CellSummary, summarize  # noqa: E402
from samestep.records.schema import Sample, Transfer  # noqa: E402
from samestep.records.store import Run  # noqa: E402
from samestep.report import charts  # noqa: E402
from samestep.report.picture import COLOURS, MARKS, SECTIONS, THEMES, Picture, finite, thinned  # noqa: E402
from samestep.report.pictures import (  # noqa: E402
    device_ratios,
    error_charts,
    history,
    peak,
    samples,
    speed,
    startup,
    total_time,
)
from samestep.report.pictures.task_groups import TaskGroup, task_groups, training_groups  # noqa: E402
from tests.made import records as made  # noqa: E402
from tests.made.records import plan_of, records_of  # noqa: E402

pytestmark = pytest.mark.slow

PACE = {"numpy_manual": 1.0, "torch_manual": 2.0, "jax_scan": 0.5, "keras_fit": 4.0}


def pace(name: str, _: str) -> float:
    return PACE[name]


def summaries(about: dict, records: list[dict]) -> list[CellSummary]:
    return summarize(plan_of(about), records_of(records))


def group(task: str, about: dict, records: list[dict]) -> TaskGroup:
    found = task_groups(plan_of(about), summaries(about, records), by_device=False)
    return next(one for one in found if one.task == task)


def drawn_totals(about: dict, records: list[dict]) -> list[Picture]:
    """The pictures of total time."""
    every = summaries(about, records)
    groups = training_groups(plan_of(about), every)
    return [picture for one in groups for picture in total_time.pictures(every, one)]


def curves(about: dict, records: list[dict]) -> list[cpu_gpu.Curve]:
    return cpu_gpu.curves(plan_of(about), records_of(records))


# -- speed -----------------------------------------------------------------------------------------------


def test_every_implementation_is_shown_against_every_baseline():
    rows, baseline = speed.ratio_rows(group("train_step", made.about(), made.records(pace)))
    assert baseline == "numpy_manual"
    assert {(r.baseline, r.implementation): r.ratio for r in rows} == {
        (one, other): PACE[other] / PACE[one] for one in PACE for other in PACE
    }
    words = {(r.baseline, r.implementation): r.word for r in rows}
    assert words["torch_manual", "torch_manual"] == "baseline"
    assert (words["torch_manual", "jax_scan"], words["jax_scan", "torch_manual"]) == ("faster", "slower")
    assert [r.implementation for r in rows[:4]] == sorted(PACE, key=PACE.get)


def test_against_the_specs_baseline_it_says_what_the_table_says():
    about, records = made.about(), made.records(pace, seed=1)
    rows, baseline = speed.ratio_rows(group("train", about, records))
    for summary in summaries(about, records):
        ratio, name = summary.tasks["train"].ratio, summary.cell.implementation
        (row,) = (r for r in rows if (r.baseline, r.implementation) == (baseline, name))
        drawn = row.word, row.ratio, row.low, row.high
        assert drawn == (ratio.word, *map(finite, (ratio.value, ratio.low, ratio.high)))


def test_the_a_a_ratio_is_the_floor_of_every_baseline():
    records = made.records(lambda name, _: {"torch_manual": 1.05}.get(name, 1.0), again=1.25)
    rows, _ = speed.ratio_rows(group("train", made.about(), records))
    assert {r.noise for r in rows} == {1.25}
    assert not {r.word for r in rows} & {"faster", "slower"}


def test_what_met_no_common_round_is_compared_through_the_planned_baseline():
    records = made.records(pace, seed=1)
    elsewhere = [
        {**record, "arena": 1}
        for record in made.records(pace, seed=2)
        if record["cell"] in (made.key("jax_scan"), made.key("numpy_manual"))
    ]
    kept = [record for record in records if record["cell"] != made.key("jax_scan")]
    rows, _ = speed.ratio_rows(group("train", made.about(), kept + elsewhere))
    (row,) = (r for r in rows if (r.baseline, r.implementation) == ("torch_manual", "jax_scan"))
    assert row.low < 0.25 < row.high
    assert row.word == "faster"


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({"jax_scan": 0.5}, "jax_scan is the fastest"),
        ({"jax_scan": 0.5, "torch_manual": 0.5}, "torch_manual or jax_scan is the fastest"),
        ({}, "numpy_manual is the fastest, or one of 3 statistically indistinguishable from it"),
    ],
)
def test_the_title_names_the_fastest_and_who_may_be_it(factors, message):
    records = made.records(lambda name, _: factors.get(name, 1.0))
    assert speed.message(group("train", made.about(), records)) == message


def test_of_one_process_there_is_a_point_and_no_interval():
    rows, _ = speed.ratio_rows(group("train", made.about(), made.records(pace, invocations=1)))
    assert {(r.low, r.high) for r in rows if r.word != "baseline"} == {(None, None)}
    assert "unclear" in {r.word for r in rows}


# -- starting --------------------------------------------------------------------------------------------


def started() -> tuple[dict, list[dict]]:
    """A second torch implementation that starts 10 s later and takes half of the time."""
    names = ("numpy_manual", "torch_manual", "torch_compile")
    records = made.records(lambda name, _: 0.5 if name == "torch_compile" else 1.0, names=names)
    for record in records:
        if record["kind"] == "start":
            high = "torch_compile" in record["cell"]
            record["framework"] = {**record["framework"], "import_seconds": 2.0}
            record["build_seconds"] = 1.0
            record["first_calls"] = {task: [11.0 if high else 1.0] for task in made.TASKS}
    return made.about(names), records


def test_a_start_is_import_build_and_first_call_the_quickest_above():
    rows = startup.part_rows(group("train", *started()))
    assert [(r.implementation, r.part, r.seconds) for r in rows[-3:]] == [
        ("torch_compile", "import", 2.0), ("torch_compile", "build", 1.0),
        ("torch_compile", "first call", 11.0),
    ]  # fmt: skip
    assert [r.total for r in rows] == [4.0] * 6 + [14.0] * 3


@pytest.mark.parametrize(("task", "steps"), [("train_step", 1), ("train", 4)])
def test_a_high_start_up_cost_breaks_even_where_the_lines_cross(task, steps):
    about, records = started()
    curves = total_time.Curves.of(summaries(about, records), group(task, about, records), "torch")
    rows = total_time.total_rows(curves)
    (crossing,) = (row for row in rows if row.place is not None)
    calls = 10 / (made.SECONDS[task] / 2)  # by hand: 10 s over what a call saves
    assert (crossing.steps, crossing.implementation, crossing.against) == (
        calls * steps, "torch_compile", "torch_manual",
    )  # fmt: skip
    assert crossing.seconds == 2 + calls * made.SECONDS[task]
    before, after = ([r for r in rows if r.place is None and (r.steps < calls * steps) == early]
                     for early in (True, False))  # fmt: skip
    for points, first in ((before, "torch_manual"), (after, "torch_compile")):
        for at in {r.steps for r in points}:
            here = {r.implementation: r.seconds for r in points if r.steps == at}
            assert min(here, key=here.get) == first


def test_what_never_breaks_even_says_so():
    about, records = started()
    for record in records:
        if record["kind"] == "sample" and "torch_compile" in record["cell"]:
            record["seconds"] *= 4
    found = drawn_totals(about, records)
    assert [p.title.rpartition(": ")[2] for p in found] == 2 * ["no high start-up cost breaks even"]
    assert {r["label"] for r in found[0].rows if r["label"]} == {
        "torch_manual",
        "torch_compile, never breaks even",
    }


@pytest.mark.parametrize(
    ("seconds", "title", "labels"),
    [
        (32.0, "torch_compile breaks even after the first call",
         {"torch_manual", "torch_compile, breaks even at once"}),
        (16.0, "torch_compile breaks even after 2 steps",
         {"torch_manual", "torch_compile", "torch_compile breaks even after 2 steps"}),
    ],
)  # fmt: skip
def test_what_breaks_even_within_its_first_calls_says_so(monkeypatch, seconds, title, labels):
    monkeypatch.setitem(made.SECONDS, "train_step", seconds)  # by hand: 10 s over 16 or 8 that a call saves
    about, records = started()
    (found,) = (p for p in drawn_totals(about, records) if p.filters["task"] == "train_step")
    assert found.title.endswith(f"torch: {title}")
    assert {row["label"] for row in found.rows if row["label"]} == labels
    assert title.split(" breaks")[0] in vl_convert.vegalite_to_svg(found.vega_lite())


def test_a_free_run_of_one_step_goes_nowhere_and_is_not_drawn():
    def drawn(distance: list[float]) -> list[str]:
        free = {"task": "train", "loss_distance": [], "absorbed": [], "growth": None, "absorbed_from": None}
        run = {"kind": "trajectory", "cell": made.key("torch_manual"), "distance": distance, **free}
        cells = plan_of(made.about()).by_key()
        return [picture.name for picture in error_charts.pictures(cells, records_of([run]))]

    assert drawn([0.25]) == []
    assert drawn([0.25, 0.5]) == ["trajectory-two_layer-tiny-float32-cpu"]


# -- the peak, the devices, the samples ------------------------------------------------------------------


def test_of_peak_is_the_flops_over_those_of_the_best_product():
    rate = 24.0 / 2**-10  # what the baseline's step does in a second
    where = {"cell": made.key("numpy_manual"), "arena": 0, "invocation": 0, "round": 0}
    product = {"kind": "peak", **where, "flops": 2 * rate, "seconds": 1.0}
    rows = peak.rate_rows(group("train_step", made.about(), [*made.records(pace), product]))
    assert {r.implementation: (r.fraction, r.flops_per_second) for r in rows} == {
        name: (0.5 / factor, rate / factor) for name, factor in PACE.items()
    }


def test_of_peak_the_highest_stands_above_whoever_was_fastest_in_its_rounds():
    kept = [record for record in made.records(pace) if record["kind"] != "sample"]
    kept += [
        {**record, "seconds": record["seconds"] * (1 + record["invocation"] // 3)}
        for record in made.records(lambda name, _: 0.52 if name == "jax_scan" else PACE[name] / 8)
        if record["kind"] == "sample"
        if "jax_scan" not in record["cell"] or record["invocation"] < 3
    ]
    where = {"cell": made.key("numpy_manual"), "arena": 0, "invocation": 0, "round": 0}
    product = {"kind": "peak", **where, "flops": 1e9, "seconds": 1.0}
    rows = peak.rate_rows(group("train_step", made.about(), [*kept, product]))
    fractions = [row.fraction for row in rows]
    assert len(fractions) == len(PACE)
    assert fractions == sorted(fractions, reverse=True)


def test_a_peak_that_nobody_comes_near_to_is_not_drawn():
    def drawn(flops: float) -> int:
        where = {"cell": made.key("numpy_manual"), "arena": 0, "invocation": 0, "round": 0}
        product = {"kind": "peak", **where, "flops": flops, "seconds": 1.0}
        about, kept = made.about(), [*made.records(pace), product]
        return len(list(peak.pictures(plan_of(about), summaries(about, kept))))

    rate = 24.0 / 2**-10 / min(PACE.values())  # what the fastest step does in a second
    assert drawn(2 * rate / peak.LEAST) == 0
    assert drawn(2 * rate) == 2


def test_what_importing_takes_stands_in_the_caption():
    about, records = started()
    (found,) = startup.pictures(group("train", about, records))
    assert "The import alone: numpy 2 s, torch 2 s." in found.caption


def swept(sizes=(5, 20, 80), transfers: Sequence[float] = (0.0, 0.0, 0.0)) -> tuple[dict, list[dict]]:
    """2e-4 s on the GPU, 1e-5 s a row on the CPU: by construction the same at 20 rows. A transfer for each of
    three processes."""
    about, records, cells = made.about(("torch_manual",)), [], []
    for size in sizes:
        for device in ("cpu", "gpu"):
            key = made.key("torch_manual").replace(":tiny", f":tiny[batch={size}]")
            key = key.replace("/cpu/", f"/{device}/")
            cell = {**made.cell("torch_manual"), "case": f"tiny[batch={size}]", "device": device, "key": key}
            cells.append({**cell, "baseline": key.replace("/gpu/", "/cpu/")})
            seconds = 1e-5 * size if device == "cpu" else 2e-4
            for invocation, transfer in enumerate(transfers):
                moved = {"train_step": {"to_device": transfer, "from_device": 0.0}} if device == "gpu" else {}
                where = {"cell": key, "arena": 0, "invocation": invocation}
                records += [
                    {"kind": "verdict", **where, "verdict": "agree", "reason": None},
                    {"kind": "start", **where, "framework": {}, "steps": {}, "transfers": moved},
                ]
                records += [
                    {"kind": "sample", **where, "round": turn, "task": "train_step", "loops": 1,
                     "seconds": seconds, "disturbed": False}
                    for turn in range(4)
                ]  # fmt: skip
    about["tasks"] = {f"two_layer:tiny[batch={size}]": made.TASKS for size in sizes}
    return {**about, "cells": cells}, records


def test_the_crossover_of_cpu_and_gpu_is_where_it_was_planted():
    (picture,) = device_ratios.pictures(curves(*swept(transfers=[2e-4] * 3)))
    computing = [r for r in picture.rows if r["kind"] == device_ratios.COMPUTING and not r["crossing"]]
    assert [(r["size"], r["ratio"]) for r in computing] == [(5, 4.0), (20, 1.0), (80, 0.25)]
    assert {r["name"] for r in computing} == {"torch_manual · 20"}
    crossings = {r["kind"]: r["size"] for r in picture.rows if r["crossing"]}
    assert crossings == {device_ratios.COMPUTING: 20.0, device_ratios.WITH_TRANSFER: 40.0}
    assert "in torch_manual the GPU is faster from batch 20 on" in picture.title


def test_how_far_transfers_scatter_is_in_the_interval_of_where_the_gpu_pays_with_them():
    transfers = [1e-4, 2e-4, 3e-4]
    about, records = swept(transfers=transfers)
    (curve,) = curves(about, records)
    assert f"{curve.crossing.low:.9g}" == f"{curve.crossing.high:.9g}" == "20"
    moved = curve.crossing_with_transfer
    assert 20 < moved.low < moved.value < moved.high
    (gpu, *_) = (s for s in summaries(about, records) if s.cell.device == "gpu")
    assert gpu.tasks["train_step"].transfer == Transfer(to_device=transfers[1], from_device=0.0)


def test_a_process_that_timed_no_transfer_has_the_usual_one():
    """As in runs of samestep before each process timed its own."""
    about, records = swept(transfers=[2e-4] * 3)
    for record in records:
        if record["kind"] == "start" and record["invocation"]:
            record["transfers"] = {}
    (curve,) = curves(about, records)
    assert f"{curve.crossing_with_transfer.value:.9g}" == "40"


def test_one_size_on_both_devices_is_a_point_for_each_implementation():
    about, records = swept(sizes=(80,))
    text = json.dumps([about, records]).replace("[batch=80]", "")
    (picture,) = device_ratios.pictures(curves(*json.loads(text)))
    assert [(r["kind"], r["ratio"]) for r in picture.rows] == [
        ("computing", 0.25),
        ("with the transfer", 0.25),
    ]
    assert picture.title.endswith("in torch_manual the GPU takes 0.25 times the CPU's time")


def test_both_devices_stand_side_by_side_in_the_speed():
    about, records = swept()
    (one, *_) = speed.pictures(plan_of(about), summaries(about, records))
    assert {r["implementation"] for r in one.rows} == {"torch_manual cpu", "torch_manual gpu"}
    assert "device" not in one.filters


def test_what_is_of_one_device_of_two_says_of_which():
    about, records = swept(sizes=(5,))
    both = [group.where for group in task_groups(plan_of(about), summaries(about, records))]
    assert both == ["two_layer:tiny[batch=5], train_step, cpu", "two_layer:tiny[batch=5], train_step, gpu"]
    (one,) = task_groups(plan_of(about), summaries(about, records), by_device=False)
    assert one.where == "two_layer:tiny[batch=5], train_step"


def timed(records: list[dict]) -> list[dict]:
    return [{**record, "time": 1e9 + 3 * number} for number, record in enumerate(records)]


def test_a_sample_stands_at_its_minute_over_the_median_of_its_kind():
    records = timed(made.records())
    (late,) = records[-1:]
    late |= {"seconds": 3 * late["seconds"], "disturbed": True}
    rows = samples.sample_rows(records_of(records))
    assert (rows[0].minutes, rows[0].ratio, rows[0].state) == (0.0, 1.0, "undisturbed")
    assert (rows[-1].ratio, rows[-1].state) == (3.0, "disturbed")
    assert rows[-1].minutes == float(f"{(late['time'] - records[2]['time']) / 60:.5g}")
    records[-2] |= {"repeated": True}
    assert [r.state for r in samples.sample_rows(records_of(records))[-2:]] == ["re-measured", "disturbed"]


def test_records_without_a_time_have_no_such_picture():
    assert list(samples.pictures(records_of(made.records()))) == []


@pytest.mark.parametrize("most", [10, 100, MARKS])
def test_few_marks_are_left_and_the_extremes_among_them(most):
    draw = random.Random(0)
    rows = [{"kind": draw.choice("aaab"), "value": draw.random(), "n": n} for n in range(5000)]
    kept = thinned(rows, itemgetter("kind"), itemgetter("value"), most)
    assert most / 2 < len(kept) <= most
    assert [r["n"] for r in kept] == sorted(r["n"] for r in kept)
    for kind in "ab":
        for extreme in (min, max):
            whole, left = ([r["value"] for r in some if r["kind"] == kind] for some in (rows, kept))
            assert extreme(left) == extreme(whole)
    assert thinned(rows[:most], itemgetter("kind"), itemgetter("value"), most) == rows[:most]


# -- history ---------------------------------------------------------------------------------------------


def runs(tmp_path, paces, machine: str = "A CPU") -> list[Run]:
    plan = made.changed("machine cpu", machine)
    return [
        made.saved(tmp_path / f"2026-11-{10 + day}T00-00-00", plan, made.records(one, seed=day))
        for day, one in enumerate(paces)
    ]


def test_a_step_is_marked_at_the_run_where_it_was_planted_and_nowhere_else(tmp_path):
    paces = [made.same, made.same, made.slower("jax_scan", 1.25), made.slower("jax_scan", 1.25)]
    found = list(history.pictures(runs(tmp_path, paces)))
    assert [p.filters["task"] for p in found] == list(made.TASKS)
    for picture in found:
        assert len(picture.rows) == len(paces) * len(made.NAMES)
        (step,) = (row for row in picture.rows if row["step"])
        assert (step["implementation"], step["run"], step["step"]) == (
            "jax_scan",
            "2026-11-12T00-00-00",
            "slower",
        )
        assert 1.2 < step["change"] < 1.3
        assert "jax_scan became slower, 1.2" in picture.title
        at = [row["ratio"] for row in picture.rows if row["implementation"] == "jax_scan"]
        assert at[0] == 1.0
        assert [round(4 * ratio) / 4 for ratio in at] == [1.0, 1.0, 1.25, 1.25]
        assert all(row["low"] < row["ratio"] < row["high"] for row in picture.rows)


def test_a_change_by_the_clock_is_not_blamed_on_the_baseline_alone(tmp_path):
    found = next(history.pictures(runs(tmp_path, [made.same, lambda *_: 1.5])))
    assert ": numpy_manual or the machine became slower, 1.5" in found.title


def test_the_history_of_a_dtype_says_of_which_where_there_are_two(tmp_path):
    (tmp_path / "b").mkdir()
    double = json.loads(json.dumps(made.about()).replace("float32", "float64"))
    kept = json.loads(json.dumps(made.records()).replace("float32", "float64"))
    day = made.saved(tmp_path / "b" / "2026-12-01T00-00-00", double, kept)
    found = [one.title for one in history.pictures([*runs(tmp_path, [made.same, made.same]), day])]
    assert len(set(found)) == len(found) == 2 * len(made.TASKS)


def test_runs_of_two_machines_are_no_history(tmp_path):
    (tmp_path / "b").mkdir()
    mine, other = runs(tmp_path, [made.same]), runs(tmp_path / "b", [made.same], "B CPU")
    assert list(history.pictures([*mine, *other])) == []


# -- all of them -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def everything(tmp_path_factory) -> list:
    folder = tmp_path_factory.mktemp("runs")
    about, records = started()
    one = made.saved(folder / "one", about, timed(records))
    two = made.saved(folder / "two", *swept())
    return list(charts.pictures([one, two, *runs(folder, [made.same, made.same])]))


def test_every_picture_is_drawn_on_light_and_on_dark_ground(everything):
    assert {p.section for p in everything} == set(SECTIONS) - {
        "agreement",
        "peak",
    }  # the other test file; above
    assert len({p.name for p in everything}) == len(everything)
    for picture in everything:
        assert len(picture.rows) <= MARKS
        assert not {"title", "datasets"} & picture.chart.to_dict().keys()
        for theme in THEMES:
            svg = vl_convert.vegalite_to_svg(picture.vega_lite(theme))
            assert THEMES[theme]["background"] in svg
            assert picture.title.split(":")[0] in svg
            assert not [wrong for wrong in (">null<", ">undefined<", ">NaN<") if wrong in svg]


def test_the_same_records_give_the_same_bytes(tmp_path):
    kept = timed(made.records(pace, seed=3))
    one, two = (made.saved(tmp_path / name, kept=kept) for name in "ab")
    first, second = ({path.name: path.read_bytes() for path in charts.write(run)} for run in (one, two))
    assert first == second
    assert {name.partition("-")[0] for name in first} == {"speed", "stability.svg", "stability.png"}
    assert all(name.rpartition(".")[0].endswith(("-train", "stability")) for name in first)  # the main task


def test_100_000_samples_are_drawn_as_summaries(monkeypatch, tmp_path):
    monkeypatch.setattr(made, "ROUNDS", 100_000 // (5 * len(made.TASKS) * made.INVOCATIONS) + 1)
    run = made.saved(tmp_path / "run", kept=timed(made.records(pace, seed=1)))
    assert sum(isinstance(record, Sample) for record in run.records()) >= 100_000
    found = list(charts.pictures([run]))
    assert {p.section for p in found} == {"speed", "stability"}
    assert all(len(p.rows) <= MARKS for p in found)


def test_no_two_frameworks_have_one_colour():
    assert len(set(COLOURS.values())) == len(COLOURS)
