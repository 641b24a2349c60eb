"""The README and docs/benchmarks.md show the tables and pictures of the run that they name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from samestep.errors import SamestepError
from samestep.records.schema import Sample
from samestep.records.store import RUN, Run
from samestep.records.validated import ValidatedRun
from tests.evidence.readme import (
    BENCHMARKS,
    PAGES,
    PICTURE,
    README,
    RESULTS,
    TABLE,
    filled,
    linked,
    pictured,
    signature,
)

pytestmark = pytest.mark.slow

pytest.importorskip("altair", reason="pictures need Altair")

RUNS = [path.parent.relative_to(RESULTS) for path in sorted(RESULTS.glob("*/*/run.json"))]


@pytest.fixture(params=PAGES, ids=lambda page: page.name)
def page(request) -> Path:
    return request.param


@pytest.fixture
def text(page) -> str:
    return page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def named() -> Run:
    """The run that the README names."""
    return ValidatedRun(linked(README.read_text(encoding="utf-8")))


def test_the_tables_are_those_of_the_run_that_is_named(page, text, named):
    assert linked(text) == named.folder
    assert filled(page, text, named) == text
    assert [found[1:3] for found in TABLE.findall(text)] == (
        [("mnist_mlp:sample", "train_epoch"), ("two_layer:tutorial", "train")] if page == BENCHMARKS else []
    )
    assert len(PICTURE.findall(text)) == (4 if page == BENCHMARKS else 1)


def test_a_number_that_was_changed_by_hand_is_found(named):
    text = BENCHMARKS.read_text(encoding="utf-8")
    start = text.index("<!-- table")
    digit = text.index("µs", start) - 2
    forged = text[:digit] + str((int(text[digit]) + 1) % 10) + text[digit + 1 :]
    assert forged != text
    assert filled(BENCHMARKS, forged, named) == text


def test_the_pictures_are_those_of_the_run_that_is_named(text, named):
    files = pictured(text, named)
    assert {path.stem for path in files} == {found[2] for found in PICTURE.finditer(text)}
    for path, picture in files.items():
        assert path.read_text(encoding="utf-8").endswith(signature(picture)), path


def slower_torch(folder: Path, run: Run) -> Run:
    """A run whose samples of torch take half as long again."""
    other = Run(folder)
    (folder / RUN).write_text(json.dumps(run.document()))
    other.append(
        replace(record, seconds=1.5 * record.seconds)
        if isinstance(record, Sample) and "torch" in record.cell
        else record
        for record in run.records()
    )
    return other


def test_a_picture_of_another_run_is_found(tmp_path, named):
    text = BENCHMARKS.read_text(encoding="utf-8")
    mine, theirs = pictured(text, named), pictured(text, slower_torch(tmp_path, named))
    assert {path for path in mine if signature(mine[path]) != signature(theirs[path])} >= {
        path for path in mine if path.stem.startswith(("speed", "break-even"))
    }


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ("picture speed-of-nothing", "no picture speed-of-nothing; there are "),
        ("table two_layer:tutorial forward_twice", "no task forward_twice of two_layer:tutorial"),
    ],
)
def test_what_the_run_does_not_have_is_an_error_that_names_it(named, mark, message):
    with pytest.raises(SamestepError, match=message):
        filled(README, f"<!-- {mark} -->\n<!-- end -->", named)


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_every_run_is_listed_with_its_machine_when_and_with_what(run):
    (line,) = (
        line for line in (RESULTS / "README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| `{run}` |")
    )  # fmt: skip
    plan = Run.open(RESULTS / run).plan
    machine, profile = plan.machine, plan.profile
    assert f"{machine.processors} processors" in line
    assert f"Python {machine.python}" in line
    assert machine.revision is None or machine.revision.removesuffix("-dirty") in line
    assert f"{profile.invocations} invocations of {profile.rounds} rounds" in line
    assert plan.versions
    for framework, version in plan.versions.items():
        assert framework in ("keras", "sklearn", "sympy") or version.partition("+")[0] in line, framework


def test_there_is_a_run():
    assert RUNS
