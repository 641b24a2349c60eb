"""The page of a report: what it says, that it holds everything and no more, and that no record breaks it."""

from __future__ import annotations

import html
import json
import random
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from harness.cli import main
from harness.commands.report import sources
from harness.report import page
from harness.report.page import records as reading
from harness.report.page.answers import _rounded, answers
from harness.report.page.records import Legible, read
from harness.store import Run
from harness.summary import summarize
from tests import test_compare_runs
from tests.evidence.readme import README, linked
from tests.rigged import CHECKOUT
from tests.test_compare_runs import cell, key, records, slower

REAL = linked(README.read_text(encoding="utf-8"))
pages = pytest.mark.skipif(not page.available(), reason=page.MISSING)


def about(**more: Any) -> dict[str, Any]:
    plan = test_compare_runs.about(**more)
    plan["machine"] |= {"cores": 2, "governor": None, "memory_bytes": 2**33}
    return {**plan, "run": "2026-01-01T00-00-00"}


def saved(folder: Path, plan: dict[str, Any] | None = None, kept: list[dict] | None = None) -> Run:
    return test_compare_runs.saved(folder, plan or about(), kept)


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
    assert answer(tmp_path, records(slower("jax_scan", 0.5), again=1.1)).noise == "1.100"


def test_one_process_knows_nothing_of_others(tmp_path):
    found = answer(tmp_path, records(slower("jax_scan", 0.5), invocations=1))
    assert found.lead == "2.00 (?)"
    assert found.sure == "not told apart in this run"


@pytest.mark.parametrize(("number", "text"), [(0.0, "1"), (3.4, "3"), (379.4, "380"), (37942.3, "38,000")])
def test_steps_are_said_to_two_digits(number, text):
    assert _rounded(number) == text


def test_a_stranger_finds_the_answers_in_the_page_of_a_real_run(real):
    text = Reader(real).text
    found = re.search(
        r"mnist_mlp:sample, float32, cpu (\w+) is the fastest: \S+ \(\S+\) times as fast as numpy_manual . "
        r"Next is (\w+) .*?: (the difference is real|a tie|not told apart)", text,
    )  # fmt: skip
    assert found
    assert found[1] != found[2]
    assert re.search(r"torch_compile pays after [\d,]+ steps \([\d,]+ calls\), against torch_manual", text)
    questions = ("Do they agree?", "Which is fastest here?", "What does starting cost?", "CPU or GPU?",
                 "How near the machine's peak?", "Was the machine calm?", "What failed?", "On which machine?",
                 "How was it measured?", "The code, side by side")  # fmt: skip
    places = [text.rindex(question) for question in questions if question in text]
    assert len(places) == len(questions)


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


def test_every_kind_of_record_that_the_harness_keeps_is_known():
    sources = "".join(path.read_text(encoding="utf-8") for path in (CHECKOUT / "harness").glob("*.py"))
    kept = set(re.findall(r'keep\(\s*"(\w+)"', sources))
    assert {"sample", "verdict", "stopped"} <= kept <= set(reading.FIELDS)
