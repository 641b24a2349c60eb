"""Whatever is typed is answered or refused in a few words, without a traceback or an exit code of its own."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from samestep.catalog.selection import Selector, sweep_sizes
from samestep.commands import main as command_line
from samestep.commands.main import LONGEST, main, shortened
from samestep.errors import SamestepError
from samestep.field_checks import LARGEST, SMALLEST, amount
from samestep.spec import parse_case

quick = settings(max_examples=60)

#: Numbers as people and programs write them, and what only looks like one.
numbers = st.one_of(
    st.integers().map(str), st.floats().map(str), st.integers(0, 5000).map(lambda digits: "9" * digits),
    st.sampled_from(["", "-0", "1e999", "0x10", "1_000", "٣", "½", "1 ",
                     "nan", "-inf", "\0", "\x1b[31m", "\u2028"]),
)  # fmt: skip
texts = st.text(max_size=20)
values = numbers | texts
#: Options that are looked at before anything is measured; a workload that does not exist ends the rest.
OPTIONS = (
    "--width", "--budget", "--invocations", "--seed", "--threads", "--shard", "--sweep", "--profile",
    "--dtype", "--device", "--python", "--require", "--format", "--impls", "--resume", "--matmul",
)  # fmt: skip


def ended(*words: str) -> str:
    """Return what a command said on standard error; it has ended with 2."""
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2, (words, done.exit_code, done.exception)
    said = done.stderr
    assert "itself failed" not in said
    assert "Traceback" not in said
    return said


@given(st.sampled_from(["run", "bench", "check", "list"]), st.sampled_from(OPTIONS), values)
@quick
def test_any_value_of_any_option_ends_with_2(name, option, value):
    ended(name, "no_such_workload", f"{option}={value}")


@given(st.sampled_from(["check", "list", "bench"]), texts | st.text("*?[]:/=,", max_size=12))
@quick
def test_any_selector_is_refused(name, text):
    ended(name, f"no_such_workload{text}")
    ended(name, f"two_layer:{text}/no_such_implementation")


@given(st.text("*?[]:/=,\0\x1b", max_size=12))
@quick
def test_any_question_without_a_word_that_is_known_is_refused(text):
    ended("conventions", f"xyzzy{text}")


@given(st.sampled_from(["report", "compare", "data", "new", "nonsense"]), texts)
@quick
def test_any_argument_of_other_commands_is_refused(name, text):
    words = {"compare": 2, "nonsense": 1}.get(name, 1) * [f"/no such/{text}"]
    ended(name, *words)


@given(values)
@quick
def test_only_amounts_are_widths_and_budgets(text):
    said = ended("run", "no_such_workload", f"--width={text}")
    try:
        taken = amount(float(text))
    except ValueError:
        taken = False
    assert taken == ("no workload matches" in said), text


@given(st.builds("{}={}:{}".format, st.just("batch"), numbers, numbers) | texts)
@quick
def test_a_sweep_is_sizes_in_order_or_refused(text):
    try:
        _, sizes = sweep_sizes(text)
    except SamestepError as error:
        assert str(error).startswith("--sweep ")  # noqa: PT017
        return
    assert sizes == sorted(set(sizes))
    assert sizes[0] >= 1
    assert len(sizes) < 100 or "," in text


@given(texts | st.builds("tiny[batch={}]".format, numbers))
@quick
def test_a_case_has_sizes_or_is_refused(text):
    try:
        base, sizes = parse_case(text)
    except ValueError as error:
        assert "is not a valid case" in str(error)  # noqa: PT017
        return
    assert base == text or re.fullmatch(r"tiny\[batch=[1-9][0-9]*\]", text) or sizes


@given(texts)
@quick
def test_a_selector_is_three_parts_or_refused(text):
    try:
        parsed = Selector.parse(text)
    except SamestepError as error:
        assert "is not a valid selector" in str(error)  # noqa: PT017
        return
    assert parsed.workload
    assert parsed.implementation


def test_an_error_of_5000_digits_is_short():
    said = ended("bench", "two_layer:tiny", "--shard", f"1/{'9' * 50_000}")
    assert len(said) < LONGEST + 100
    assert said.endswith("write I/N, the I-th of N parts, as in 2/5\n")
    assert shortened("short") == "short"


def test_what_no_code_foresaw_is_one_line_and_never_a_1(monkeypatch):
    def fails(*_: object) -> None:
        raise KeyError("a key\n\x1b")

    monkeypatch.setattr("samestep.commands.list.take_inventory", fails)
    done = CliRunner().invoke(main, ["list"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert re.fullmatch(
        r"samestep: samestep itself failed: KeyError: .* \(test_any_words\.py:\d+\); .*\n", done.stderr
    )
    assert isinstance(CliRunner().invoke(main, ["--debug", "list"]).exception, KeyError)
    assert command_line.INTERRUPTED == 3


def test_what_the_system_refuses_is_in_its_words_and_no_fault_of_samestep():
    long = "a" * 5000
    done = CliRunner().invoke(main, ["report", long])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "File name too long (" in done.stderr
    assert "itself failed" not in done.stderr


@pytest.mark.parametrize("value", [0, -1.0, SMALLEST / 2, 2 * LARGEST])
def test_what_is_no_amount_is_named(value):
    assert "is not a finite number above 0" in ended("run", f"--budget={value}")
