"""The page on pytest: its files run, and print what the page says, numbers aside."""

from __future__ import annotations

import re

import pytest

from tests.made.documented import page, printed

pytest.importorskip("torch")
pytest.importorskip("jax")
import samestep.models.jax
import samestep.models.torch  # noqa: F401  # once: some of PyTorch cannot be imported again

PAGE = page("pytest")
FILES = dict(re.findall(r"<!-- file (\S+) -->\n\n```\w+\n(.*?)```", PAGE, re.DOTALL))


def words(text: str) -> list[str]:
    """Return the lines with every number and digest as #, and all runs of blanks as one."""
    text = re.sub(r"-[0-9a-f]{6}\.npz", "-#.npz", text)
    return [
        re.sub(r" +", " ", re.sub(r"\d[\d.]*(e[+-]\d+)?", "#", line)) for line in text.strip().splitlines()
    ]


@pytest.fixture
def write(run):
    def write_files(*names: str) -> None:
        for name in names:
            (run.folder / name).write_text(FILES[name], encoding="utf-8")

    return write_files


def test_the_first_test_prints_what_the_page_says(run, write):
    write("test_port.py")
    assert words(run.again().stdout.str()) == words(printed(PAGE, "test_port.py"))


def test_options_and_frameworks_of_the_page_pass(run, write):
    write("test_options.py", "test_frameworks.py", "pyproject.toml")
    run.again().assert_outcomes(passed=4)


def test_the_sides_of_the_page_need_not_be_in_one_environment(run, write):
    write("test_apart.py")
    run.again("--samestep-record=records").assert_outcomes(passed=1)
    result = run.again("--samestep-replay=records", "--samestep-strict")
    result.assert_outcomes(passed=1)
    assert "1 comparison: 1 agree" in result.stdout.str()


def test_the_page_has_every_option(run):
    for name in re.findall(r"--samestep-\w+", run.again("--help").stdout.str()):
        assert f"`{name}" in PAGE
