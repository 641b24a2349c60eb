"""The pytest-benchmark suite runs: its file is named on the command line, not collected."""

import os
import subprocess
import sys

import pytest

from tests.made.places import CHECKOUT

pytestmark = pytest.mark.process


def test_it_times_each_task_of_a_rung(tmp_path):
    command = [sys.executable, "-m", "pytest", "tests/bench/bench_rungs.py", "-q", "-p", "no:cacheprovider",
               "--benchmark-only", "-k", "manual_backprop and numpy_manual",
               f"--benchmark-json={tmp_path / 'times.json'}"]  # fmt: skip
    # Beside other tests it would measure nothing, and says so.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    done = subprocess.run(command, cwd=CHECKOUT, env=alone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    text = (tmp_path / "times.json").read_text(encoding="utf-8")
    assert text.count('"numpy_manual"') == 4  # forward, loss_and_grads, train_step, train
