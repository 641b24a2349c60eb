"""The page of a report: what it says, that it holds everything and no more, and that no record breaks it."""

from __future__ import annotations

import copy
import html
import io
import json
import random
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from samestep.analysis import statistics
from samestep.analysis.summary import summarize
from samestep.commands.main import main
from samestep.commands.report import sources
from samestep.errors import SamestepError
from samestep.records import shapes
from samestep.records import validated as reading
from samestep.records.store import Run
from samestep.records.validated import Legible, read
from samestep.report import charts, formatting, page, pytest_benchmark, tables, terminal
from samestep.report.page import cells
from samestep.report.page.answers import answers
from tests.analysis import test_run_diff
from tests.analysis.test_run_diff import cell, key, records, slower
from tests.evidence.readme import README, linked
from tests.made.rungs import CHECKOUT

REAL = linked(README.read_text(encoding="utf-8"))
pages = pytest.mark.skipif(not page.available(), reason=page.MISSING)


def about(**more: Any) -> dict[str, Any]:
    plan = test_run_diff.about(**more)
    plan["machine"] |= {"cores": 2, "governor": None, "memory_bytes": 2**33}
    return {**plan, "run": "2026-01-01T00-00-00"}


def saved(folder: Path, plan: dict[str, Any] | None = None, kept: list[dict] | None = None) -> Run:
    return test_run_diff.saved(folder, plan or about(), kept)


def rendered(*folders: Path, **more: Any) -> str:
    runs, left_out = read(folders)
    return page.render(runs, more.get("sources", {}), left_out)


def samestep(*arguments: object) -> Result:
    done = CliRunner().invoke(main, ["report", *map(str, arguments)], env={"COLUMNS": "80"})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


