"""The page of a report: what it says, and that it holds everything and no more."""

from __future__ import annotations

import io
import json
import random
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from samestep.analysis.summary import summarize
from samestep.records.store import Run
from samestep.report import formatting, page, tables, terminal
from samestep.report.page import budget, verdicts
from samestep.report.page.distances import distance_tables
from samestep.report.page.template import surely
from samestep.report.summaries import summaries_of
from tests.made import records as made
from tests.made.pages import (
    Reader,
    about,
    answers_of,
    card,
    rendered,
    rendered_with_sources,
    samestep,
    saved,
)
from tests.made.records import cell, key, plan_of, records, records_of, slower
from tests.made.runs import REAL, with_todays_sources

pytestmark = pytest.mark.slow

pages = pytest.mark.skipif(not page.available(), reason=page.MISSING)


@pytest.fixture(scope="module")
def real_folder(tmp_path_factory) -> Path:
    if not page.available():
        pytest.skip(page.MISSING)
    return with_todays_sources(tmp_path_factory.mktemp("real") / REAL.name).folder


@pytest.fixture(scope="module")
def real(real_folder) -> str:
    return rendered_with_sources(real_folder)


# -- what it says ----------------------------------------------------------------------------------------


def answer(tmp_path: Path, kept: list[dict]) -> Any:
    (found,) = answers_of(saved(tmp_path / "run", kept=kept))
    return found


def name(summary: Any) -> str | None:
    return summary and summary.cell.implementation


@pages
def test_the_fastest_and_the_next_are_named_and_their_difference_is_real_where_it_is(tmp_path):
    pace = {"jax_scan": 0.25, "keras_fit": 0.5}
    found = answer(tmp_path, records(lambda name, _: pace.get(name, 1.0), seed=1))
    assert (name(found.fastest), found.baseline.implementation) == ("jax_scan", "numpy_manual")
    assert (name(found.second.cell), found.second.word) == ("keras_fit", "slower")
    assert re.match(r"(3\.9|4\.0)\d \(3\.\d\d-4\.\d\d\)", formatting.speedup(found.ratio))
    assert (found.ranking.indistinguishable, found.timed.stable) == ([], True)
    text = card(found)
    assert re.search(
        r"jax_scan is the fastest : (3\.9|4\.0)\d \(\S+\) times as fast as numpy_manual \. Next is "
        r"keras_fit , which takes (1\.9|2\.0)\d \(\S+\) times as long: the difference is real \.",
        text,
    )
    assert "Unfit" not in text
    assert "indistinguishable" not in text


@pages
def test_ties_are_named_and_no_winner_is_made_of_them(tmp_path):
    pace = {"jax_scan": 0.5, "keras_fit": 0.5}
    found = answer(tmp_path, records(lambda name, _: pace.get(name, 1.0), seed=1))
    assert {name(found.fastest), name(found.second.cell)} == {"jax_scan", "keras_fit"}
    assert list(map(name, found.ranking.indistinguishable)) == [name(found.second.cell)]
    assert re.search(
        r": (a tie, surely within 2 %|statistically indistinguishable in this run) [.(]", card(found)
    )


@pages
def test_against_the_planned_baseline_the_word_of_the_tables_stands(tmp_path):
    found = answer(tmp_path, records(lambda name, _: {"jax_scan": 0.5, "numpy_manual": 1.0}.get(name, 1.5)))
    assert (name(found.fastest), name(found.second.cell)) == ("jax_scan", "numpy_manual")
    assert "Next is numpy_manual : the difference is real ." in card(found)


@pages
def test_rounds_in_which_the_control_differs_are_unfit(tmp_path):
    text = card(answer(tmp_path, records(slower("jax_scan", 0.5), again=1.1)))
    assert (
        "Unfit for fine comparisons : in these rounds the baseline and its A/A control differ by 10.0 % ."
        in text
    )


