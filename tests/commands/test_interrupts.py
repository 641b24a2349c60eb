"""A run that is interrupted or killed keeps its records, and leaves no worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import pytest

from tests.made.command_line import whole_lines
from tests.made.places import CHECKOUT
from tests.made.rungs import command, gone, running, samestep, wait_until

pytestmark = [pytest.mark.process, pytest.mark.slow]


def test_an_interrupt_exits_3_keeps_the_records_and_leaves_no_worker(impls, tmp_path):
    asked = command("bench", "rigged/numpy_*", "--impls", impls, "--out", tmp_path, "--invocations", 99)
    with subprocess.Popen(asked, **running()) as bench:
        assert wait_until(
            lambda: any('"sample"' in p.read_text() for p in tmp_path.glob("*/*/samples.jsonl"))
        )
        workers = psutil.Process(bench.pid).children(recursive=True)
        bench.send_signal(signal.SIGINT)
        output, complaint = bench.communicate(timeout=30)
    assert bench.returncode == 3
    assert output == ""
    assert "Traceback" not in complaint
    assert complaint.splitlines()[-1] == "samestep: interrupted; what was recorded is kept"
    assert workers
    assert all(gone(worker.pid) for worker in workers)
    (folder,) = tmp_path.glob("*/*")
    assert f"to go on with it: samestep run --resume {folder} " in complaint
    assert any('"kind": "sample"' in line for line in whole_lines(folder / "samples.jsonl"))
    assert samestep("report", folder).returncode == 0


def test_an_interrupt_in_code_that_came_from_a_text_exits_3_as_well(tmp_path):
    """Python remembers it there, and would end by SIGINT after all."""
    planted = (
        "import samestep.commands.list as l\nl.take_inventory = lambda *_: exec('raise KeyboardInterrupt')"
    )
    (tmp_path / "interrupts.py").write_text(
        f"{planted}\nfrom samestep.commands.main import main\nmain(['list'])\n"
    )
    with_path = {**running(), "env": {**os.environ, "PYTHONPATH": f"{CHECKOUT}:{tmp_path}"}}
    done = subprocess.run([sys.executable, "-m", "interrupts"], **with_path, timeout=60)
    assert (done.returncode, done.stderr) == (3, "samestep: interrupted; what was recorded is kept\n")


def test_a_run_that_was_killed_is_readable_and_leaves_no_worker(impls, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # nobody clears away the caches of what is killed
    asked = command("bench", "rigged/numpy_*", "--impls", impls, "--out", tmp_path, "--invocations", 99)
    with subprocess.Popen(asked, **running()) as bench:
        assert wait_until(
            lambda: any('"sample"' in p.read_text() for p in tmp_path.glob("*/*/samples.jsonl"))
        )
        workers = psutil.Process(bench.pid).children(recursive=True)
        bench.kill()
    assert wait_until(lambda: all(gone(worker.pid) for worker in workers), 2)
    assert samestep("report", "--out", tmp_path).returncode == 0
