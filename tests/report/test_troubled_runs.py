"""Runs that are noisy, unfinished or have a cell that failed: every text says so, and nothing else."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from samestep.analysis import statistics
from samestep.commands.compare import diff_of
from samestep.records.resume_command import resume_command
from samestep.records.store import Run
from samestep.records.validated import ValidatedRun
from samestep.report import page, pull_request, run_diff_tables, run_document, tables, terminal
from samestep.report.rows import rows_as_text
from samestep.report.run_diff_document import document, rows, status
from samestep.report.run_diff_text import count
from samestep.report.status import status_of
from tests.made.pages import Reader, rendered
from tests.made.troubled import beside, failed, scattered, troubled, until, untimed, without

pytestmark = pytest.mark.skipif(not page.available(), reason=page.MISSING)

#: A number of five digits or more before its point, which no ratio has; of two, behind an exponent, either.
ABSURD = re.compile(r"(?<![\d,.])\d{5,}(\.\d+)?(?= %|\)|\b)")


@pytest.fixture(autouse=True, scope="module")
def _fewer_draws():
    """The intervals of single times decide little here, and they take long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statistics, "DRAWS", 50)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def noisy(folder) -> ValidatedRun:
    return ValidatedRun(troubled(folder / "noisy", scattered(9.0), beside("stress", 1.9)).folder)


@pytest.fixture(scope="module")
def killed(folder) -> ValidatedRun:
    """Killed in the third round of the second process; one cell was examined and not timed, one never met."""
    made = troubled(folder / "killed; rm -r", until(1, 2), untimed("jax_scan"), without("torch_compile"))
    return ValidatedRun(made.folder)


def in_terminal(run: Run) -> str:
    console = Console(width=80, record=True)
    with console.capture() as caught:
        terminal.show(run, console)
    return caught.get()


def texts(run: Run) -> dict[str, str]:
    """What a reader of a run may read, by where it stands."""
    return {
        "terminal": in_terminal(run),
        "report.md": tables.markdown(run),
        "page": Reader(rendered(run.folder)).text,
        "json": json.dumps(run_document.document(run)["status"]),
    }


# -- noise -----------------------------------------------------------------------------------------------


def test_where_noise_rules_every_text_says_that_it_cannot_tell_and_names_no_fastest(noisy):
    found = texts(noisy)
    for place, text in found.items():
        flat = " ".join(text.split())
        assert "This run cannot tell" in flat, place
        assert "The machine was busy with something else in 6 of 6 looks" in flat, place
        assert "stress 95 %" in flat, place
        assert not re.search(
            r"\w is the fastest|times as fast|times as long", flat.replace("which is the", "")
        )
    assert "This run cannot tell which is the fastest" in found["page"]
    assert "Nine in ten samples" not in found["page"]


def test_where_noise_rules_no_ratio_is_printed_anywhere(noisy):
    for place in ("terminal", "report.md"):
        table = [line for line in texts(noisy)[place].splitlines() if "jax_" in line and "agree" in line]
        assert table
        for line in table:
            assert "cannot tell" in line
            assert not re.search(r"\d\.\d\d \(", line), line
    frame = tables.frame(noisy)
    others = frame[(frame.word != "baseline") & (frame.verdict == "agree")]
    assert others[["ratio", "ratio_low", "ratio_high"]].isna().all(axis=None)
    assert set(others.word) == {"unclear"}
    assert not (others.detectable < float("inf")).any()
    cells = json.loads(json.dumps(run_document.document(noisy), default=str))["cells"]
    ratios = [task["ratio"] for one in cells for task in one["tasks"].values() if task["word"] != "baseline"]
    assert ratios
    assert set(ratios) == {None}


def test_a_noisy_run_has_no_absurd_number_but_among_its_times(noisy):
    (found,) = re.findall(r'id="data">(.*?)</script>', rendered(noisy.folder), re.DOTALL)
    (speed, *_) = [one for one in json.loads(found)["pictures"] if "baseline" in one["columns"]]
    ratios, word = speed["columns"]["ratio"]["values"], speed["columns"]["word"]
    known = {word["texts"][at] for at, ratio in zip(word["values"], ratios, strict=True) if ratio is not None}
    assert known == {"baseline"}
    assert not ABSURD.search(in_terminal(noisy))


def test_the_same_samples_without_noise_can_tell(folder):
    run = ValidatedRun(troubled(folder / "calm").folder)
    assert status_of(run).notes() == []
    assert "jax_layout" in Reader(rendered(run.folder)).text.partition("is the fastest")[0][-400:]
    assert "cannot tell" not in in_terminal(run)