@pages
def test_one_process_knows_nothing_of_others(tmp_path):
    found = answer(tmp_path, records(slower("jax_scan", 0.5), invocations=1))
    assert formatting.speedup(found.ratio) == "2.00 (?)"
    text = card(found)
    assert "This run cannot tell which is the fastest : a single process says nothing about others." in text
    assert "times as fast" not in text


@pytest.mark.parametrize(
    ("calls", "steps", "text"),
    [
        (None, None, "-"), (float("inf"), 500, "never"), (0.2, None, "the first call"),
        (0.2, 500, "the first call"), (1.0, 500, "the first call"), (1.2, None, "2 calls"),
        (1.2, 1, "2 calls"), (1.2, 500, "600 steps (2 calls)"), (3.4, None, "4 calls"),
        (379.4, None, "380 calls"), (75.9, 500, "38,000 steps (76 calls)"),
    ],
)  # fmt: skip
def test_the_calls_until_a_start_breaks_even_are_whole(calls, steps, text):
    assert formatting.break_even(calls, steps) == text


def compiled(pace: float) -> list[dict]:
    """A second torch implementation that starts 10 s later and takes this share of the time."""
    kept = records(lambda name, _: pace if name == "torch_compile" else 1.0, names=COMPILED)
    for record in kept:
        if record["kind"] == "start":
            record["build_seconds"] = 1.0
            first = 11.0 if "torch_compile" in record["cell"] else 1.0
            record["first_calls"] = {task: [first] for task in made.TASKS}
    return kept


COMPILED = ("numpy_manual", "torch_manual", "torch_compile")


@pages
@pytest.mark.parametrize(
    ("pace", "seconds", "card_text", "table"),
    [
        (0.5, 2**-8, "torch_compile breaks even with torch_manual after 20,000 steps (5,100 calls).",
         "| 5,100 calls (torch_manual) |"),
        (0.5, 32.0, "torch_compile breaks even with torch_manual after the first call.",
         "| the first call (torch_manual) |"),
        (0.5, 16.0, "torch_compile breaks even with torch_manual after 5 steps (2 calls).",
         "| 2 calls (torch_manual) |"),
        (2.0, 2**-8, "torch_compile never breaks even with torch_manual: it is not faster.",
         "| never (torch_manual) |"),
    ],
)  # fmt: skip
def test_the_card_and_the_table_say_when_a_high_start_up_cost_breaks_even(
    tmp_path, monkeypatch, pace, seconds, card_text, table
):
    monkeypatch.setitem(made.SECONDS, "train", seconds)
    run = saved(tmp_path / "run", about(COMPILED), compiled(pace))
    text = Reader(rendered(run.folder)).text
    assert card_text in text
    assert table in tables.markdown(run)
    assert " 1 calls" not in text


def test_a_high_start_up_cost_has_paid_when_it_breaks_even_with_the_last_of_the_lower_ones(tmp_path):
    """torch_slow starts quickest, but it is torch_manual that a user would take instead."""
    names = ("numpy_manual", "torch_compile", "torch_slow", "torch_manual")
    pace = {"torch_slow": 2.0, "torch_compile": 0.5}
    first = {"torch_slow": 0.5, "torch_compile": 11.0}
    kept = records(lambda name, _: pace.get(name, 1.0), names=names)
    for record in kept:
        if record["kind"] == "start":
            record["build_seconds"] = 1.0
            seconds = next((t for name, t in first.items() if name in record["cell"]), 1.0)
            record["first_calls"] = {task: [seconds] for task in made.TASKS}
    (found,) = answers_of(saved(tmp_path / "run", about(names), kept))
    (one,) = (one for one in found.break_evens if one.task == "train_step")
    assert (name(one.cell), name(one.against)) == ("torch_compile", "torch_manual")
    assert (one.start_seconds, one.against_start_seconds) == (12.0, 2.0)
    assert one.calls == 10 / (made.SECONDS["train_step"] / 2)


