"""Reports of runs that anyone may have written: no record breaks a file, or says what it must not."""

from __future__ import annotations

import copy
import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from samestep import field_checks
from samestep.analysis import statistics
from samestep.analysis.run_data import RunData
from samestep.analysis.run_diff import run_diff
from samestep.analysis.summary import summarize
from samestep.catalog.catalog import Catalog
from samestep.catalog.identity import identity
from samestep.codec import encode
from samestep.errors import SamestepError
from samestep.records import schema
from samestep.records.validated import ValidatedRun, read
from samestep.report import charts, page, pytest_benchmark, run_document, tables
from samestep.report.page.contents import contents
from samestep.report.page.template import filled
from samestep.report.sources import sources_of
from tests.made import records as made
from tests.made.pages import EVIL, Reader, about, rendered, samestep, saved
from tests.made.records import cell, key, records

pytestmark = pytest.mark.slow

pages = pytest.mark.skipif(not page.available(), reason=page.MISSING)

WHERE = {"cell": key("jax_scan"), "arena": 0, "invocation": 0}
STATISTICS = {"terms": 3, "size": 4, "sigma": 1e-8, "elements": 1.0, "elements_limit": 2.0, "norm": 1.0,
              "norm_limit": 2.0, "scale": 0.0, "scale_limit": 1.0, "index": [0]}  # fmt: skip


# -- hostile texts ---------------------------------------------------------------------------------------


@pages
def test_what_looks_like_html_is_text(tmp_path):
    plan = about()
    plan["machine"] |= {"cpu": EVIL, "os": EVIL}
    plan["options"]["roots"] = [EVIL]
    evil = {**cell("torch_nn"), "implementation": EVIL, "framework": EVIL, "case": EVIL}
    evil["key"] = f"two_layer:{EVIL}/{EVIL}/float32/cpu/float32/1t"
    plan["cells"].append(evil)
    plan["tasks"][f"two_layer:{EVIL}"] = {"train": {"flops": 1.0}}
    place = {"step": 0, "task": EVIL, "tensor": EVIL, "test": EVIL, "index": None, "got": None,
             "expected": None, "error": None, "limit": None}  # fmt: skip
    wrong = {"kind": "verdict", "cell": evil["key"], "verdict": EVIL, "reason": EVIL, "stderr": EVIL,
             "first_divergence": place, "tensors": {EVIL: STATISTICS}}  # fmt: skip
    kept = [*records(), wrong, {"kind": EVIL}]
    clean = Reader(rendered(saved(tmp_path / "clean").folder))
    text = rendered(saved(tmp_path / "run", plan, kept).folder, sources={EVIL: EVIL, "w/i": None})
    found = Reader(text)
    assert found.tags.count("script") == clean.tags.count("script") == 3
    assert "img" not in found.tags
    assert found.text.count(EVIL) >= 5
    document = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
    assert document["sources"] == {EVIL: EVIL}
    assert document["changed"] == ["w/i"]
    assert any(one["reason"] == EVIL and one["worst"][0][0] == EVIL for one in document["cells"])
    assert html.escape(EVIL, quote=False)[:20] in text


def test_a_record_names_no_folder_that_sources_are_read_from(tmp_path):
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "spec.py").write_text("raise SystemExit('it ran')")
    (tmp_path / "w" / "numpy_manual.py").write_text("secret = 1")
    plan = about()
    plan["options"]["roots"] = [str(tmp_path)]
    for workload in ("w", f"../../../../../../..{tmp_path}/w"):
        named = key("numpy_manual").replace("two_layer", workload)
        plan["cells"] = [{**cell("numpy_manual"), "workload": workload, "key": named, "baseline": named}]
        plan["tasks"] = {f"{workload}:tiny": made.TASKS}
        plan["sources"] = {f"{workload}/numpy_manual": "0123456789abcdef"}
        folder = saved(tmp_path / f"run-{len(workload)}", plan, []).folder
        assert sources_of([ValidatedRun(folder)]) == {f"{workload}/numpy_manual": None}


