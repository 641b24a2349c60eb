"""The README shows what the run that it names says."""

from __future__ import annotations

import json

import pytest

from samestep.errors import SamestepError
from samestep.records.store import Run
from tests.evidence.readme import PICTURE, README, TABLE, filled, linked, pictured, signature
from tests.made.places import CHECKOUT

pytest.importorskip("altair", reason="pictures need Altair")

RESULTS = CHECKOUT / "results"
RUNS = [path.parent.relative_to(RESULTS) for path in sorted(RESULTS.glob("*/*/run.json"))]


def test_the_tables_are_those_of_the_run_that_is_named():
    text = README.read_text(encoding="utf-8")
    assert filled(text, Run.open(linked(text))) == text
    assert [found[1:3] for found in TABLE.findall(text)] == [
        ("mnist_mlp:sample", "train_epoch"), ("two_layer:tutorial", "train"),
    ]  # fmt: skip


def test_a_number_that_was_changed_by_hand_is_found():
    text = README.read_text(encoding="utf-8")
    start = text.index("<!-- table")
    digit = text.index("µs", start) - 2
    forged = text[:digit] + str((int(text[digit]) + 1) % 10) + text[digit + 1 :]
    assert filled(forged, Run.open(linked(text))) == text


def test_the_pictures_show_what_the_run_that_is_named_says():
    text = README.read_text(encoding="utf-8")
    files = pictured(text, Run.open(linked(text)))
    assert {path.stem for path in files} == {found[2] for found in PICTURE.finditer(text)}
    for path, picture in files.items():
        assert path.read_text(encoding="utf-8").endswith(signature(picture)), path


def test_a_picture_of_another_run_is_found(tmp_path):
    text = README.read_text(encoding="utf-8")
    run = Run.open(linked(text))
    other = Run(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps(run.about))
    slower = {record["cell"] for record in run.records("sample") if "torch" in record["cell"]}
    other.append(
        {**r, "seconds": 1.5 * r["seconds"]} if r["kind"] == "sample" and r["cell"] in slower else r
        for r in run.records()
    )
    mine, theirs = pictured(text, run), pictured(text, other)
    assert {path for path in mine if signature(mine[path]) != signature(theirs[path])} >= {
        path for path in mine if path.stem.startswith(("speed", "break-even"))
    }


def test_a_picture_that_the_run_has_not_is_an_error_that_names_it():
    text = README.read_text(encoding="utf-8")
    with pytest.raises(SamestepError, match="no picture speed-of-nothing; there are "):
        filled(text + "<!-- picture speed-of-nothing -->\n<!-- end -->", Run.open(linked(text)))


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_every_run_is_listed_with_its_machine_when_and_with_what(run):
    (line,) = (
        line for line in (RESULTS / "README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| `{run}` |")
    )  # fmt: skip
    about = Run.open(RESULTS / run).about
    machine = about["machine"]
    assert f"{machine['processors']} processors" in line
    assert f"Python {machine['python']}" in line
    assert machine["revision"] is None or machine["revision"].removesuffix("-dirty") in line
    profile = about["profile"]
    assert f"{profile['invocations']} invocations of {profile['rounds']} rounds" in line
    for framework, version in about["versions"].items():
        assert framework in ("keras", "sklearn", "sympy") or version.partition("+")[0] in line, framework


def test_there_is_a_run():
    assert RUNS