@pages
def test_what_is_indistinguishable_says_what_that_rests_on(tmp_path):
    def reason(folder: str, kept: list[dict]) -> str:
        (tmp_path / folder).mkdir()
        found = re.search(
            r"statistically indistinguishable in this run \((.*?)\)\.", card(answer(tmp_path / folder, kept))
        )
        return found[1] if found else ""

    pace = {"jax_scan": 0.5, "keras_fit": 0.51}
    scattered = records(lambda name, _: pace.get(name, 1.0), seed=1, invocations=2, scatter=0.02)
    interval = re.fullmatch(
        r"(\d\.\d\d)-(\d\.\d\d) where all comparisons are to hold together", reason("few", scattered)
    )
    assert interval
    assert float(interval[1]) < 1 < float(interval[2])
    exact = records(lambda name, _: pace.get(name, 1.0), again=1.1)
    assert reason("noisy", exact) == (
        "surely more than 2 % where all comparisons are to hold together, but the baseline and its A/A "
        "control differ by 10.0 %"
    )
    assert reason("sure", records(slower("jax_scan", 0.25), seed=1)) == ""


def test_what_surely_differs_does_so_either_way_round(tmp_path):
    """A ratio and its reverse differ by as much."""
    found = answer(tmp_path, records(slower("jax_scan", 0.5), seed=1))
    assert found.ratio.sure[1] < 1
    assert surely(found.ratio) == 1 / found.ratio.sure[1] > 1.9


@pages
def test_on_a_device_without_the_baseline_the_card_says_where_that_ran(tmp_path):
    plan, kept = about(), records(slower("jax_scan", 0.5))
    moved = key("jax_scan").replace("/cpu/", "/gpu/")
    for one in plan["cells"]:
        if one["implementation"] == "jax_scan":
            one |= {"device": "gpu", "key": moved}
    for record in kept:
        if record["cell"] == key("jax_scan"):
            record["cell"] = moved
    found = {one.device: one for one in answers_of(saved(tmp_path / "run", plan, kept))}
    assert name(found["gpu"].fastest) == "jax_scan"
    assert "2.00 (2.00-2.00) times as fast as numpy_manual on the cpu" in card(found["gpu"])
    assert found["cpu"].ratio is None
    assert "times as fast" not in card(found["cpu"])


@pages
@pytest.mark.parametrize(
    ("again", "text"),
    [(1.0, "Yes. In all 2 tasks the A/A control is within 2 % of the baseline."),
     (1.1, "No. In 2 of 2 tasks the baseline and its A/A control differ by more than 2 %, so that no smaller "
           "difference can be trusted there: two_layer:tiny train_step, two_layer:tiny train.")],
)  # fmt: skip
def test_the_page_says_whether_the_machine_was_stable(tmp_path, again, text):
    run = saved(tmp_path / "run", kept=records(again=again))
    assert text in Reader(rendered(run.folder)).text


@pages
def test_a_run_without_a_control_does_not_claim_a_stable_machine(tmp_path):
    plan = about()
    plan["cells"] = [one for one in plan["cells"] if not one["twin"]]
    kept = [record for record in records() if record["cell"] != key("numpy_manual", copy=True)]
    text = Reader(rendered(saved(tmp_path / "run", plan, kept).folder)).text
    assert "Not known: no task has an A/A control." in text
    assert "Yes." not in text


@pages
def test_the_fingerprint_has_the_variables_of_the_environment_by_their_names(tmp_path):
    text = Reader(rendered(saved(tmp_path / "run").folder)).text
    assert "environment cpu OMP_NUM_THREADS 1" in text
    assert "machine memory bytes 8589934592" in text
    assert "machine gpus 1 name A GPU" in text


