"""A framework that is not installed skips its tests, and says what installs it; under strict they fail."""

from __future__ import annotations

import sys

import pytest

IN_THE_TEST = "def test_flax(agree):\n    import flax\n"
MARKED = "@pytest.mark.samestep(needs=('numpy', 'flax'))\ndef test_flax():\n    pass\n"
IN_A_FIXTURE = (
    "@pytest.fixture\ndef port():\n    import flax.linen\n\ndef test_flax(agree, port):\n    pass\n"
)
PARAMETRISED = """
FLAX = pytest.param("flax", marks=pytest.mark.samestep(needs="flax"))

@pytest.mark.parametrize("framework", ["numpy", FLAX])
def test_framework(framework, agree):
    agree(twin, model, (X,), variants=False, replicas=8)
"""


@pytest.fixture(autouse=True)
def without_flax(monkeypatch):
    """Python says of a module that is None here what it says of one that is not installed."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "flax"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "flax", None)


def test_a_package_of_its_own_is_skipped_by_its_name(run):
    result = run("@pytest.mark.samestep(needs='modelz.layers')\ndef test_own():\n    pass\n", "-rs")
    result.stdout.fnmatch_lines(["SKIPPED *: modelz is not installed: python -m pip install modelz"])


@pytest.mark.parametrize("code", [IN_THE_TEST, MARKED, IN_A_FIXTURE])
def test_a_missing_framework_is_a_skip_with_the_line_that_installs_it(run, code):
    result = run(code, "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED *: flax is not installed: python -m pip install flax"])


@pytest.mark.parametrize(("code", "outcome"), [(IN_THE_TEST, "failed"), (MARKED, "errors")])
def test_under_strict_it_fails_with_the_same_line(run, code, outcome):
    result = run(code, "--samestep-strict")
    result.assert_outcomes(**{outcome: 1})
    result.stdout.fnmatch_lines(["E *flax is not installed: python -m pip install flax"])


def test_of_parametrised_frameworks_the_others_run(run):
    run(PARAMETRISED).assert_outcomes(passed=1, skipped=1)


def test_other_modules_and_other_tests_fail_as_ever(run):
    result = run("def test_other(agree):\n    import modelz\n\ndef test_plain():\n    import flax\n")
    result.assert_outcomes(failed=2)


def test_an_installed_framework_that_is_broken_is_no_skip(run, monkeypatch):
    monkeypatch.delitem(sys.modules, "flax")
    (run.folder / "flax.py").write_text(
        "import flax_that_is_not_there\nraise ModuleNotFoundError(name='flax')\n"
    )
    (run.folder / "flax.py").write_text("raise ModuleNotFoundError('No module named flax', name='flax')\n")
    run(IN_THE_TEST).assert_outcomes(failed=1)
