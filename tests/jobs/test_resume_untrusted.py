"""A record that anyone may have written is resumed or refused in a line; it starts no code that it names."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Options
from samestep.catalog.selection import select, with_aa_copies
from samestep.errors import SamestepError
from samestep.jobs import resume
from samestep.jobs.planning import PROFILES, groups, make_plan
from samestep.jobs.resume import prepare_to_resume
from samestep.jobs.state import RunState
from samestep.measure.fingerprint import fingerprint
from samestep.records.plan import RunOptions, plan_to_json
from samestep.records.store import Run
from tests.made.records import write_lines

SELECTOR = "two_layer:tiny/numpy_manual"
HERE = fingerprint()
#: None of them is the value of any field.
VALUES = [
    None,
    "",
    "\ud800",
    "nan",
    -1,
    0.5,
    True,
    [],
    {},
    [None],
    2**62,
    10**400,
    "../../x",
    "{}",
    "\x1b\n\u2028",
]


@pytest.fixture(scope="module")
def document(catalog: Catalog) -> dict[str, Any]:
    """The plan of a run of one implementation."""
    cells = with_aa_copies(catalog, select(catalog, [SELECTOR], Options()))
    return {
        "schema": 1,
        **plan_to_json(make_plan(catalog, cells, [SELECTOR], RunOptions(), PROFILES["quick"])),
    }


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, catalog: Catalog) -> None:
    """Look at the machine and at samestep's own implementations once."""
    monkeypatch.setattr(resume, "fingerprint", lambda: HERE)
    monkeypatch.setattr(resume, "Catalog", lambda roots: Catalog(roots) if roots else catalog)


def records_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    cell = {"cell": document["cells"][0]["key"], "arena": 0, "invocation": 0}
    return [
        {"kind": "verdict", **cell, "verdict": "agree", "checked_in": "float32"},
        {"kind": "start", **cell, "framework": {"import_seconds": 1.0}, "loops": {"train": 3}},
        {
            "kind": "sample",
            **cell,
            "round": 0,
            "task": "train",
            "loops": 3,
            "seconds": 1.0,
            "disturbed": False,
        },
        {"kind": "peak", **cell, "round": 0, "seconds": 1.0, "flops": 1e9},
        {"kind": "finished", "arena": 0, "invocation": 0},
        {"kind": "forecast", "elapsed_seconds": 1.0, "left_seconds": 2.0},
    ]


def written(folder: Path, document: dict[str, Any], records: list[dict[str, Any]]) -> Run:
    folder.mkdir(exist_ok=True)
    (folder / "run.json").write_text(json.dumps(document))
    (folder / "samples.jsonl").write_text("")
    run = Run.open(folder)
    write_lines(run, records)
    return run


def refusal(run: Run, *given: Any) -> str | None:
    """Return why a run is not resumed; None where it is, and then what follows from it is in order."""
    try:
        prepare_to_resume(run, *(given or ((), {})))
    except SamestepError as error:
        return str(error)
    finally:
        if hasattr(run, "held"):
            run.held.close()
    RunState.of(run.plan, run.records())
    assert groups(Catalog(), run.plan)
    return None


def places(document: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for name, value in document.items() if isinstance(document, dict) else enumerate(document):
        yield (*way, name)
        if isinstance(value, dict | list):
            yield from places(value, (*way, name))


def replaced(document: Any, way: tuple[Any, ...], value: object) -> Any:
    document = copy.deepcopy(document)
    inner = document
    for name in way[:-1]:
        inner = inner[name]
    inner[way[-1]] = value
    return document


def test_a_run_as_it_was_written_is_resumed(tmp_path, document):
    assert refusal(written(tmp_path / "run", document, records_of(document))) is None


def test_no_field_of_a_plan_is_more_than_refused(tmp_path, document):
    """Each field takes each kind of wrong value; with what is no matter for measuring it is resumed."""
    told, harmless = 0, set()
    for number, way in enumerate(places(document)):
        for value in (*VALUES[number % 5 :: 5], 2**62):
            run = written(tmp_path / "run", replaced(document, way, value), records_of(document))
            why = refusal(run)
            told += why is not None
            if why is None:
                harmless.add(way[0])
    assert told > 300
    assert harmless <= {"run", "options", "profile", "machine", "environment", "prices", "selectors", "tasks"}


def test_no_field_of_a_record_is_more_than_refused(tmp_path, document):
    told = 0
    for record in records_of(document):
        for number, way in enumerate(places(record)):
            for value in (*VALUES[number % 5 :: 5], 2**62):
                run = written(tmp_path / "run", document, [replaced(record, way, value)])
                told += refusal(run) is not None
    assert told > 60


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "[" * 100_000, '{"schema": 1}', '{"schema": 2}', '{"schema": NaN}',
             '{"schema": 1' + "0" * 5000 + "}", "\x00",
             '{"schema": 1, "cells": ' + '{"a":' * 200 + "1" + "}" * 201],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_what_is_no_plan_is_refused(tmp_path, document, text):
    run = written(tmp_path / "run", document, [])
    (run.folder / "run.json").write_text(text)
    assert refusal(run).startswith(str(run.folder))