@pages
def test_cards_matrix_and_charts_have_one_order_of_workloads():
    """That of the answers: the README's."""
    text = rendered(REAL)
    order = list(dict.fromkeys(re.findall(r'<article data-run="[^"]*" data-workload="(\w+)"', text)))
    assert order == ["two_layer", "mnist_mlp", "manual_backprop"]
    heads = re.findall(r'<th scope="col" data-workload="(\w+)"', text)
    assert list(dict.fromkeys(heads)) == order
    for section in re.split(r"<section ", text)[1:]:
        shown = list(dict.fromkeys(re.findall(r'<figure [^>]*data-workload="(\w+)"', section)))
        assert shown == [name for name in order if name in shown]


def test_a_name_that_is_markup_is_text_in_report_md(tmp_path):
    names = ("numpy_manual", "torch_x<b>|y", "jax_scan")
    run = saved(tmp_path / "run", about(names), records(names=names))
    text = tables.markdown(run)
    assert "torch_x&lt;b&gt;\\|y" in text
    assert "<b>" not in text


@pages
def test_what_may_not_be_faster_at_all_says_so(tmp_path):
    kept = compiled(0.99)
    noisy = records(
        lambda name, _: 0.99 if name == "torch_compile" else 1.0, seed=3, names=COMPILED, scatter=0.02
    )
    kept = [r for r in kept if r["kind"] != "sample"] + [r for r in noisy if r["kind"] == "sample"]
    text = Reader(rendered(saved(tmp_path / "run", about(COMPILED), kept).folder)).text
    assert re.search(
        r"breaks even with torch_manual after [\d,]+ steps \([\d,]+ calls\), if at all: the two are "
        r"statistically indistinguishable\.",
        text,
    )
    assert re.search(
        r"calls\) , if at all: statistically indistinguishable [\d.]+ s torch_manual", text
    )  # the table's row


@pages
def test_workloads_and_implementations_are_described_where_the_files_are_those_that_ran(real):
    text = Reader(real).text
    assert "a multilayer perceptron that reads images" in text
    assert "NumPy, the chain rule by hand through any number of layers: the reference." in text
    bare = Reader(rendered(REAL)).text
    assert "a multilayer perceptron" not in bare
    assert "What the implementations are" not in bare


@pytest.mark.parametrize(
    ("start", "step", "its_start", "its_step", "high"),
    [
        (10.0, 0.1, 0.2, 0.1, True),
        (0.5, 0.1, 0.2, 0.1, True),  # by 0.3 s
        (0.4, 0.1, 0.2, 0.1, False),  # not more than twice as long
        (0.42, 0.1, 0.2, 0.1, False),  # by 0.22 s
        (2.2, 2.0, 1.0, 0.9, False),  # its first call is that much work
        (3.0, 2.0, 1.0, 0.9, True),
    ],
)
def test_a_start_up_cost_is_high_beside_another_without_the_work_of_the_first_call(
    tmp_path, monkeypatch, start, step, its_start, its_step, high
):
    monkeypatch.setitem(made.SECONDS, "train", its_step)
    kept = records(lambda name, _: step / its_step if name == "torch_compile" else 1.0, names=COMPILED)
    for record in kept:
        if record["kind"] == "start":
            record["build_seconds"] = 0.0
            first = start if "torch_compile" in record["cell"] else its_start
            record["first_calls"] = {"train": [first], "train_step": [2.0**-99]}
    (found,) = answers_of(saved(tmp_path / "run", about(COMPILED), kept))
    assert [name(one.cell) for one in found.main_break_evens] == ["torch_compile"] * high


@pages
def test_where_no_start_was_recorded_nothing_says_that_none_was_high(tmp_path):
    assert "No start was recorded in all its parts." in rendered(saved(tmp_path / "run").folder)


def bold(run: Run) -> set[str]:
    """The implementations that the table in the terminal has in bold letters."""
    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=120)
    terminal.show(run, console)
    return set(re.findall(r"\x1b\[1m *(\w+)", console.file.getvalue())) & set(made.NAMES)