def test_a_source_is_shown_only_where_it_is_that_of_the_run(tmp_path):
    name = "two_layer/numpy_manual"
    now = identity(Catalog(), "two_layer", "numpy_manual")
    for recorded, shown in ((now, True), ("0123456789abcdef", False)):
        plan = about(("numpy_manual",))
        plan["sources"] = {name: recorded}
        folder = saved(tmp_path / recorded, plan, []).folder
        assert (sources_of([ValidatedRun(folder)])[name] is not None) == shown


@pages
def test_a_picture_goes_to_no_other_folder_whatever_a_record_names(tmp_path):
    plan, kept = (json.loads(json.dumps(one).replace("two_layer", "../../x")) for one in (about(), records()))
    (tmp_path / "in").mkdir()
    run = saved(tmp_path / "in" / "run", plan, kept)
    paths = charts.write(ValidatedRun(run.folder))
    assert paths
    assert {path.parent for path in paths} == {run.folder / "pictures"}
    assert all(path.is_file() for path in paths)
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["run"]


@pages
def test_a_name_that_no_picture_can_hold_is_drawn_as_escapes(tmp_path):
    """NUL and U+FFFE aborted the process, and U+2028 ends an expression of Vega's."""
    name = json.dumps("\0\x1b[31m\u2028\ufffe")[1:-1]
    plan, kept = (
        json.loads(json.dumps(one).replace("jax_scan", f"jax_{name}")) for one in (about(), records())
    )
    run = saved(tmp_path / "run", plan, kept)
    paths = charts.write(ValidatedRun(run.folder))
    assert r"jax_\x00\x1b[31m\u2028\ufffe" in "".join(
        path.read_text() for path in paths if path.suffix == ".svg"
    )


# -- damaged, foreign, newer -----------------------------------------------------------------------------


def written(kind: str, **fields: object) -> str:
    return json.dumps({"schema": 1, "kind": kind, **fields})


WRONG = [
    ("no JSON at all", "damaged: no JSON"),
    ("[" * 100_000, "damaged: no JSON"),
    ('{"schema": 2, "kind": "sample"}', "newer: schema 2, and this samestep reads 1"),
    ('{"schema": 0, "kind": "sample"}', "foreign: schema 0"),
    ('{"name": "left-pad"}', "foreign: not a record of samestep"),
    ("17", "foreign: not a record of samestep"),
    ('{"schema": 1, "kind": "sample", "run": "another"}', "foreign: it belongs to the run another"),
    ('{"schema": 1, "kind": "gossip"}', "foreign: the kind 'gossip' is not known"),
    ('{"schema": 1, "kind": ["sample"]}', "foreign: the kind ['sample'] is not known"),
    ('{"schema": 1, "kind": "sample", "cell": 3}', "damaged: 'cell' of a sample is '3'"),
    ('{"schema": 1, "kind": "finish", "cell": "mars", "bytes": 1}', "foreign: the plan has no cell mars"),
    ('{"schema": 1, "kind": "trajectory", "cell": [1]}', "damaged: 'cell' of a trajectory is '[1]'"),
    ('{"schema": 1, "kind": "finish", "cell": "\\ud800", "bytes": 1}',
     "damaged: it is nested too deep, or has half of a surrogate pair"),
    ('{"schema": 1, "kind": "forecast", "note": {"\\udfff": 1}}', "damaged: it is nested too deep"),
    (f'{{"schema": 1, "kind": "forecast", "note": {"[" * 60}{"]" * 60}}}', "damaged: it is nested too deep"),
    (f'{{"schema": 1, "kind": "finish", "cell": "{key("jax_scan")}", "bytes": 1{"0" * 400}}}',
     "damaged: 'bytes' of a finish is '10000"),
    (written("sample", **WHERE, round=0, task="test", loops=1, seconds=1.0, disturbed=False),
     "foreign: two_layer:tiny has no task test"),
    *((written("verdict", **WHERE, verdict="disagree", tensors={"w": {**STATISTICS, name: value}}),
       "damaged: 'tensors' of a verdict is") for name, value in
      (("elements", "much"), ("index", [0.5]), ("norm", None), ("terms", True))),
    *((f'{{"schema": 1, "kind": "verdict", "cell": "{key("jax_scan")}", "verdict": "disagree", '
       f'"first_divergence": {{"step": 0, "task": "t", "tensor": "w", "test": "norm", {wrong}}}}}',
       "damaged: 'first_divergence' of a verdict is") for wrong in
      ('"got": "much"', '"error": [1]', '"limit": {}', '"expected": true', '"index": 3', '"index": [0.5]')),
]  # fmt: skip


