"""What cannot run workers is refused in one line, before anything is run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from samestep.errors import SamestepError
from samestep.workers import interpreters
from samestep.workers.interpreters import check_interpreter
from tests.made.rungs import samestep


def program(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.process
def test_this_python_can_run_workers():
    check_interpreter(sys.executable, {"numpy": "numpy", "click": "click"})


@pytest.mark.process
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("echo bread", "does not answer as a Python does"),
        ("exit 1", "does not answer as a Python does"),
        ("""echo '{"python": [3, 10], "missing": []}'""", "is Python 3.10, and samestep needs 3.11 or newer"),
        ("""echo '{"python": [2, 7], "missing": []}'""", "is Python 2.7, and samestep needs 3.11 or newer"),
        (f'exec {sys.executable} "$@"', "has no abacus: {python} -m pip install abacus-net"),
        ("read line; echo $line", "does not answer as a Python does"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, text, why):
    python = program(tmp_path / "python", text)
    with pytest.raises(SamestepError) as refused:
        check_interpreter(python, {"numpy": "numpy", "abacus": "abacus-net"})
    assert str(refused.value) == f"{python} {why.format(python=python)}"


@pytest.mark.process
def test_what_does_not_answer_or_start_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(interpreters, "PATIENCE_SECONDS", 0.2)
    with pytest.raises(SamestepError, match="does not answer as a Python does"):
        check_interpreter(program(tmp_path / "python", "exec sleep 600"), {})
    with pytest.raises(SamestepError, match="cannot be started: Permission denied"):
        check_interpreter(str(tmp_path), {})
    with pytest.raises(SamestepError, match="cannot be started: embedded null byte"):
        check_interpreter("a\0b", {})


@pytest.mark.process
def test_a_command_names_the_option(tmp_path):
    done = samestep("check", "two_layer", "--python", "torch=/nowhere/python")
    assert done.returncode == 2
    assert done.stderr == (
        "samestep: --python torch=/nowhere/python: /nowhere/python cannot be started: "
        "No such file or directory\n"
    )