@pages
def test_the_card_the_picture_and_the_terminal_agree_on_the_fastest(tmp_path):
    """jax_scan met only the rounds in which all were quick: less time, but more than keras_fit took then."""
    from samestep.report.pictures import speed
    from samestep.report.pictures.task_groups import task_groups

    pace = {"jax_scan": 0.52, "keras_fit": 0.5}
    kept = [
        {**record, "seconds": record["seconds"] * (1 + record["invocation"] // 3)}
        if record["kind"] == "sample" else record
        for record in records(lambda name, _: pace.get(name, 1.0))
        if not (record["kind"] == "sample" and "jax_scan" in record["cell"] and record["invocation"] > 2)
    ]  # fmt: skip
    run = saved(tmp_path / "run", kept=kept)
    summaries = summaries_of(run)
    times = {name(one): one.tasks["train"].seconds.value for one in summaries}
    assert min(times, key=times.get) == "jax_scan"
    (found,) = answers_of(run)
    (group,) = (one for one in task_groups(run.plan, summaries, by_device=False) if one.task == "train")
    assert (name(found.fastest), name(found.second.cell)) == ("keras_fit", "jax_scan")
    assert found.sentence == speed.message(group) == "keras_fit is the fastest"
    assert found.sentence in card(found)
    assert bold(run) == {"keras_fit"}


@pages
@pytest.mark.parametrize("seed", range(6))
def test_the_card_the_picture_and_the_terminal_name_the_same_rivals_of_the_fastest(tmp_path, seed):
    from samestep.report.pictures import speed
    from samestep.report.pictures.task_groups import task_groups

    pace = {"numpy_manual": 0.98, "jax_scan": 0.97, "torch_manual": 0.99}
    run = saved(tmp_path / "run", kept=records(lambda name, _: pace.get(name, 2.0), seed, invocations=3))
    (found,) = answers_of(run)
    groups = task_groups(run.plan, summaries_of(run), by_device=False)
    (group,) = (one for one in groups if one.task == "train")
    assert found.sentence == speed.message(group)
    assert bold(run) == {name(found.fastest), *map(name, found.ranking.indistinguishable)}
    assert [name(found.fastest), name(found.second.cell)] == [name(one) for one in group.cells[:2]]


def test_a_stranger_finds_the_answers_in_the_page_of_a_real_run(real):
    text = Reader(real).text
    found = re.search(
        r"mnist_mlp:sample, float32, cpu [^.]*\. (\w+)[\w ,]* is the fastest[^:]*: [\w ]*?[\d.]+ \(\S+\) "
        r"times as fast as numpy_manual . Next is (\w+) .*?: "
        r"(the difference is real|a tie|statistically indistinguishable)",
        text,
    )  # fmt: skip
    assert found
    assert found[1] != found[2]
    assert re.search(
        r"torch_compile breaks even with torch_manual after [\d,]+ steps \([\d,]+ calls\)\.", text
    )
    questions = ("Do they agree?", "Which is fastest here?", "What does starting cost?", "CPU or GPU?",
                 "How near the machine's peak?", "Was the machine stable?", "What failed?",
                 "On which machine?", "How was it measured?", "The code, side by side")  # fmt: skip
    places = [text.rindex(question) for question in questions if question in text]
    assert len(places) == len(questions)


def test_the_matrix_has_the_order_of_the_plan_whatever_fails():
    document, kept = about(), []
    first = [one for one in document["cells"] if not one["twin"]]
    late = [{**one, "case": "late", "key": one["key"].replace(":tiny", ":late")} for one in first]
    document["cells"] = [*first, *late]
    document["tasks"]["two_layer:late"] = document["tasks"]["two_layer:tiny"]
    for number, one in enumerate(document["cells"]):
        verdict = "disagree" if number in (2, 5, 7) else "agree"
        kept.append({"kind": "verdict", "cell": one["key"], "verdict": verdict, "reason": None})
    plan, found = plan_of(document), records_of(kept)
    cells = verdicts.verdict_cells("run", summarize(plan, found), found)
    table = verdicts.matrix("run", cells, 0)
    assert [name for _, name in table.rows] == list(made.NAMES)
    assert [case for _, case, _, _ in table.columns] == ["tiny", "late"]
    assert [[cells[place].verdict for place in row.values()] for row in table.rows.values()] == [
        ["agree", "agree"], ["agree", "disagree"], ["disagree", "agree"], ["agree", "disagree"],
    ]  # fmt: skip


def test_of_too_many_cells_those_that_do_not_agree_are_kept_in_their_order(monkeypatch):
    monkeypatch.setattr(verdicts, "CELLS", 2)
    document = about()
    agrees = {"kind": "verdict", "verdict": "agree", "reason": None}
    kept = [{**agrees, "cell": one["key"]} for one in document["cells"]]
    kept[-1]["verdict"] = "disagree"
    plan, found = plan_of(document), records_of(kept)
    cells = verdicts.verdict_cells("run", summarize(plan, found), found)
    assert [one.cell.implementation for one in cells] == ["numpy_manual", "keras_fit"]


def test_distances_have_the_order_of_the_plan_whichever_came_first():
    pairs = [("keras_fit", "jax_scan"), ("torch_manual", "numpy_manual"), ("jax_scan", "numpy_manual")]
    far = {"kind": "distance", "worst": 2.0, "rms": 1.0, "tensors": 3, "identical": False}
    kept = [{**far, "cell": key(one), "other": key(other)} for one, other in pairs]
    (found,) = distance_tables("run", plan_of(about()), records_of(kept))
    assert found.names == list(made.NAMES)
    assert found.distances.keys() == {*pairs, *(pair[::-1] for pair in pairs)}


@pages
def test_a_distance_is_a_number_and_equal_bits_an_equals_sign(tmp_path):
    far = {"kind": "distance", "worst": 2.0, "rms": 1.25, "tensors": 3, "identical": False}
    one = {**far, "cell": key("jax_scan"), "other": key("keras_fit")}
    same = {**far, "cell": key("jax_scan"), "other": key("numpy_manual"), "rms": 0.0, "identical": True}
    text = rendered(saved(tmp_path / "run", kept=[*records(), one, same]).folder)
    (table,) = re.findall(r'<table class="distances">.*?</table>', text, re.DOTALL)
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)[1:]]
    assert rows == [["", "=", "–"], ["=", "", "1.2"], ["–", "1.2", ""]]


