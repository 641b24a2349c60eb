"""``samestep run --resume`` goes on with a run, or refuses what is not what it was."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.made.command_line import error_lines, samples_of, usage_error, whole_lines
from tests.made.rungs import command, running, samestep, wait_until

pytestmark = [pytest.mark.process, pytest.mark.slow]


def torn(run: Path) -> Path:
    """The samples of a run that was interrupted while it wrote."""
    samples = run / "samples.jsonl"
    content = samples.read_bytes()
    samples.write_bytes(content[: int(0.7 * len(content))])
    return samples


def test_resume_goes_on_where_a_torn_run_ended(made_run, copied, impls):
    samples = torn(copied)
    before = len(whole_lines(samples))
    done = samestep("run", "--resume", "--impls", impls, "--out", copied.parent.parent)
    assert done.returncode == 0, done.stderr
    taken = [(r["cell"], r["invocation"], r["round"], r["task"]) for r in samples_of(copied)]
    assert taken == [(r["cell"], r["invocation"], r["round"], r["task"]) for r in samples_of(made_run[1])]
    assert 0 < before < len(whole_lines(samples))


def test_resume_refuses_what_was_edited_since(copied, impls):
    torn(copied)
    about = json.loads((copied / "run.json").read_text())
    about["sources"]["rigged/numpy_good"] = "0123456789abcdef"
    (copied / "run.json").write_text(json.dumps(about))
    message = usage_error(samestep("run", "--resume", copied, "--impls", impls))
    assert f"rigged/numpy_good was edited since {copied} began: start a new run" in message


def test_a_variable_that_steers_workers_is_shown_and_resume_refuses_another(impls, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    done = samestep("run", "rigged/numpy_good", "--impls", impls, "--out", tmp_path)
    line = re.compile(r"^inherited from the environment of the run: .*", re.MULTILINE)
    assert "OPENBLAS_CORETYPE=Haswell" in line.search(done.stdout)[0]
    (run,) = tmp_path.glob("*/*")
    assert "OPENBLAS_CORETYPE=Haswell" in line.search((run / "report.md").read_text())[0]
    assert json.loads((run / "run.json").read_text())["inherited"]["cpu"]["OPENBLAS_CORETYPE"] == "Haswell"
    torn(run)
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Zen")
    refused = usage_error(samestep("run", "--resume", run, "--impls", impls))
    assert f"OPENBLAS_CORETYPE is not what it was when {run} began: start a new run" in refused


def test_resume_refuses_a_run_that_is_still_going_on(impls, tmp_path):
    asked = command("bench", "rigged/numpy_*", "--impls", impls, "--out", tmp_path, "--invocations", 99)
    with subprocess.Popen(asked, **running()) as bench:
        assert wait_until(
            lambda: any('"sample"' in p.read_text() for p in tmp_path.glob("*/*/samples.jsonl"))
        )
        (folder,) = tmp_path.glob("*/*")
        message = usage_error(samestep("run", "--resume", folder, "--impls", impls))
        assert bench.poll() is None
        bench.send_signal(signal.SIGINT)
        bench.communicate(timeout=30)
    assert f"{folder} is still being measured: wait until it has ended" in message


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_disk_that_fills_up_is_one_line(copied, impls):
    """As far as the run had come, and then no byte more."""
    samples = copied / "samples.jsonl"
    samples.unlink()
    samples.symlink_to("/dev/full")
    done = samestep("run", "--resume", copied, "--impls", impls)
    assert done.returncode == 3
    assert "samples.jsonl cannot be written: No space left on device" in error_lines(done)[-1]


def test_another_version_does_not_join_an_old_run(copied, impls):
    torn(copied)
    about = json.loads((copied / "run.json").read_text())
    about["versions"]["numpy"] = "1.0"
    (copied / "run.json").write_text(json.dumps(about))
    assert "numpy has another version than when" in usage_error(
        samestep("run", "--resume", copied, "--impls", impls)
    )
    assert "leave the selectors, --sweep and --shard out" in usage_error(
        samestep("run", "rigged", "--resume", copied)
    )
