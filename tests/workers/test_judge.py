"""A judge outlives the implementations that it judges, and is started anew where it is lost itself."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import pytest

from samestep.workers.process import RequestFailed, WorkerLost
from tests.made.launching import cells_of, launcher_for
from tests.made.rungs import MANUAL, doing, gone, hanging, root

pytestmark = pytest.mark.process

RUNGS = {"numpy_dies": doing("os._exit(5)"), "numpy_raises": doing("raise ValueError('broken')")}


@pytest.fixture
def launcher(tmp_path):
    hangs = hanging(tmp_path / "processes")
    return launcher_for(root(tmp_path / "impls", {**RUNGS, "numpy_hangs": hangs}))


def test_a_judge_goes_on_after_what_raises_dies_or_hangs(launcher):
    cells = {cell.implementation: cell for cell in cells_of(launcher)}
    manual = cells["numpy_manual"]
    with launcher.judge(manual) as judge:

        def verdict(name: str, patience: float = 60) -> str:
            with launcher.start(manual) as worker:
                launcher.open(worker, manual)
                return (
                    replace(launcher, patience=patience).examine(judge, worker, cells[name]).verdict.verdict
                )

        assert verdict("numpy_manual") == "agree"
        process = judge.process
        with pytest.raises(WorkerLost, match=r"^exited with status 5$"):
            verdict("numpy_dies")
        with pytest.raises(RequestFailed, match=r"^ValueError: broken \(numpy_raises\.py:\d+\)$"):
            verdict("numpy_raises")
        assert verdict("numpy_manual") == "agree"
        assert judge.process is process
        with pytest.raises(WorkerLost, match=r"^no answer within 1 s$"):
            verdict("numpy_hangs", patience=1)
        assert verdict("numpy_manual") == "agree"
        process = judge.process
    assert gone(process.process.pid)


def test_a_judge_that_is_killed_is_started_anew_and_its_loss_says_so(launcher):
    (cell,) = cells_of(launcher, "rigged/numpy_manual")
    with launcher.judge(cell) as judge, launcher.start(cell) as worker:
        launcher.open(worker, cell)
        launcher.examine(judge, worker, cell)
        os.kill(judge.process.process.pid, signal.SIGKILL)
        with pytest.raises(WorkerLost, match=r"^the judge's process: killed by the kernel, most likely for"):
            launcher.examine(judge, worker, cell)
        assert launcher.examine(judge, worker, cell).verdict.verdict == "agree"


def test_a_reference_that_ends_its_process_ends_the_judges_and_not_the_workers(tmp_path):
    fatal = MANUAL.replace('    error = x @ state["w"] - y\n', "    import os\n    os._exit(6)\n")
    launcher = launcher_for(root(tmp_path, {"numpy_manual": fatal, "numpy_raises": RUNGS["numpy_raises"]}))
    (cell,) = cells_of(launcher, "rigged/numpy_raises")
    with launcher.judge(cell) as judge, launcher.start(cell) as worker:
        launcher.open(worker, cell)
        with pytest.raises(WorkerLost, match=r"^the judge's process: exited with status 6$"):
            launcher.examine(judge, worker, cell)
        assert judge.process is None
        assert worker.process.poll() is None