# -- what it holds ---------------------------------------------------------------------------------------


def test_nothing_is_loaded_and_the_library_stands_once(real):
    found = Reader(real)
    assert found.loads == ["data:,"]
    assert "connect-src" not in real  # default-src 'none' holds for it
    assert "default-src 'none'" in real
    assert real.count("window.vegaEmbed") == 1
    assert len(real.encode()) < budget.MOST


@pages
def test_the_same_records_give_the_same_bytes(tmp_path):
    run = saved(tmp_path / "run").folder
    elsewhere = Path(shutil.copytree(run, tmp_path / "other" / "run"))
    assert rendered(run) == rendered(elsewhere)


@pages
def test_a_page_stays_small_whatever_the_run(tmp_path):
    plan = about()
    keys = [key("numpy_manual").replace(":tiny", f":tiny[batch={n}]") for n in range(4000)]
    plan["cells"] = [
        {**cell("numpy_manual"), "case": f"tiny[batch={n}]", "key": one, "baseline": one}
        for n, one in enumerate(keys)
    ]
    plan["tasks"] = {f"two_layer:tiny[batch={n}]": {"train": {"flops": 1.0}} for n in range(4000)}
    kept = [
        {"kind": "verdict", "cell": one, "verdict": "crashed", "reason": "r" * 5000, "stderr": "e" * 9000}
        for one in keys[:2000]
    ]
    text = rendered(saved(tmp_path / "run", plan, kept).folder)
    assert len(text.encode()) < budget.MOST
    assert "2500 more cells are in report.csv" in text
    assert "And 1400 more, in report.csv" in text
    assert "3960 more are in report.md" in text