@pytest.mark.parametrize(("line", "why"), WRONG, ids=[why for _, why in WRONG])
def test_a_record_that_cannot_be_read_is_named_and_left_out(tmp_path, line, why):
    run = saved(tmp_path / "run")
    whole = list(ValidatedRun(run.folder).records())
    lines = run.samples.read_text().splitlines()
    run.samples.write_text("\n".join([*lines[:2], line, *lines[2:]]) + "\n")
    (found,), (left_out,) = read([run.folder])
    assert left_out.why.startswith(f"samples.jsonl:3 is left out, {why}")
    assert list(found.records()) == whole
    if page.available():
        text = filled("page.html.j2", context(found))
        assert html.escape(why, quote=True).replace("&#x27;", "&#39;") in text


@pytest.mark.parametrize("kind", schema.RETIRED)
def test_records_of_retired_kinds_are_passed_over_in_silence(tmp_path, kind):
    run = saved(tmp_path / "run")
    whole = list(ValidatedRun(run.folder).records())
    with run.samples.open("a") as file:
        file.write(written(kind, cell=key("jax_scan"), anything=[1]) + "\n")
    found = ValidatedRun(run.folder)
    assert (list(found.records()), found.left_out) == (whole, [])


SAMPLE = next(record for record in records() if record["kind"] == "sample")
FIELDS = [*SAMPLE, "time", "repeated", "gpu", "schema"]


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("value", [None, "", -1, 0.5, True, [], {}, "nan", 1e999], ids=repr)
def test_no_value_of_a_sample_breaks_the_summary(tmp_path, name, value):
    folder = saved(
        tmp_path / "run", kept=[*records(invocations=1), {**SAMPLE, "schema": 1, name: value}]
    ).folder
    run = ValidatedRun(folder)
    assert summarize(run.plan, run.records())


#: No field of any record, and none of a plan, is all of these.
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