def test_a_plan_that_is_cut_anywhere_is_refused(tmp_path, document):
    run = written(tmp_path / "run", document, [])
    whole = (run.folder / "run.json").read_bytes()
    for end in range(0, len(whole) - 1, 97):
        (run.folder / "run.json").write_bytes(whole[:end])
        assert refusal(Run.open(run.folder))


@pytest.mark.parametrize(
    "line",
    ["no JSON", "[" * 100_000, "{}", "17", '{"schema": 2}', '{"schema": 1, "kind": "gossip"}', "\x00",
     '{"schema": 1, "kind": "forecast", "elapsed_seconds": 1' + "0" * 5000 + "}"],
    ids=lambda line: line[:20],
)  # fmt: skip
def test_a_run_with_a_damaged_line_is_refused_and_a_torn_one_is_mended(tmp_path, document, line):
    run = written(tmp_path / "run", document, records_of(document))
    whole = run.samples.read_text()
    run.samples.write_text(f"{line}\n{whole}")
    assert "samples.jsonl:1 is left out" in refusal(run)
    run.samples.write_text(whole + line)
    assert refusal(Run.open(run.folder)) is None
    assert run.samples.read_text() == whole


def test_a_cell_or_a_sample_that_is_there_twice_is_refused(tmp_path, document):
    twice = {**document, "cells": [*document["cells"], document["cells"][0]]}
    assert "'cells' is not what a run has there" in refusal(written(tmp_path / "run", twice, []))
    sample = records_of(document)[2]
    again = written(tmp_path / "again", document, [sample, {**sample, "seconds": 9.0}])
    assert "is there twice" in refusal(again)


# -- what leads to code that runs ------------------------------------------------------------------------


def changed(document: dict[str, Any], **options: object) -> dict[str, Any]:
    return {**document, "options": {**document["options"], **options}}


def test_an_interpreter_that_only_the_record_names_is_not_started(tmp_path, document):
    run = written(tmp_path / "run", changed(document, pythons={"numpy": "/tmp/evil"}), [])
    why = refusal(run)
    assert f"samestep run --resume {run.folder} --python numpy=/tmp/evil" in why
    assert refusal(run, (), {"numpy": "/tmp/other"}) == why
    assert refusal(run, (), {"numpy": "/tmp/evil"}) is None
    assert "begun without --impls and --python" in refusal(
        written(tmp_path / "plain", document, []), (), {"numpy": "/tmp/mine"}
    )


def test_a_folder_that_only_the_record_names_is_not_imported(tmp_path, document):
    evil = tmp_path / "it's\nevil"
    (evil / "two_layer").mkdir(parents=True)
    (evil / "two_layer" / "numpy_manual.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    run = written(tmp_path / "run", changed(document, roots=[str(evil)]), [])
    assert r"--impls $'" in refusal(run)
    assert "was edited since" in refusal(run, [evil], {})
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [("file", "/tmp/evil.py"), ("threads", 10**6), ("device", "tpu"), ("dtype", "float16"), ("named", False),
     ("framework", "torch"), ("workload", "../two_layer"), ("implementation", "numpy_inplace"),
     ("case", "tutorial")],
)  # fmt: skip
def test_a_cell_that_its_own_selectors_do_not_select_is_not_measured(tmp_path, document, field, value):
    cells = copy.deepcopy(document["cells"])
    for cell in cells:
        old = str(cell[field])
        for key in ("key", "baseline"):
            cell[key] = cell[key].replace(old, str(value)) if field != "named" else cell[key]
        cell[field] = value
    tasks = {
        **document["tasks"],
        **{f"{c['workload']}:{c['case']}": {"train": {"flops": 1.0}} for c in cells},
    }
    assert refusal(written(tmp_path / "run", {**document, "cells": cells, "tasks": tasks}, []))


@pytest.mark.parametrize(
    "options", [{"threads": 0}, {"threads": 10**6}, {"dtypes": ["float16"]}, {"devices": ["tpu"]},
                {"matmul": "int8"}, {"seed": -1}, {"sweep": "batch=1:" + "9" * 5000}, {"shard": "2/2"}],
    ids=str,
)  # fmt: skip
def test_options_that_the_command_line_does_not_take_are_refused(tmp_path, document, options):
    assert refusal(written(tmp_path / "run", changed(document, **options), []))


@pytest.mark.parametrize("name", ["sources", "versions", "inherited"])
def test_a_run_that_does_not_say_what_it_was_made_of_is_refused(tmp_path, document, name):
    assert "does not say with which versions" in refusal(
        written(tmp_path / "run", {**document, name: None}, [])
    )
    if name == "sources":
        assert "was edited since" in refusal(written(tmp_path / "run", {**document, name: {}}, []))