def test_pictures_that_have_no_room_are_named(real, real_folder, monkeypatch):
    size = len(real.encode())
    monkeypatch.setattr(budget, "MOST", size - 50_000)
    text = rendered_with_sources(real_folder)
    assert len(text.encode()) < size - 50_000
    assert re.search(r"\d+ charts are left out, so that this file stays below", text)


def test_where_room_is_short_the_pictures_stay_that_are_seen_first(real, real_folder, monkeypatch):
    monkeypatch.setattr(budget, "MOST", len(real.encode()) - 200_000)
    text = rendered_with_sources(real_folder)
    assert text.count("<figure") < real.count("<figure")
    assert text.count(" data-main>") == real.count(" data-main>") > 10


@pages
def test_a_hundred_thousand_samples_are_a_page_of_summaries(tmp_path):
    draw = random.Random(0)
    once = [r for r in records(seed=0) if r["kind"] != "sample"]
    samples = [
        {"kind": "sample", "cell": key(name, copy), "arena": 0, "invocation": turn % 6, "round": turn,
         "task": task, "loops": 1, "seconds": draw.lognormvariate(-9, 0.1), "disturbed": False,
         "time": 1e9 + turn}
        for turn in range(10_000)
        for task in ("train_step", "train")
        for name, copy in (("numpy_manual", False), ("numpy_manual", True), ("torch_manual", False),
                           ("jax_scan", False), ("keras_fit", False))
    ]  # fmt: skip
    folder = saved(tmp_path / "run", kept=once + samples).folder
    text = rendered(folder)
    assert len(text.encode()) < budget.MOST
    document = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
    assert document["pictures"]
    assert all(picture["many"] <= 20_000 for picture in document["pictures"])


# -- the command -----------------------------------------------------------------------------------------


@pages
def test_one_page_is_made_of_several_runs_and_compares_nothing_across(tmp_path):
    one, two = saved(tmp_path / "one"), saved(tmp_path / "two", kept=records(lambda *_: 3.0))
    done = samestep(one.folder, two.folder, "--out", tmp_path / "both.html")
    assert done.exit_code == 0, done.stderr
    assert f"wrote {tmp_path / 'both.html'}" in done.stderr
    assert not (one.folder / "page.html").exists()
    text = (tmp_path / "both.html").read_text()
    sentence = "every comparison on this page but the history of one machine is within one run"
    assert sentence in re.sub(r"\s+", " ", text)
    assert {'data-run="one"', 'data-run="two"'} <= set(re.findall(r'data-run="\w+"', text))
    assert "1.00 times as fast" not in text


@pages
def test_the_page_of_one_run_stands_beside_its_records(tmp_path):
    run = saved(tmp_path / "run")
    done = samestep(run.folder)
    assert f"wrote {run.folder / 'page.html'}" in done.stderr


def test_without_the_libraries_one_line_says_so_and_the_rest_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "available", lambda: False)
    run = saved(tmp_path / "run")
    done = samestep(run.folder)
    assert done.exit_code == 0
    assert done.stderr.count(page.MISSING) == 1
    assert not (run.folder / "page.html").exists()
    assert (run.folder / "report.md").exists()


@pages
def test_a_page_that_cannot_be_written_is_an_error_that_names_it(tmp_path):
    (tmp_path / "file").write_text("")
    folder = saved(tmp_path / "run").folder
    done = samestep(folder, "--out", tmp_path / "file" / "page")
    assert done.exit_code == 2
    assert f"{tmp_path / 'file' / 'page'} cannot be made" in done.stderr