class Reader(HTMLParser):
    """The texts outside of scripts and styles, the tags, and the addresses that an element would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts, self.tags, self.loads, self.scripts = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        names = dict(attrs)
        self.loads += [names[n] for n in ("src", "srcset", "poster", "data") if names.get(n)]
        if tag == "link":
            self.loads.append(names["href"])

    def handle_data(self, data):
        inside = self.tags[-1] if self.tags else ""
        (self.scripts if inside in ("script", "style") else self.texts).append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))


@pytest.fixture(scope="module")
def real() -> str:
    if not page.available():
        pytest.skip(page.MISSING)
    return rendered(REAL, sources=sources(read([REAL])[0]))


# -- what it says ----------------------------------------------------------------------------------------


def answer(tmp_path: Path, kept: list[dict]) -> Any:
    run = saved(tmp_path / "run", kept=kept)
    (found,) = answers("run", run.about, summarize(run.about, run.records()))
    return found


def test_the_fastest_and_the_next_are_told_apart_where_they_are(tmp_path):
    pace = {"jax_scan": 0.25, "keras_fit": 0.5}
    found = answer(tmp_path, records(lambda name, _: pace.get(name, 1.0), seed=1))
    assert (found.fastest, found.baseline, found.second) == ("jax_scan", "numpy_manual", "keras_fit")
    assert re.match(r"(3\.9|4\.0)\d \(3\.\d\d-4\.\d\d\)", found.lead)
    assert (found.sure, found.like, found.noise) == ("the difference is real", (), "")


def test_ties_are_named_and_no_winner_is_made_of_them(tmp_path):
    pace = {"jax_scan": 0.5, "keras_fit": 0.5}
    found = answer(tmp_path, records(lambda name, _: pace.get(name, 1.0), seed=1))
    assert {found.fastest, found.second} == {"jax_scan", "keras_fit"}
    assert found.sure in ("a tie, surely within 2 %", "not told apart in this run")
    assert found.like == (found.second,)


def test_against_the_planned_baseline_the_word_of_the_tables_stands(tmp_path):
    found = answer(tmp_path, records(lambda name, _: {"jax_scan": 0.5, "numpy_manual": 1.0}.get(name, 1.5)))
    assert (found.fastest, found.second, found.longer) == ("jax_scan", "numpy_manual", "")
    assert found.sure == "the difference is real"


def test_rounds_in_which_the_same_code_was_apart_are_said(tmp_path):
    assert answer(tmp_path, records(slower("jax_scan", 0.5), again=1.1)).noise == "10.0 %"


def test_one_process_knows_nothing_of_others(tmp_path):
    found = answer(tmp_path, records(slower("jax_scan", 0.5), invocations=1))
    assert found.lead == "2.00 (?)"
    assert found.sure == "not told apart in this run"


@pytest.mark.parametrize(
    ("calls", "steps", "text"),
    [
        (None, None, "-"), (float("inf"), 500, "never"), (0.2, None, "the first call"),
        (0.2, 500, "the first call"), (1.0, 500, "the first call"), (1.2, None, "2 calls"),
        (1.2, 1, "2 calls"), (1.2, 500, "600 steps (2 calls)"), (3.4, None, "4 calls"),
        (379.4, None, "380 calls"), (75.9, 500, "38,000 steps (76 calls)"),
    ],
)  # fmt: skip
def test_from_when_on_a_start_pays_is_said_in_calls_that_are_whole(calls, steps, text):
    assert formatting.since(calls, steps) == text


def paying(pace: float) -> list[dict]:
    """A second torch rung that starts 10 s later and takes this share of the time."""
    kept = records(lambda name, _: pace if name == "torch_compile" else 1.0, names=DEAR)
    for record in kept:
        if record["kind"] == "start":
            record["build_seconds"] = 1.0
            first = 11.0 if "torch_compile" in record["cell"] else 1.0
            record["first_calls"] = {task: [first] for task in test_run_diff.TASKS}
    return kept


DEAR = ("numpy_manual", "torch_manual", "torch_compile")


@pages
@pytest.mark.parametrize(
    ("pace", "seconds", "card", "table"),
    [
        (0.5, 2**-8, "torch_compile pays from 20,000 steps (5,100 calls) on, against torch_manual.",
         "| 5,100 calls (torch_manual) |"),
        (0.5, 32.0, "torch_compile pays from the first call on, against torch_manual.",
         "| the first call (torch_manual) |"),
        (0.5, 16.0, "torch_compile pays from 5 steps (2 calls) on, against torch_manual.",
         "| 2 calls (torch_manual) |"),
        (2.0, 2**-8, "torch_compile never pays for its dear start against torch_manual: it is not faster.",
         "| never (torch_manual) |"),
    ],
)  # fmt: skip
def test_the_card_and_the_table_say_in_words_from_when_on_a_dear_start_pays(
    tmp_path, monkeypatch, pace, seconds, card, table
):
    monkeypatch.setitem(test_run_diff.SECONDS, "train", seconds)
    run = saved(tmp_path / "run", about(names=DEAR), paying(pace))
    text = Reader(rendered(run.folder)).text
    assert card in text
    assert table in tables.markdown(run)
    assert " 1 calls" not in text


def test_a_dear_start_has_paid_when_the_last_of_those_that_start_cheap_is_overtaken(tmp_path):
    """torch_slow starts cheapest, but it is torch_manual that a user would take instead."""
    names = ("numpy_manual", "torch_compile", "torch_slow", "torch_manual")
    pace = {"torch_slow": 2.0, "torch_compile": 0.5}
    first = {"torch_slow": 0.5, "torch_compile": 11.0}
    kept = records(lambda name, _: pace.get(name, 1.0), names=names)
    for record in kept:
        if record["kind"] == "start":
            record["build_seconds"] = 1.0
            seconds = next((t for name, t in first.items() if name in record["cell"]), 1.0)
            record["first_calls"] = {task: [seconds] for task in test_run_diff.TASKS}
    run = saved(tmp_path / "run", about(names=names), kept)
    (found,) = answers("run", run.about, summarize(run.about, run.records()))
    (pays,) = (one for one in found.pays if one.task == "train_step")
    assert (pays.implementation, pays.against, pays.start, pays.cheap) == (
        "torch_compile", "torch_manual", 12.0, 2.0,
    )  # fmt: skip
    assert pays.calls == 10 / (test_run_diff.SECONDS["train_step"] / 2)


def test_what_is_not_told_apart_says_what_that_rests_on(tmp_path):
    def why(folder: str, kept: list[dict]) -> str:
        (tmp_path / folder).mkdir()
        return answer(tmp_path / folder, kept).why

    pace = {"jax_scan": 0.5, "keras_fit": 0.51}
    scattered = records(lambda name, _: pace.get(name, 1.0), seed=1, invocations=2, scatter=0.02)
    told = re.fullmatch(
        r"(\d\.\d\d)-(\d\.\d\d) where all comparisons are to hold together", why("few", scattered)
    )
    assert told
    assert float(told[1]) < 1 < float(told[2])
    exact = records(lambda name, _: pace.get(name, 1.0), again=1.1)
    assert why("noisy", exact) == (
        "surely more than 2 % where all comparisons are to hold together, but the same code under two names "
        "was 10.0 % apart"
    )
    assert (
        why("one", records(slower("jax_scan", 0.5), invocations=1)) == "one process tells nothing of others"
    )
    assert why("sure", records(slower("jax_scan", 0.25), seed=1)) == ""


def test_on_a_device_without_the_baseline_the_lead_says_where_that_ran(tmp_path):
    plan, kept = about(), records(slower("jax_scan", 0.5))
    moved = key("jax_scan").replace("/cpu/", "/gpu/")
    for one in plan["cells"]:
        if one["implementation"] == "jax_scan":
            one |= {"device": "gpu", "key": moved}
    for record in kept:
        if record["cell"] == key("jax_scan"):
            record["cell"] = moved
    run = saved(tmp_path / "run", plan, kept)
    found = {one.device: one for one in answers("run", run.about, summarize(run.about, run.records()))}
    assert (found["gpu"].baseline, found["gpu"].lead) == ("numpy_manual on the cpu", "2.00 (2.00-2.00)")
    assert found["gpu"].fastest == "jax_scan"
    assert found["cpu"].lead == ""


@pages
@pytest.mark.parametrize(
    ("again", "text"),
    [(1.0, "Yes. In all 2 tasks the same code under two names was within 2 % of itself."),
     (1.1, "No. In 2 of 2 tasks the same code under two names was more than 2 % apart, so that no finer "
           "difference can be trusted there: two_layer:tiny train_step, two_layer:tiny train.")],
)  # fmt: skip
def test_the_page_says_whether_the_machine_was_calm(tmp_path, again, text):
    run = saved(tmp_path / "run", kept=records(again=again))
    assert text in Reader(rendered(run.folder)).text


@pages
def test_cards_matrix_and_charts_have_one_order_of_workloads():
    """That of the answers: the most to compute first."""
    text = rendered(REAL)
    order = list(dict.fromkeys(re.findall(r'<article data-run="[^"]*" data-workload="(\w+)"', text)))
    assert set(order) == {"two_layer", "mnist_mlp", "manual_backprop"}
    heads = re.findall(r'<th scope="col" data-workload="(\w+)"', text)
    assert list(dict.fromkeys(heads)) == order
    for section in re.split(r"<section ", text)[1:]:
        shown = list(dict.fromkeys(re.findall(r'<figure [^>]*data-workload="(\w+)"', section)))
        assert shown == [name for name in order if name in shown]


def test_a_name_that_is_markup_is_text_in_report_md(tmp_path):
    names = ("numpy_manual", "torch_x<b>|y", "jax_scan")
    run = saved(tmp_path / "run", about(names=names), records(names=names))
    told = tables.markdown(run)
    assert "torch_x&lt;b&gt;\\|y" in told
    assert "<b>" not in told


@pages
def test_what_may_not_be_faster_at_all_says_so(tmp_path):
    kept = paying(0.99)
    noisy = records(
        lambda name, _: 0.99 if name == "torch_compile" else 1.0, seed=3, names=DEAR, scatter=0.02
    )
    kept = [r for r in kept if r["kind"] != "sample"] + [r for r in noisy if r["kind"] == "sample"]
    text = Reader(rendered(saved(tmp_path / "run", about(names=DEAR), kept).folder)).text
    assert re.search(
        r"pays from [\d,]+ steps \([\d,]+ calls\) on, against torch_manual, if at all: the two", text
    )


@pages
def test_workloads_and_implementations_are_told_in_their_own_words_where_the_files_are_those_that_ran(real):
    text = Reader(real).text
    assert "a multilayer perceptron that reads images" in text
    assert "NumPy, the chain rule by hand through any number of layers: the reference." in text
    bare = Reader(rendered(REAL)).text
    assert "a multilayer perceptron" not in bare
    assert "What the implementations are" not in bare


@pytest.mark.parametrize(
    ("start", "step", "its_start", "its_step", "dear"),
    [
        (10.0, 0.1, 0.2, 0.1, True),
        (0.5, 0.1, 0.2, 0.1, True),  # by 0.3 s
        (0.4, 0.1, 0.2, 0.1, False),  # not more than twice as long
        (0.42, 0.1, 0.2, 0.1, False),  # by 0.22 s
        (2.2, 2.0, 1.0, 0.9, False),  # its first call is so much work
        (3.0, 2.0, 1.0, 0.9, True),
    ],
)
def test_a_start_is_dear_beside_another_the_work_of_the_first_call_aside(
    tmp_path, monkeypatch, start, step, its_start, its_step, dear
):
    monkeypatch.setitem(test_run_diff.SECONDS, "train", its_step)
    kept = records(lambda name, _: step / its_step if name == "torch_compile" else 1.0, names=DEAR)
    for record in kept:
        if record["kind"] == "start":
            record["build_seconds"] = 0.0
            first = start if "torch_compile" in record["cell"] else its_start
            record["first_calls"] = {"train": [first], "train_step": [0.0]}
    run = saved(tmp_path / "run", about(names=DEAR), kept)
    (found,) = answers("run", run.about, summarize(run.about, run.records()))
    assert [one.implementation for one in found.pays if one.task == "train"] == ["torch_compile"] * dear


@pages
def test_where_no_start_was_recorded_nobody_says_that_none_was_dear(tmp_path):
    assert "No start was recorded in all its parts." in rendered(saved(tmp_path / "run").folder)


def bold(run: Run) -> set[str]:
    """The implementations that the table in the terminal has in bold letters."""
    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=120)
    terminal.show(run, console)
    return set(re.findall(r"\x1b\[1m *(\w+)", console.file.getvalue())) & set(test_run_diff.NAMES)


@pages
def test_whoever_says_which_is_fastest_says_the_same(tmp_path):
    """jax_scan met only the rounds in which all were quick: less time, but more than keras_fit took then."""
    from samestep.report.pictures import speed
    from samestep.report.pictures.groups import groups

    pace = {"jax_scan": 0.52, "keras_fit": 0.5}
    kept = [
        {**record, "seconds": record["seconds"] * (1 + record["invocation"] // 3)}
        if record["kind"] == "sample" else record
        for record in records(lambda name, _: pace.get(name, 1.0))
        if not (record["kind"] == "sample" and "jax_scan" in record["cell"] and record["invocation"] > 2)
    ]  # fmt: skip
    run = saved(tmp_path / "run", kept=kept)
    summaries = summarize(run.about, run.records())
    times = {s.cell["implementation"]: s.tasks["train"].seconds.value for s in summaries}
    assert min(times, key=times.get) == "jax_scan"
    (found,) = answers("run", run.about, summaries)
    (group,) = (one for one in groups(run.about, summaries, by_device=False) if one.task == "train")
    assert (found.says, found.fastest, found.second) == ("keras_fit is the fastest", "keras_fit", "jax_scan")
    assert speed.message(group) == found.says
    assert bold(run) == {"keras_fit"}


@pages
@pytest.mark.parametrize("seed", range(6))
def test_whoever_names_rivals_of_the_fastest_names_the_same(tmp_path, seed):
    from samestep.report.pictures import speed
    from samestep.report.pictures.groups import groups

    pace = {"numpy_manual": 0.98, "jax_scan": 0.97, "torch_manual": 0.99}
    run = saved(tmp_path / "run", kept=records(lambda name, _: pace.get(name, 2.0), seed, invocations=3))
    summaries = summarize(run.about, run.records())
    (found,) = answers("run", run.about, summaries)
    (group,) = (one for one in groups(run.about, summaries, by_device=False) if one.task == "train")
    assert found.says == speed.message(group)
    assert bold(run) == {found.fastest, *found.like}
    assert [found.fastest, found.second] == [cell.cell["implementation"] for cell in group.cells[:2]]


def test_a_stranger_finds_the_answers_in_the_page_of_a_real_run(real):
    text = Reader(real).text
    found = re.search(
        r"mnist_mlp:sample, float32, cpu [^.]*\. (\w+)[\w ,]* is the fastest[^:]*: [\w ]*?[\d.]+ \(\S+\) "
        r"times as fast as numpy_manual . Next is (\w+) .*?: (the difference is real|a tie|not told apart)",
        text,
    )  # fmt: skip
    assert found
    assert found[1] != found[2]
    assert re.search(r"torch_compile pays from [\d,]+ steps \([\d,]+ calls\) on, against torch_manual", text)
    questions = ("Do they agree?", "Which is fastest here?", "What does starting cost?", "CPU or GPU?",
                 "How near the machine's peak?", "Was the machine calm?", "What failed?", "On which machine?",
                 "How was it measured?", "The code, side by side")  # fmt: skip
    places = [text.rindex(question) for question in questions if question in text]
    assert len(places) == len(questions)


def test_the_matrix_has_the_order_of_the_plan_whatever_fails():
    plan, kept = about(), []
    first = [one for one in plan["cells"] if not one["twin"]]
    late = [{**one, "case": "late", "key": f"late {one['key']}"} for one in first]
    plan["cells"] = [*first, *late]
    plan["tasks"]["two_layer:late"] = plan["tasks"]["two_layer:tiny"]
    for number, one in enumerate(plan["cells"]):
        verdict = "disagree" if number in (2, 5, 7) else "agree"
        kept.append({"kind": "verdict", "cell": one["key"], "verdict": verdict, "reason": None})
    found = cells.cells("run", summarize(plan, kept), kept)
    table = cells.matrix("run", found, 0)
    assert [name for _, name in table.rows] == list(test_run_diff.NAMES)
    assert [case for _, case, _, _ in table.columns] == ["tiny", "late"]
    assert [[found[place].verdict for place in row.values()] for row in table.rows.values()] == [
        ["agree", "agree"], ["agree", "disagree"], ["disagree", "agree"], ["agree", "disagree"],
    ]  # fmt: skip


def test_of_too_many_cells_those_that_do_not_agree_are_kept_in_their_order(monkeypatch):
    monkeypatch.setattr(cells, "CELLS", 2)
    plan = about()
    agrees = {"kind": "verdict", "verdict": "agree", "reason": None}
    kept = [{**agrees, "cell": one["key"]} for one in plan["cells"]]
    kept[-1]["verdict"] = "disagree"
    found = cells.cells("run", summarize(plan, kept), kept)
    assert [one.about["implementation"] for one in found] == ["numpy_manual", "keras_fit"]


def test_rung_against_rung_has_the_order_of_the_plan_whoever_came_first():
    pairs = [("keras_fit", "jax_scan"), ("torch_manual", "numpy_manual"), ("jax_scan", "numpy_manual")]
    kept = [
        {"kind": "distance", "cell": key(one), "other": key(other), "rms": 1.0, "identical": False}
        for one, other in pairs
    ]
    (found,) = cells.distances("run", about(), kept)
    assert found.names == list(test_run_diff.NAMES)


# -- what it holds ---------------------------------------------------------------------------------------


def test_nothing_is_loaded_and_the_library_stands_once(real):
    found = Reader(real)
    assert found.loads == ["data:,"]
    assert "connect-src" not in real  # default-src 'none' holds for it
    assert "default-src 'none'" in real
    assert real.count("window.vegaEmbed") == 1
    assert len(real.encode()) < page.MOST


@pages
def test_the_same_records_give_the_same_bytes(tmp_path):
    run = saved(tmp_path / "run").folder
    elsewhere = Path(shutil.copytree(run, tmp_path / "other" / "run"))
    assert rendered(run) == rendered(elsewhere)


@pages
def test_a_page_stays_small_whatever_the_run(tmp_path, monkeypatch):
    plan = about()
    plan["cells"] = [
        {**cell("numpy_manual"), "case": f"tiny[batch={n}]", "key": f"cell {n}", "baseline": f"cell {n}"}
        for n in range(4000)
    ]
    plan["tasks"] = {f"two_layer:tiny[batch={n}]": {"train": {"flops": 1.0}} for n in range(4000)}
    kept = [
        {"kind": "verdict", "cell": f"cell {n}", "verdict": "crashed", "reason": "r" * 5000,
         "stderr": "e" * 9000}
        for n in range(2000)
    ]  # fmt: skip
    text = rendered(saved(tmp_path / "run", plan, kept).folder)
    assert len(text.encode()) < page.MOST
    assert "2500 more cells are in report.csv" in text
    assert "And 1400 more, in report.csv" in text


def test_pictures_that_have_no_room_are_named(real, monkeypatch):
    size = len(real.encode())
    monkeypatch.setattr(page, "MOST", size - 50_000)
    text = rendered(REAL, sources=sources(read([REAL])[0]))
    assert len(text.encode()) < size - 50_000
    assert re.search(r"\d+ charts are left out, so that this file stays below", text)


def test_where_room_is_short_the_pictures_stay_that_are_seen_first(real, monkeypatch):
    monkeypatch.setattr(page, "MOST", len(real.encode()) - 200_000)
    text = rendered(REAL, sources=sources(read([REAL])[0]))
    assert text.count("<figure") < real.count("<figure")
    assert text.count(" data-main>") == real.count(" data-main>") > 10


@pages
def test_a_hundred_thousand_samples_are_a_page_of_summaries(tmp_path):
    draw = random.Random(0)
    once = [r for r in records(seed=0) if r["kind"] != "sample"]
    samples = [
        {"kind": "sample", "cell": key(name, twin), "arena": 0, "invocation": turn % 6, "round": turn,
         "task": task, "loops": 1, "seconds": draw.lognormvariate(-9, 0.1), "disturbed": False,
         "time": 1e9 + turn}
        for turn in range(10_000)
        for task in ("train_step", "train")
        for name, twin in (("numpy_manual", False), ("numpy_manual", True), ("torch_manual", False),
                           ("jax_scan", False), ("keras_fit", False))
    ]  # fmt: skip
    folder = saved(tmp_path / "run", kept=once + samples).folder
    text = rendered(folder)
    assert len(text.encode()) < page.MOST
    document = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
    assert all(picture["many"] <= 20_000 for picture in document["pictures"])


# -- hostile texts ---------------------------------------------------------------------------------------

EVIL = "</script></style><script>document.title='got you'</script><img src=x onerror=alert(1)>&\"'{{ 7*7 }}"


@pages
def test_what_looks_like_html_is_text(tmp_path):
    plan = about()
    plan["machine"] |= {"cpu": EVIL, "os": EVIL}
    plan["options"]["roots"] = [EVIL]
    plan["cells"].append(
        {**cell("torch_nn"), "implementation": EVIL, "framework": EVIL, "case": EVIL, "key": EVIL}
    )
    plan["tasks"][f"two_layer:{EVIL}"] = {"train": {"flops": 1.0}}
    seen = {"elements": 1.0, "elements_limit": 2.0}
    place = {"step": 0, "task": EVIL, "tensor": EVIL, "test": EVIL, "index": None}
    kept = [*records(), {"kind": "verdict", "cell": EVIL, "verdict": EVIL, "reason": EVIL, "stderr": EVIL,
                         "first_divergence": place, "tensors": {EVIL: seen}}]  # fmt: skip
    kept += [{"kind": EVIL}]
    clean = Reader(rendered(saved(tmp_path / "clean").folder))
    text = rendered(saved(tmp_path / "run", plan, kept).folder, sources={EVIL: EVIL, "w/i": None})
    found = Reader(text)
    assert found.tags.count("script") == clean.tags.count("script") == 3
    assert "img" not in found.tags
    assert found.text.count(EVIL) >= 5
    document = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
    assert document["sources"] == {EVIL: EVIL}
    assert document["changed"] == ["w/i"]
    assert any(one["reason"] == EVIL and one["tensors"][0][0] == EVIL for one in document["cells"])
    assert html.escape(EVIL, quote=False)[:20] in text


def test_a_record_names_no_folder_that_sources_are_read_from(tmp_path):
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "spec.py").write_text("raise SystemExit('it ran')")
    (tmp_path / "w" / "numpy_manual.py").write_text("secret = 1")
    plan = about()
    plan["options"]["roots"] = [str(tmp_path)]
    for workload in ("w", f"../../../../../../..{tmp_path}/w"):
        plan["cells"] = [{**cell("numpy_manual"), "workload": workload}]
        plan["tasks"] = {f"{workload}:tiny": test_run_diff.TASKS}
        plan["sources"] = {f"{workload}/numpy_manual": "0123456789abcdef"}
        folder = saved(tmp_path / f"run-{len(workload)}", plan, []).folder
        assert sources([Legible(folder)]) == {f"{workload}/numpy_manual": None}


def test_a_source_is_shown_where_it_is_that_of_the_run_only(tmp_path):
    name = "two_layer/numpy_manual"
    now = json.loads((REAL / "run.json").read_text())["sources"][name]
    for recorded, shown in ((now, True), ("0123456789abcdef", False)):
        plan = about(names=("numpy_manual",))
        plan["sources"] = {name: recorded}
        folder = saved(tmp_path / recorded, plan, []).folder
        assert (sources([Legible(folder)])[name] is not None) == shown


# -- damaged, foreign, newer -----------------------------------------------------------------------------

WRONG = [
    ("no JSON at all", "damaged: no JSON"),
    ("[" * 100_000, "damaged: no JSON"),
    ('{"schema": 2, "kind": "sample"}', "newer: schema 2, and this samestep reads 1"),
    ('{"schema": 0, "kind": "sample"}', "foreign: schema 0"),
    ('{"name": "left-pad"}', "foreign: no record of samestep"),
    ("17", "foreign: no record of samestep"),
    ('{"schema": 1, "kind": "sample", "run": "another"}', "foreign: it belongs to the run another"),
    ('{"schema": 1, "kind": "gossip"}', "foreign: the kind 'gossip' is not known"),
    ('{"schema": 1, "kind": ["sample"]}', "foreign: the kind ['sample'] is not known"),
    ('{"schema": 1, "kind": "sample", "cell": 3}', "damaged: 'cell' of a sample is '3'"),
    ('{"schema": 1, "kind": "memory", "cell": "mars", "bytes": 1}', "foreign: the plan has no cell mars"),
    ('{"schema": 1, "kind": "forecast", "cell": [1]}', "damaged: 'cell' of a forecast is '[1]'"),
    ('{"schema": 1, "kind": "memory", "cell": "\\ud800", "bytes": 1}',
     "damaged: it is nested too deep, or has half of a character"),
    ('{"schema": 1, "kind": "forecast", "note": {"\\udfff": 1}}', "damaged: it is nested too deep"),
    (f'{{"schema": 1, "kind": "forecast", "note": {"[" * 60}{"]" * 60}}}', "damaged: it is nested too deep"),
    (f'{{"schema": 1, "kind": "memory", "cell": "{key("jax_scan")}", "bytes": 1{"0" * 400}}}',
     "damaged: 'bytes' of a memory is '10000"),
    *((f'{{"schema": 1, "kind": "verdict", "cell": "{key("jax_scan")}", "verdict": "disagree", '
       f'"first_divergence": {{"step": 0, "task": "t", "tensor": "w", "test": "norm", {wrong}}}}}',
       "damaged: 'first_divergence' of a verdict is") for wrong in
      ('"got": "much"', '"error": [1]', '"limit": {}', '"expected": true', '"index": 3', '"index": [0.5]')),
]  # fmt: skip


@pytest.mark.parametrize(("line", "why"), WRONG, ids=[why for _, why in WRONG])
def test_a_record_that_cannot_be_read_is_named_and_left_out(tmp_path, line, why):
    run = saved(tmp_path / "run")
    whole = list(Legible(run.folder).records())
    lines = run.samples.read_text().splitlines()
    run.samples.write_text("\n".join([*lines[:2], line, *lines[2:]]) + "\n")
    (found,), (left_out,) = read([run.folder])
    assert left_out.why.startswith(f"samples.jsonl:3 is left out, {why}")
    assert list(found.records()) == whole
    if page.available():
        assert html.escape(why, quote=True).replace("&#x27;", "&#39;") in rendered(run.folder)


SAMPLE = next(record for record in records() if record["kind"] == "sample")


@pytest.mark.parametrize("name", [*reading.FIELDS["sample"], "schema", "kind"])
@pytest.mark.parametrize("value", [None, "", -1, 0.5, True, [], {}, "nan", 1e999], ids=repr)
def test_no_value_of_a_sample_breaks_the_summary(tmp_path, name, value):
    folder = saved(
        tmp_path / "run", kept=[*records(invocations=1), {**SAMPLE, "schema": 1, name: value}]
    ).folder
    run = Legible(folder)
    assert summarize(run.about, run.records())


#: No field of any record, and none of a run's head, is all of these.
VALUES = [
    None,
    "",
    "\ud800",
    "[red]|<b>",
    -1,
    0.5,
    7,
    True,
    [],
    {},
    [None],
    {"a": None},
    "nan",
    1e999,
    10**400,
]


def paths(document: Any, way: tuple = ()) -> Iterator[tuple]:
    """Where its values stand, at every depth."""
    inner = document.items() if isinstance(document, dict) else enumerate(document)
    for name, value in inner:
        yield (*way, name)
        if isinstance(value, dict | list):
            yield from paths(value, (*way, name))


def replaced(document: Any, way: tuple, value: Any) -> Any:
    document = copy.deepcopy(document)
    inner = document
    for name in way[:-1]:
        inner = inner[name]
    inner[way[-1]] = value
    return document


WHERE = {"cell": key("jax_scan"), "arena": 0, "invocation": 0}
WHOLE = [
    SAMPLE,
    {"kind": "verdict", **WHERE, "verdict": "disagree", "reason": "r", "stderr": "e", "checked_in": "float32",
     "tensors": {"w": {"elements": 1.0, "elements_limit": 2.0}}, "precision": {"label": "float32"},
     "first_divergence": {"step": 0, "task": "train", "tensor": "w", "index": [0, 1], "got": 1.0,
                          "expected": 2.0, "error": 3.0, "limit": 1.0, "test": "elements"}},
    {"kind": "start", **WHERE, "build_seconds": 1.0, "first_calls": {"train": [1.0]}, "steps": {"train": 4},
     "framework": {"versions": {"jax": "1"}, "import_seconds": 1.0, "blas": ["b"]},
     "first_call_seconds": {"train": 1.0}, "transfers": {"train": {"to_device": 1.0, "from_device": 0.0}},
     "latency": {"train": {"median": 1.0, "p95": 2.0}},
     "parts": {"train": {"launch_seconds": 1.0, "device_seconds": 1.0, "seconds": 2.0, "loops": 3}}},
    {"kind": "finish", **WHERE, "bytes": 1, "device_bytes": 1},
    {"kind": "memory", "cell": key("jax_scan"), "bytes": 1},
    {"kind": "peak", **WHERE, "round": 0, "seconds": 1.0, "flops": 1e9},
    {"kind": "trajectory", "cell": key("jax_scan"), "distance": [0.5, 0.25]},
    {"kind": "distance", "cell": key("jax_scan"), "other": key("keras_fit"), "rms": 1.0, "identical": False},
    *({"kind": kind, "cell": key("jax_scan")} for kind in ("forecast", "stopped")),
]  # fmt: skip


def everything(run: Legible) -> None:
    """What a report makes of a run, the drawing of its pictures aside."""
    page._context([run], run.left_out)
    tables.markdown(run)
    tables.frame(run)
    pytest_benchmark.document(run)
    test_run_diff.compare(*2 * [test_run_diff.Side.of(run.about, run.records())])


@pages
@pytest.mark.parametrize("record", WHOLE, ids=[record["kind"] for record in WHOLE])
def test_no_value_in_any_record_breaks_the_page(tmp_path, monkeypatch, record):
    monkeypatch.setattr(statistics, "DRAWS", 20)
    wrong = [replaced(record, way, value) for way in paths(record) for value in VALUES]
    run = saved(tmp_path / "run", kept=[*records(invocations=2), record, *wrong])
    text = rendered(run.folder)
    text.encode()
    found = Legible(run.folder)
    assert len(found.left_out) >= len(wrong) / 3
    everything(found)


def test_no_value_in_the_head_of_a_run_breaks_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(statistics, "DRAWS", 20)
    plan = about(names=("numpy_manual", "torch_manual"))
    plan["cells"] = [one for one in plan["cells"] if not one["twin"]]
    plan["prices"] = {"two_layer/numpy_manual": {"lines": 3, "changed": None}}
    run = saved(tmp_path / "run", plan, records(invocations=1, names=("numpy_manual", "torch_manual")))
    refused = 0
    for way in paths(plan):
        for value in VALUES:
            (run.folder / "run.json").write_text(json.dumps(replaced(plan, way, value)))
            try:
                found = Legible(run.folder)
            except SamestepError as error:
                refused += len(str(error).encode()) > 0
                continue
            everything(found)
    assert refused > 300


@pytest.mark.parametrize(
    ("tasks", "why"),
    [
        (None, "'tasks' is not what a run says there"),
        ([], "'tasks' is not what a run says there"),
        ({"two_layer:tiny": {"train": 3}}, "'tasks' is not what a run says there"),
        ({}, "'tasks' has none of 'two_layer:tiny'"),
        ({"two_layer:tiny": {}}, "'tasks' has none of 'two_layer:tiny'"),
    ],
)
def test_a_run_without_its_tasks_is_one_clear_line(tmp_path, tasks, why):
    run = saved(tmp_path / "run", {**about(), "tasks": tasks})
    done = samestep(run.folder)
    assert (done.exit_code, done.stderr) == (2, f"samestep: {run.folder / 'run.json'} is damaged: {why}\n")


@pages
def test_a_verdict_that_says_less_than_others_is_shown_with_what_it_says(tmp_path):
    place = {"step": 3, "task": "train", "tensor": "w1", "index": None, "test": "elements", "got": 1.0,
             "expected": 2.0, "error": None, "limit": None}  # fmt: skip
    wrong = {"kind": "verdict", **WHERE, "verdict": "disagree", "reason": None, "tensors": None,
             "first_divergence": place}  # fmt: skip
    text = rendered(saved(tmp_path / "run", kept=[*records(), wrong]).folder)
    assert "train, step 3: w1: elements" in text
    assert "left out of everything below" not in text


@pages
def test_a_picture_goes_to_no_other_folder_whatever_a_record_names(tmp_path):
    plan, kept = (json.loads(json.dumps(one).replace("two_layer", "../../x")) for one in (about(), records()))
    (tmp_path / "in").mkdir()
    run = saved(tmp_path / "in" / "run", plan, kept)
    paths = charts.write(Legible(run.folder))
    assert paths
    assert {path.parent for path in paths} == {run.folder / "pictures"}
    assert all(path.is_file() for path in paths)
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["run"]


def test_half_of_a_character_and_a_bottomless_pit_are_not_writable():
    assert shapes.writable({"a": json.loads('"\\ud83d\\ude00"')})
    assert not shapes.writable({"a": ["\ud83d"]})
    assert not shapes.writable({"\ude00": 1})
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert not shapes.writable(deep)


def test_a_run_of_which_the_head_is_damaged_is_left_out_beside_others(tmp_path):
    good, newer, foreign = (saved(tmp_path / name) for name in ("good", "newer", "foreign"))
    (newer.folder / "run.json").write_text(json.dumps({**about(), "schema": 2}))
    (foreign.folder / "run.json").write_text(json.dumps({"schema": 1, "cells": "none"}))
    runs, left_out = read([good.folder, newer.folder, foreign.folder, tmp_path / "nowhere"])
    assert [run.folder.name for run in runs] == ["good"]
    assert [(one.folder.name, one.why) for one in left_out] == [
        ("newer", "run.json has another schema than 1: read it with its own samestep"),
        ("foreign", "run.json is damaged: 'run' is not what a run says there"),
        ("nowhere", "is no run: it has no run.json"),
    ]


def test_no_readable_run_is_an_error(tmp_path):
    done = samestep(tmp_path)
    assert done.exit_code == 2
    assert done.stderr == f"samestep: {tmp_path} is no run: it has no run.json\n"


# -- the command -----------------------------------------------------------------------------------------


@pages
def test_one_page_is_made_of_several_runs_and_compares_nothing_across(tmp_path):
    one, two = saved(tmp_path / "one"), saved(tmp_path / "two", kept=records(lambda *_: 3.0))
    done = samestep(one.folder, two.folder, "--out", tmp_path / "both.html")
    assert done.exit_code == 0, done.stderr
    assert f"wrote {tmp_path / 'both.html'}" in done.stderr
    assert not (one.folder / "page.html").exists()
    text = (tmp_path / "both.html").read_text()
    said = "every comparison on this page but the history of one machine is within one run"
    assert said in re.sub(r"\s+", " ", text)
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


def test_a_damaged_record_is_said_and_the_other_files_are_made_without_it(tmp_path):
    run = saved(tmp_path / "run")
    before = samestep(run.folder)
    table = (run.folder / "report.md").read_text()
    run.append([])
    with run.samples.open("a") as file:
        file.write("{broken\n{torn")
    done = samestep(run.folder)
    assert (before.exit_code, done.exit_code) == (0, 0)
    last = len(run.samples.read_text().splitlines()) - 1
    assert f"{run.samples}:{last} is left out, damaged: no JSON" in done.stderr
    assert f"{run.samples}: the last line is torn and is left out" in done.stderr
    assert (run.folder / "report.md").read_text() == table


def test_a_page_that_cannot_be_written_is_an_error_that_names_it(tmp_path):
    run = Run(REAL)
    assert run
    (tmp_path / "file").write_text("")
    folder = saved(tmp_path / "run").folder
    done = samestep(folder, "--out", tmp_path / "file" / "page")
    if page.available():
        assert done.exit_code == 2
        assert f"{tmp_path / 'file' / 'page'} cannot be made" in done.stderr


def test_every_kind_of_record_that_samestep_keeps_is_known():
    sources = "".join(
        path.read_text(encoding="utf-8") for path in (CHECKOUT / "harness/samestep").rglob("*.py")
    )
    kept = set(re.findall(r'keep\(\s*"(\w+)"', sources))
    assert {"sample", "verdict", "stopped"} <= kept <= set(reading.FIELDS)
