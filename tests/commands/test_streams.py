"""Full, closed and narrow streams: one line and the right exit code, whatever they cannot take."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from samestep.commands.report import report_runs
from tests.made import records as made
from tests.made.command_line import error_lines, usage_error
from tests.made.rungs import command, running, samestep

pytestmark = pytest.mark.process

LOST = "samestep: standard output cannot be written: "


def typed(shell: str, *arguments: object, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Return what came of a command that a shell starts as "$@"."""
    how = {**running(), "text": False}
    how["env"] = {**how["env"], **variables}
    return subprocess.run(["bash", "-c", shell, "bash", *command(*arguments)], **how, timeout=60)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run whose names no narrow stream can take; beside it ``other``, of the same records."""
    plan = made.about(("numpy_manual", "torch_manual"))
    plan["machine"]["cpu"] = "Ünïcode\u2028\x1b[31m µ"
    kept = made.records(invocations=2, names=("numpy_manual", "torch_manual"))
    folder = tmp_path_factory.mktemp("runs")
    made.saved(folder / "other", plan, kept)
    return made.saved(folder / "run", plan, kept).folder


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", [("--help",), ("list",), ("list", "--json"), ("list", "--format", "csv")])
def test_a_full_device_is_one_line_and_exits_2(words):
    done = typed('exec "$@" >/dev/full', *words)
    assert (done.returncode, done.stderr.decode()) == (2, f"{LOST}No space left on device\n")


def test_a_reader_that_has_gone_ends_the_command_without_a_word():
    reading, writing = os.pipe()
    os.close(reading)
    how = {**running(), "stdout": writing}
    done = subprocess.run(command("list", "--json"), **how, timeout=60)
    os.close(writing)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_are_nowhere(closed):
    done = typed(f'exec "$@" {closed}', "list")
    assert done.returncode == 0
    assert done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_what_standard_error_cannot_take_is_dropped():
    assert typed('exec "$@" 2>/dev/full', "check", "nothing").returncode == 2
    assert typed('exec "$@" 2>/dev/full', "list").returncode == 0


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("words", [("compare", "RUN", "OTHER", "--format=markdown"), ("list", "two_layer")])
def test_what_an_encoding_lacks_is_an_escape(run, words, encoding):
    runs = {"RUN": run, "OTHER": run.parent / "other"}
    done = typed('exec "$@"', *(runs.get(word, word) for word in words), PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout.decode(encoding)


@pytest.mark.parametrize("name", [b"caf\xe9", b"a\nb\x1b[31m", "a\u2028b".encode()])
def test_a_run_lies_in_a_folder_of_any_name(run, tmp_path, capsys, name):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    shutil.copytree(run, folder)
    report_runs([folder], draw=False)
    assert {path.name for path in folder.iterdir()} > {"report.md", "report.csv", "benchmark.json"}
    assert capsys.readouterr().err.replace("\n", "").isprintable()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_report_that_cannot_be_written_is_one_line(run, tmp_path):
    folder = shutil.copytree(run, tmp_path / "run")
    (folder / "report.md").unlink(missing_ok=True)
    (folder / "report.md").symlink_to("/dev/full")
    assert "cannot be written: No space left on device" in usage_error(samestep("report", folder))


def test_a_record_names_an_interpreter_and_it_is_not_started(run, tmp_path):
    folder = shutil.copytree(run, tmp_path / "it's")
    plan = json.loads((folder / "run.json").read_text())
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    script.chmod(0o755)
    plan["options"]["pythons"] = {"numpy": str(script)}
    (folder / "run.json").write_text(json.dumps(plan))
    done = samestep("run", "--resume", folder)
    assert done.returncode == 2
    (line,) = error_lines(done)
    assert line.endswith(
        f"repeat that: samestep run --resume '{tmp_path}/it'\"'\"'s' --python numpy={script}"
    )
    assert not (tmp_path / "started").exists()