WHOLE = [
    {**SAMPLE, "time": 1e9, "repeated": True, "gpu": {"clock": 1.0, "temperature": 60.0, "throttled": True}},
    {"kind": "verdict", **WHERE, "verdict": "disagree", "reason": "r", "stderr": "e", "checked_in": "float32",
     "tensors": {"w": {**STATISTICS, "first": [0], "certificate": 0.5}},
     "precision": {"label": "float32", "declared": "float32", "tensor": "w", "ratio": 1.0,
                   "classes": {"bfloat16": 9.0}},
     "diagnosis": {"kind": "scale", "text": "t"}, "notes": ["n"], "departs": {"w": "why"}, "repeats": True,
     "first_divergence": {"step": 0, "task": "train", "tensor": "w", "index": [0, 1], "got": 1.0,
                          "expected": 2.0, "error": 3.0, "limit": 1.0, "test": "elements"}},
    {"kind": "start", **WHERE, "build_seconds": 1.0, "first_calls": {"train": [1.0]}, "steps": {"train": 4},
     "framework": {"versions": {"jax": "1"}, "import_seconds": 1.0, "blas": ["b"], "device": "cpu",
                   "threads": 1, "inter_op_threads": 1, "matmul": "float32"},
     "loops": {"train": 1},
     "first_call_seconds": {"train": 1.0}, "transfers": {"train": {"to_device": 1.0, "from_device": 0.0}},
     "latency": {"train": {"median": 1.0, "p95": 2.0, "p05": 0.5, "calls": 3}},
     "parts": {"train": {"launch_seconds": 1.0, "device_seconds": 1.0, "seconds": 2.0, "loops": 3}}},
    {"kind": "finish", **WHERE, "bytes": 1, "device_bytes": 1},
    {"kind": "peak", **WHERE, "round": 0, "seconds": 1.0, "flops": 1e9, "processors": 2.0},
    {"kind": "trajectory", "cell": key("jax_scan"), "task": "train", "distance": [0.5, 0.25],
     "loss_distance": [0.5, 0.25], "absorbed": [0.0, 0.0], "growth": 0.5, "absorbed_from": 2},
    {"kind": "distance", "cell": key("jax_scan"), "other": key("keras_fit"), "worst": 2.0, "rms": 1.0,
     "tensors": 3, "identical": False},
    {"kind": "load", "seconds": 10.0, "processors": 2, "elsewhere": 1.9, "stolen": 0.5, "load": 15.0,
     "pressure": 0.5, "foreign": [{"name": "stress", "share": 1.9}], "time": 1e9},
    {"kind": "forecast", "elapsed_seconds": 1.0, "left_seconds": 1.0, "time": 1e9},
    {"kind": "finished", "arena": 0, "invocation": 0, "time": 1e9},
    {"kind": "stopped", "reason": "r", "invocations": 3, "time": 1e9},
]  # fmt: skip


def test_every_kind_of_record_is_tried_with_all_of_its_fields():
    def names(kind: type) -> set[str]:
        return set(schema.write(schema.read(next(one for one in WHOLE if one["kind"] == kind)), "run"))

    assert [one["kind"] for one in WHOLE] == [
        "sample", "verdict", "start", "finish", "peak", "trajectory", "distance", "load", "forecast",
        "finished", "stopped",
    ]  # fmt: skip
    assert {one["kind"] for one in WHOLE} == set(schema.KINDS)
    for one in WHOLE:
        assert names(one["kind"]) - {"schema", "run", "time"} <= set(one)


def context(run: ValidatedRun) -> dict[str, Any]:
    """What the page's template takes, without pictures, scripts and styles."""
    nothing = dict.fromkeys(("css", "js", "library", "document"), "")
    more = {"sections": {}, "left_out_figures": [], "tasks": [], "baselines": [], "most_named": 2}
    return {**vars(contents([run], {}, run.left_out)), **nothing, **more}


def everything(run: ValidatedRun) -> None:
    """What a report makes of a run, the drawing of its pictures aside."""
    if page.available():
        filled("page.html.j2", context(run)).encode()
    tables.markdown(run)
    tables.frame(run)
    json.dumps(encode(run_document.document(run)), allow_nan=False)
    pytest_benchmark.document(run)
    run_diff(*2 * [RunData.of(run.plan, run.records())])


@pages
@pytest.mark.parametrize("record", WHOLE, ids=[record["kind"] for record in WHOLE])
def test_no_value_in_any_record_breaks_the_page(tmp_path, monkeypatch, record):
    monkeypatch.setattr(statistics, "DRAWS", 20)
    wrong = [replaced(record, way, value) for way in paths(record) for value in VALUES]
    run = saved(tmp_path / "run", kept=[*records(invocations=2), record, *wrong])
    text = rendered(run.folder)
    text.encode()
    found = ValidatedRun(run.folder)
    assert len(found.left_out) >= len(wrong) / 3
    everything(found)


