"""A reference recorded in one run judges candidates in another, also in another interpreter."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.usefixtures("no_ci")

#: Neither side is built where the other one is at work.
TEST = """
import os

def build(side, f):
    assert os.environ.get("HERE", side) == side, f"the {{side}} is not here"
    return f

def test_port(agree):
    agree(agree.deferred(lambda: build("candidate", {candidate})),
          agree.deferred(lambda: build("reference", model)), (X,), replicas=8, variants=False)
"""


@pytest.mark.parametrize(("candidate", "outcome"), [("twin", "passed"), ("other", "failed")])
def test_a_candidate_is_judged_by_the_records_of_another_run(run, monkeypatch, candidate, outcome):
    monkeypatch.setenv("HERE", "reference")
    result = run(TEST.format(candidate=candidate), "--samestep-record=records")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "recorded       -  test_port.py::test_port: records/test_port.py-test_port-*",
            "1 comparison: 1 recorded",
        ]
    )
    monkeypatch.setenv("HERE", "candidate")
    result = run.again("--samestep-replay=records")
    result.assert_outcomes(**{outcome: 1})
    verdict = "agree" if outcome == "passed" else "disagree"
    assert f"1 comparison: 1 {verdict}" in result.stdout.str()


def test_both_sides_are_built_where_nothing_is_recorded(run):
    run(TEST.format(candidate="twin")).assert_outcomes(passed=1)


def test_a_loss_and_an_option_of_one_side_go_to_that_side(run):
    code = """
def test_port(agree):
    y = np.zeros((5, 4), np.float32)
    agree(twin, model, (X,), loss="mse", targets=y, replicas=8, variants=False, contract="weaker")
"""
    run(code, "--samestep-record=records").assert_outcomes(passed=1)
    run.again("--samestep-replay=records").assert_outcomes(passed=1)


def test_what_a_record_cannot_hold_is_one_line(run):
    code = "def test_port(agree):\n    agree(twin, model, (X,), perturb=True)\n"
    result = run(code, "--samestep-record=records")
    result.stdout.fnmatch_lines(["E       samestep.ModelError: perturb=True moves both sides together, *"])


def test_a_record_that_is_not_there_says_how_it_is_made(run):
    (run.folder / "records").mkdir()
    result = run("def test_port(agree):\n    agree(twin, model, (X,))\n", "--samestep-replay=records")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E * has no test_port.py-test_port-*.npz: make it with --samestep-record=*"])


def test_two_ways_at_once_are_a_usage_error(run):
    result = run("", "--samestep-record=a", "--samestep-replay=b")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: give one of --samestep-replay, --samestep-record, --samestep-python"]
    )


@pytest.mark.process
def test_candidates_run_in_another_interpreter(run, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    result = run(
        "import sys\n\ndef there(f):\n    assert 'replay' in ' '.join(sys.argv)\n    return f\n\n"
        f"@pytest.mark.samestep(python={sys.executable!r}, replicas=8, variants=False)\n"
        "def test_both(agree):\n    for f in (twin, other):\n"
        "        agree(agree.deferred(lambda: there(f)), model, X)\n",
        *("-p", "samestep"),
        *(
            "-W",
            "ignore:Module already imported:pytest.PytestAssertRewriteWarning",
        ),  # by the pytest around it
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([
        "disagree: first output, 0.00084 off at [[]3, 3[]], 3e+09 times its limit",
        f"  the candidate ran in {sys.executable}",
        "disagree *3e+09  test_port.py::test_both (2): *",
        f" *the candidate ran in {sys.executable}",
        "2 comparisons: 1 agree, 1 disagree",
        "FAILED test_port.py::test_both - Failed: disagree: first output, *",
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (None, "* cannot be started: No such file or directory"),
        (
            "echo '/bin/python: No module named pytest' >&2; exit 1",
            "* has no pytest: * -m pip install pytest samestep",
        ),
        ("echo 'Error importing plugin \"samestep\": No' >&2; exit 1", "* has no samestep: *"),
        (
            "echo 'SKIPPED [1] jax is not installed'",
            "the test gave no comparison in *: SKIPPED [[]1[]] jax is not *",
        ),
        ("exit 5", "the test gave no comparison in *: it printed nothing"),
    ],
)
def test_an_interpreter_that_cannot_run_the_test_is_one_line(run, script, said):
    python = run.folder / "python"
    if script is not None:
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
    code = "def test_port(agree):\n    agree(twin, model, (X,), replicas=8, variants=False)\n"
    result = run(code, f"--samestep-python={python}")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([said])
    assert "Traceback" not in result.stdout.str()


def test_a_test_that_compares_nothing_is_not_passed_over(run):
    result = run("def test_port(agree):\n    pass\n", "--samestep-python=python")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["the test compares nothing that python could judge"])
