"""The first lines of a run's output are its answers, and its tables fit whatever there is room for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.console import Console

from samestep.analysis import statistics
from samestep.errors import SamestepError
from samestep.records.store import Run
from samestep.records.validated import read
from samestep.report import tables, terminal
from samestep.report.answer_text import heading, sentences
from samestep.report.row_order import ORDERS, in_order
from samestep.report.run_answers import Answer, answers
from samestep.report.summaries import NETWORKS, summaries_of
from tests.made.places import CHECKOUT
from tests.made.records import NAMES, about, cell, records, saved, slower

LONG = "tensorflow_custom_gradient_of_a_long_name"


@pytest.fixture(autouse=True)
def _fewer_draws(monkeypatch):
    """The intervals of single times are not asked for here, and they take long."""
    monkeypatch.setattr(statistics, "DRAWS", 20)


@pytest.fixture
def run(tmp_path) -> Run:
    """jax_scan takes half the time; keras_fit 24 s to start, and so never pays off."""
    pace = {"jax_scan": 0.5, "keras_fit": 1.5}
    return saved(tmp_path / "run", kept=records(lambda name, _: pace.get(name, 1.0), seed=1))


def answer_of(run: Run) -> Answer:
    (found,) = answers(run.name, run.plan, summaries_of(run))
    return found


def shown(run: Run, width: int, *order: str) -> list[str]:
    console = Console(width=width)
    with console.capture() as caught:
        terminal.show(run, console, *order)
    return caught.get().splitlines()


def named(lines: list[str]) -> list[str]:
    """The implementations of the rows of a table, in their order."""
    return [line.split()[0] for line in lines if re.match(r" \w+ +agree ", line)]


def test_the_answer_says_which_by_how_much_and_whether_that_is_sure(run):
    first, second, *_, last = sentences(answer_of(run))
    assert re.fullmatch(
        r"jax_scan is the fastest: it takes \d+ µs and is \d\.\d\d \(.*\) times as fast as numpy_manual\.",
        first,
    )
    assert re.fullmatch(r"Next is \w+(, which takes .* times as long)?: the difference is real\.", second)
    assert last == "4 of 4 implementations agree; only those are timed."


def test_of_equals_no_fastest_is_made(tmp_path):
    first, second, *_ = sentences(answer_of(saved(tmp_path / "run")))
    assert "is the fastest, or one of 3 statistically indistinguishable from it" in first
    assert second.endswith(": a tie, surely within 2 %.")


def started(kept: list[dict], seconds: dict[str, float]) -> list[dict]:
    """The same, with a first call of each implementation that takes these seconds."""
    return [
        {**one, "build_seconds": 0.0, "first_calls": {"train": [seconds[one["cell"].split("/")[1]]]}}
        if one["kind"] == "start"
        else one
        for one in kept
    ]


@pytest.mark.parametrize(
    ("pace", "text"),
    [
        (0.5, "that pays off from 25,000 steps (6,100 calls) on."),
        (2.0, "that never pays off, as it is not faster."),
    ],
)
def test_what_compiling_costs_and_from_when_on_it_pays_off(tmp_path, pace, text):
    names = ("numpy_manual", "torch_manual", "torch_compile")
    kept = records(slower("torch_compile", pace), names=names)
    seconds = {"numpy_manual": 0.01, "torch_manual": 0.01, "torch_compile": 12.0}
    run = saved(tmp_path / "run", about(names), started(kept, seconds))
    (found,) = (line for line in sentences(answer_of(run)) if "to start" in line)
    assert found == f"torch_compile takes 12 s to start, torch_manual 10 ms: {text}"


def test_the_answers_are_the_first_lines_and_the_report_begins_with_them(run):
    lines = shown(run, 100)
    assert lines[0] == heading(answer_of(run)) == "two_layer:tiny, float32, cpu: train, one of 4 steps"
    assert lines[1].startswith("  jax_scan is the fastest: it takes ")
    text = tables.markdown(run)
    assert text.index("**jax\\_scan is the fastest" if "jax\\_" in text else "**jax_scan is") < text.index(
        "| implem"
    )


def test_a_run_without_a_verdict_or_a_sample_is_an_error_that_says_how_to_go_on(tmp_path):
    run = saved(tmp_path / "run", kept=[])
    with pytest.raises(
        SamestepError, match=r"has no verdict and no sample; to go on with it: samestep run --resume"
    ):
        read([run.folder])
    assert len(read([run.folder, saved(tmp_path / "other").folder])[0]) == 1


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("fastest", ["jax_scan", "torch_manual", "numpy_manual", "keras_fit"]),
        ("name", ["jax_scan", "keras_fit", "numpy_manual", "torch_manual"]),
        ("reading", [*NAMES]),
    ],
)
def test_rows_stand_in_the_order_that_is_asked_for(tmp_path, order, expected):
    pace = {"jax_scan": 0.5, "torch_manual": 0.8, "keras_fit": 1.5}
    run = saved(tmp_path / "run", kept=records(lambda name, _: pace.get(name, 1.0)))
    assert named(shown(run, 100, order)) == expected


def test_by_the_first_call_what_has_none_is_the_last(tmp_path):
    seconds = {"numpy_manual": 0.3, "torch_manual": 0.2, "jax_scan": 0.1, "keras_fit": 0.4}
    kept = [
        one
        for one in started(records(), seconds)
        if "numpy_manual" not in one["cell"] or one["kind"] != "start"
    ]
    found = summaries_of(saved(tmp_path / "run", kept=kept))
    rows = [one.cell.implementation for one in in_order(found, "train", "first-call")]
    assert rows == ["jax_scan", "torch_manual", "keras_fit", "numpy_manual"]
    assert [*ORDERS] == ["fastest", "first-call", "name", "reading"]


@pytest.mark.parametrize(
    ("width", "columns", "missing"),
    [
        (100, "verdict time baseline mark peak call", None),
        (80, "verdict time baseline mark", "of peak, first call"),
        (60, "verdict ratio mark", "time, the ratios' intervals, of peak, first call"),
        (40, "verdict ratio mark", "time, the ratios' intervals, of peak, first call"),
    ],
)
def test_no_name_is_cut_and_the_verdict_stays_at_every_width(tmp_path, width, columns, missing):
    names = (*NAMES[:3], LONG)
    run = saved(tmp_path / "run", about(names), records(names=names))
    lines = shown(run, width)
    assert not any("…" in line for line in lines)
    assert (
        max(map(len, lines[: lines.index(next(one for one in lines if one.startswith("ratio:")))])) <= width
    )
    (head,) = (line for line in lines if line.startswith(" implementation "))
    assert head.split()[1:] == columns.split()
    parts = [
        line.split()[0] for line in lines if line.startswith(" ") and line.split() and line.split()[0] in LONG
    ]
    assert "".join(parts) == LONG
    assert sum(" agree " in line for line in lines) >= len(names)
    said = " ".join(" ".join(lines).split())
    assert (f"Without room here: {missing}; a wider terminal has them." in said) == (missing is not None)


def test_the_networks_stand_in_the_order_of_the_documents(tmp_path):
    table = (CHECKOUT / "docs" / "workloads.md").read_text(encoding="utf-8").partition("## Lessons")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == NETWORKS
    document = about()
    others = [{**cell(name), "workload": "a_lesson"} for name in NAMES]
    for one in others:
        one |= {"key": one["key"].replace("two_layer", "a_lesson"), "baseline": others[0]["key"]}
    document |= {"cells": [*others, *document["cells"]]}
    document["tasks"] |= {"a_lesson:tiny": document["tasks"]["two_layer:tiny"]}
    run = saved(Path(tmp_path) / "run", document)
    assert [one.workload for one in answers(run.name, run.plan, summaries_of(run))] == [
        "two_layer",
        "a_lesson",
    ]