def test_no_value_in_the_plan_of_a_run_breaks_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(statistics, "DRAWS", 20)
    plan = about(("numpy_manual", "torch_manual"))
    plan["cells"] = [one for one in plan["cells"] if not one["twin"]]
    plan["prices"] = {"two_layer/numpy_manual": {"lines": 3, "changed": None}}
    run = saved(tmp_path / "run", plan, records(invocations=1, names=("numpy_manual", "torch_manual")))
    refused = 0
    for way in paths(plan):
        for value in VALUES:
            (run.folder / "run.json").write_text(json.dumps(replaced(plan, way, value)))
            try:
                found = ValidatedRun(run.folder)
            except SamestepError as error:
                refused += len(str(error).encode()) > 0
                continue
            everything(found)
    assert refused > 300


@pytest.mark.parametrize(
    "tasks", [None, [], {"two_layer:tiny": {"train": 3}}, {}, {"two_layer:tiny": {}}], ids=repr
)
def test_a_run_without_its_tasks_is_one_clear_line(tmp_path, tasks):
    run = saved(tmp_path / "run", {**about(), "tasks": tasks})
    done = samestep(run.folder)
    why = f"samestep: {run.folder / 'run.json'} is damaged: 'tasks' is not what a run has there\n"
    assert (done.exit_code, done.stderr) == (2, why)


@pages
def test_a_verdict_that_says_less_than_others_is_shown_with_what_it_says(tmp_path):
    place = {"step": 3, "task": "train", "tensor": "w1", "index": None, "test": "elements", "got": 1.0,
             "expected": None, "error": None, "limit": None}  # fmt: skip
    wrong = {"kind": "verdict", **WHERE, "verdict": "disagree", "reason": None, "first_divergence": place}
    text = rendered(saved(tmp_path / "run", kept=[*records(), wrong]).folder)
    assert "train, step 3: w1: elements" in text
    assert "left out of everything below" not in text


def test_half_of_a_surrogate_pair_and_a_bottomless_document_are_not_writable():
    assert field_checks.writable({"a": json.loads('"\\ud83d\\ude00"')})
    assert not field_checks.writable({"a": ["\ud83d"]})
    assert not field_checks.writable({"\ude00": 1})
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert not field_checks.writable(deep)


def test_a_run_whose_plan_is_damaged_is_left_out_beside_others(tmp_path):
    good, newer, foreign = (saved(tmp_path / name) for name in ("good", "newer", "foreign"))
    (newer.folder / "run.json").write_text(json.dumps({**about(), "schema": 2}))
    (foreign.folder / "run.json").write_text(json.dumps({"schema": 1, "cells": "none"}))
    runs, left_out = read([good.folder, newer.folder, foreign.folder, tmp_path / "nowhere"])
    assert [run.folder.name for run in runs] == ["good"]
    assert [(one.folder.name, one.why) for one in left_out] == [
        ("newer", "run.json has another schema than 1: read it with its own samestep"),
        ("foreign", "run.json is damaged: 'run' is not what a run has there"),
        ("nowhere", "is not a run: it has no run.json"),
    ]


def test_no_readable_run_is_an_error(tmp_path):
    done = samestep(tmp_path)
    assert done.exit_code == 2
    assert done.stderr == f"samestep: {tmp_path} is not a run: it has no run.json\n"


def test_a_damaged_record_is_reported_and_the_other_files_are_made_without_it(tmp_path):
    run = saved(tmp_path / "run")
    before = samestep(run.folder)
    table = (run.folder / "report.md").read_text()
    with run.samples.open("a") as file:
        file.write("{broken\n{torn")
    done = samestep(run.folder)
    assert (before.exit_code, done.exit_code) == (0, 0)
    last = len(run.samples.read_text().splitlines()) - 1
    assert f"{run.samples}:{last} is left out, damaged: no JSON" in done.stderr
    assert f"{run.samples}: the last line is torn and is left out" in done.stderr
    assert (run.folder / "report.md").read_text() == table


def test_every_type_of_record_has_its_kind():
    def kinds(record: type[schema.Record]) -> set[type[schema.Record]]:
        return {record, *(found for one in record.__subclasses__() for found in kinds(one))}

    assert {one for one in kinds(schema.Record) if one.KIND} == set(schema.KINDS.values())
