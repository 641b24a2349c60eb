"""The fixture `agree`: what a test that fails says, and what counts as what."""

from __future__ import annotations

import re

import pytest

from samestep.testing.own_frames import PACKAGE

QUICK = "variants=False, replicas=8"
RIGHT = f"def test_right(agree):\n    assert agree(twin, model, (X,), {QUICK}).verdict == 'agree'\n"
WRONG = f"def test_wrong(agree):\n    agree(other, model, (X,), {QUICK})\n"
UNKNOWN = f"def test_unknown(agree):\n    agree(twin, without_rule, (X,), {QUICK})\n"


def text(result: pytest.RunResult) -> str:
    return result.stdout.str()


def test_a_failure_begins_with_the_verdict_and_ends_with_the_command_that_repeats_it(run):
    result = run(RIGHT + WRONG)
    result.assert_outcomes(passed=1, failed=1)
    told = [line for line in result.outlines if line.startswith("E  ")]
    assert told[0].startswith(
        "E       samestep.AgreementError: disagree: first output, 0.00084 off at [3, 3]"
    )
    assert re.fullmatch(r"E +again: samestep replay \.samestep/test_wrong-\w{6}\.npz", told[-1])
    assert (
        "FAILED test_port.py::test_wrong - disagree: first output, 0.00084 off at [3, ..." in result.outlines
    )
    assert PACKAGE not in text(result)
    assert "test_port.py:8: AgreementError" in result.outlines


def test_the_summary_has_a_line_for_each_comparison(run):
    run.write(RIGHT + WRONG)
    result = run.again("-v")
    at = next(number for number, line in enumerate(result.outlines) if "= samestep =" in line)
    agree, wrong, count = result.outlines[at + 1 : at + 4]
    assert re.match(r"agree +0\.\d\d  test_port\.py::test_right: 1 output \(nearest", agree)
    assert re.match(r"disagree +3e\+09  test_port\.py::test_wrong: first output, 0\.00084 off", wrong)
    assert count == "2 comparisons: 1 agree, 1 disagree"
    assert max(len(line) for line in result.outlines[at:]) <= 80


def test_a_quiet_run_in_which_all_agree_says_one_line(run):
    result = run(RIGHT)
    assert result.outlines[-2:-1] == ["samestep: 1 comparison: 1 agree"]


def test_a_ci_service_gets_whole_lines(run, monkeypatch):
    monkeypatch.setenv("CI", "true")
    result = run(WRONG)
    result.stdout.fnmatch_lines(["disagree *3e+09  test_port.py::test_wrong: first output, *times its limit"])


def test_several_comparisons_of_a_test_are_numbered(run):
    result = run(
        f"def test_two(agree):\n    for f in (twin, other):\n        agree(f, model, (X,), {QUICK})\n"
    )
    result.stdout.fnmatch_lines(
        ["disagree * test_port.py::test_two (2): *", "2 comparisons: 1 agree, 1 disagree"]
    )


def test_what_cannot_be_examined_passes_with_a_warning_and_is_no_agreement(run):
    result = run(
        UNKNOWN,
        "-W", "default::samestep.NotExamined",
    )  # fmt: skip
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines([
        "  *test_port.py:6: NotExamined: abstains: the reference cannot be interpreted: *",
        "abstains       -  test_port.py::test_unknown: the reference cannot be interp...",
        "1 comparison: 1 not examined, which is no agreement",
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("marker", "arguments"),
    [("", ["--samestep-strict"]), ("@pytest.mark.samestep(strict=True)\n", [])],
)
def test_what_cannot_be_examined_fails_under_strict(run, marker, arguments):
    result = run(f"{marker}def test_unknown(agree):\n    agree(twin, without_rule, (X,))\n", *arguments)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["FAILED test_port.py::test_unknown - abstains: the reference cannot be *"])


def test_a_difference_that_a_test_expects_is_said_and_no_failure(run, monkeypatch):
    monkeypatch.setenv("CI", "true")
    result = run(
        "def test_caught(agree):\n    with pytest.raises(samestep.AgreementError, match='first output'):\n"
        f"        agree(other, model, (X,), {QUICK})\n"
    )
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["disagree *3e+09  test_port.py::test_caught: *, the test expects it"])


def test_tolerances_are_refused(run):
    result = run("def test_tolerance(agree):\n    agree(twin, model, (X,), **{'rtol': 1})\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E       TypeError: samestep takes no rtol: limits are derived *"])
    assert PACKAGE not in text(result)


def test_the_models_own_error_is_shown_with_its_line_and_without_frames_of_samestep(run):
    result = run(
        "def broken(x):\n    return x @ W @ W\n\n"
        f"def test_broken(agree):\n    agree(broken, model, (X,), {QUICK})\n"
    )
    result.assert_outcomes(failed=1)
    out = text(result)
    assert ">       return x @ W @ W" in out or ">   return x @ W @ W" in out
    assert "samestep.ModelError: candidate: " in out
    assert PACKAGE not in out
    assert "subject.py" not in out


def test_an_explained_comparison_says_everything_in_the_summary(run):
    result = run(RIGHT, "--samestep-explain")
    result.stdout.fnmatch_lines(["*NumPy function twin*", "*compared: 1 output*"])


def test_junit_and_json_have_every_comparison(run):
    import json
    from xml.etree import ElementTree

    run(RIGHT + WRONG, "--samestep-json=all.json", "--junitxml=junit.xml")
    document = json.loads((run.folder / "all.json").read_text())
    assert document["counts"] == {"agree": 1, "disagree": 1}
    right, wrong = document["comparisons"]
    assert (right["node_id"], right["file"], right["line"]) == ("test_port.py::test_right", "test_port.py", 6)
    assert (wrong["passed"], wrong["test_failed"]) == (False, True)
    assert (run.folder / wrong["bundle"]).is_file()
    properties = ElementTree.parse(run.folder / "junit.xml").iter("property")
    found = [(one.get("name"), one.get("value")) for one in properties]
    assert found[0] == ("samestep", right["headline"])
    assert json.loads(found[3][1])["headline"] == wrong["headline"]


def test_github_gets_annotations(run, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(run.folder.parent))
    result = run(
        WRONG + UNKNOWN,
        "-W", "ignore::samestep.NotExamined",
    )  # fmt: skip
    at = f"file={run.folder.name}/test_port.py"
    title = "title=test_port.py%3A%3Atest_wrong"
    result.stdout.fnmatch_lines([
        f"::error {at},line=6,{title}::disagree: first output, *",
        f"::warning {at},line=8,*::abstains: *",
    ])  # fmt: skip


def test_a_folder_that_is_not_there_is_said_before_any_test(run):
    result = run(RIGHT, "--samestep-json=nowhere/all.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --samestep-json */nowhere/all.json: there is no folder */nowhere"])