def test_a_comparison_with_a_noisy_run_has_no_absurd_number(noisy, folder):
    calm = ValidatedRun(troubled(folder / "before").folder)
    diff = diff_of(calm, noisy)
    assert "not even twice the time would have been detected" in count(diff)
    with (console := Console(width=200)).capture() as caught:
        run_diff_tables.show(diff, calm, noisy, console)
    assert "after: This run cannot tell which is faster" in caught.get()
    assert "before: This run" not in caught.get()
    assert not ABSURD.search(caught.get().replace(str(folder), ""))
    assert {row["ratio"] for row in rows(diff, calm, noisy) if row["word"] == "unclear"} == {None}
    assert rows_as_text(rows(diff, calm, noisy), "csv")
    assert document(diff, calm, noisy)["cells"]
    assert status(calm, noisy)["after"]["cannot_tell"] > 0  # type: ignore[index]


def test_a_machine_whose_processes_are_hidden_is_busy_all_the_same(folder):
    run = ValidatedRun(troubled(folder / "hidden", beside("", 1.4)).folder)
    (note,) = status_of(run).notes()
    assert str(note) == (
        "The machine was busy with something else in 6 of 6 looks: others keep 1.4 of 2 processors busy "
        "(which they are cannot be seen from here)."
    )
    assert "Not all the time." in Reader(rendered(run.folder)).text


# -- unfinished ------------------------------------------------------------------------------------------


def test_an_unfinished_run_says_what_is_missing_and_how_to_go_on(killed):
    command = resume_command(killed.folder, ())
    assert shlex.split(command) == ["samestep", "run", "--resume", str(killed.folder)]
    what = "of 16 cells 1 was not examined, 1 was examined and not timed, 14 were timed in 1 of 2 whole"
    for place, text in texts(killed).items():
        assert what in " ".join(text.split()), place
        assert command in (json.loads(text)["resume"] if place == "json" else text), place
    found = texts(killed)["page"]
    assert "every cell that was asked for ran" not in found
    assert "Not everything ran: 0 of 16 cells were timed in all processes" in found


def test_counts_are_of_the_very_comparison(folder):
    run = ValidatedRun(troubled(folder / "one", until(1)).folder)
    for place, text in texts(run).items():
        assert not re.search(r"over 2 processes|[^d] 2 processes of each", " ".join(text.split())), place
    assert "1 process of 4 rounds, where 2 of 4 were asked for" in texts(run)["report.md"]
    assert "1 process of each implementation (2 were asked for), 4 rounds in each" in texts(run)["page"]
    assert "a single process says nothing about others" in texts(run)["page"]
    assert set(tables.frame(run).processes) == {1}


def test_a_comparison_says_which_run_is_unfinished(killed, folder):
    whole = ValidatedRun(troubled(folder / "whole").folder)
    diff = diff_of(killed, whole)
    with (console := Console(width=80)).capture() as caught:
        run_diff_tables.show(diff, killed, whole, console)
    (line,) = [line for line in caught.get().splitlines() if "unfinished" in line]
    assert line.startswith("before: This run is unfinished: ")
    assert line.endswith(resume_command(killed.folder, ()))
    assert "unfinished" in pull_request.markdown(diff, killed, whole)


def test_a_cell_that_failed_is_counted_and_is_not_missing(folder):
    run = ValidatedRun(troubled(folder / "failed", failed("torch_compile")).folder)
    found = status_of(run)
    assert (found.left, found.complete.timed) == (None, 15)
    for place, text in texts(run).items():
        assert "1 of 16 cells gave no time: 1 crashed." in " ".join(text.split()), place
        assert "--resume" not in text, place


def test_a_run_of_which_nothing_was_timed_counts_no_process(folder):
    run = ValidatedRun(troubled(folder / "nothing", until(0)).folder)
    found = texts(run)
    assert "of 16 cells 16 were examined and not timed." in found["terminal"]
    assert "nothing timed, of 2 processes that were asked for" in found["page"]
    assert "Nothing was timed: 16 of 16 implementations agree" in found["page"]


@pytest.mark.parametrize("name", ["-x", "a b", "it's", "$(rm)", "\x1b[31m\n`", "é\\n", "\udcff"])
def test_the_command_goes_on_with_that_very_folder(name, tmp_path):
    command = resume_command(Path(name), ())
    assert command.isprintable()
    (tmp_path / "samestep").write_text("#!/bin/sh\nprintf '%s' \"$3\"\n")
    (tmp_path / "samestep").chmod(0o755)
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, check=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}
    )
    assert os.path.normpath(os.fsdecode(done.stdout)) == name
