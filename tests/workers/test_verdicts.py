"""Whatever an implementation does to its worker, its cell gets a verdict and the others go on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from samestep.catalog.cell import Cell
from samestep.errors import SamestepError
from samestep.jobs.check import Examination, check
from samestep.workers.launcher import Launcher
from samestep.workers.pool import WorkerPool
from samestep.workers.process import WorkerProcess
from tests.made.launching import cells_of, launcher_for
from tests.made.rungs import GOOD, doing, gone, hanging, root, wait_until

pytestmark = pytest.mark.process

PATIENCE = 10.0  # for the one rung that hangs; a worker must have started by then

#: name -> (what its training step does, the verdict, what the reason says)
DEEDS = {
    "numpy_exits": ("sys.exit(3)", "crashed", r"^exited with status 3$"),
    "numpy_complains": (
        "print('the last words', file=sys.stderr); sys.stderr.flush(); os._exit(4)",
        "crashed", r"^exited with status 4: the last words$",
    ),
    "numpy_segfaults": (
        "os.kill(os.getpid(), signal.SIGSEGV)",
        "crashed", r"^ended by SIGSEGV \(numpy_segfaults\.py:\d+\)$",
    ),
    "numpy_reads_nowhere": ("ctypes.string_at(0)", "crashed", r"^ended by SIGSEGV \(\S+\.py:\d+\)$"),
    "numpy_aborts": ("os.abort()", "crashed", r"^ended by SIGABRT \(numpy_aborts\.py:\d+\)$"),
    "numpy_killed": ("os.kill(os.getpid(), signal.SIGKILL)", "out_of_memory", "^killed by the kernel"),
    "numpy_raises": (
        "raise ValueError('broken')", "crashed", r"^ValueError: broken \(numpy_raises\.py:\d+\)$",
    ),
    "numpy_asks_too_much": ("np.empty(1 << 60, 'uint8')", "out_of_memory", r"MemoryError.*too_much\.py:\d"),
    "numpy_lacks": ("import nowhere_to_be_found", "unavailable", "No module named 'nowhere_to_be_found'"),
    "numpy_misspells": ("from . import numpy_manuel", "crashed", "^ImportError: cannot import name"),
    "numpy_misspells_more": (
        "import samestep.impls.two_layer.numpy_manuel", "crashed",
        "^ModuleNotFoundError: No module named 'samestep.impls",
    ),
    "numpy_nan": ("learning_rate = float('nan')", "invalid", "nan"),
    "numpy_forks": (  # the child lives on and keeps every pipe open
        "if os.fork() == 0: time.sleep(3600)\nos._exit(5)", "crashed", r"^exited with status 5$",
    ),
    "numpy_prints": (
        "print('{}'); print('x' * 100_000); os.write(1, b'junk\\n'); subprocess.run(['echo', 'more junk'])",
        "agree", None,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def hung(tmp_path_factory) -> Path:
    """Where the rung that hangs notes the ids of its processes."""
    return tmp_path_factory.mktemp("note") / "processes"


@pytest.fixture(scope="module")
def found(tmp_path_factory, hung) -> dict[str, Examination]:
    """All of them in one check, a good one before and one after them."""
    rungs = {name: doing(deed) for name, (deed, _, _) in DEEDS.items()}
    rungs |= {"numpy_hangs": hanging(hung), "numpy_a": GOOD, "numpy_z": GOOD}
    launcher = launcher_for(root(tmp_path_factory.mktemp("impls"), rungs), PATIENCE)
    results: dict[str, Examination] = {}
    check(launcher, cells_of(launcher), lambda one: results.__setitem__(one.cell.implementation, one))
    return results


@pytest.mark.slow
@pytest.mark.parametrize("name", DEEDS)
def test_each_misdeed_has_its_verdict_and_its_reason(found, name):
    _, verdict, reason = DEEDS[name]
    got = found[name].verdict
    assert got.verdict == verdict, got
    assert got.reason is None if reason is None else re.search(reason, got.reason), got


@pytest.mark.slow
@pytest.mark.parametrize("name", ["numpy_manual", "numpy_a", "numpy_z"])
def test_every_other_cell_still_gets_its_verdict(found, name):
    assert found[name].verdict.verdict == "agree"
    assert found[name].seconds > 0


@pytest.mark.slow
def test_a_failure_leaves_the_end_of_standard_error_or_a_traceback_in_the_record(found):
    assert found["numpy_complains"].stderr.endswith("the last words\n")
    assert "in train_step" in found["numpy_segfaults"].stderr
    assert found["numpy_raises"].stderr.splitlines()[-1] == "ValueError: broken"
    assert found["numpy_a"].stderr is None


@pytest.mark.slow
def test_a_hang_is_a_timeout_and_nothing_of_it_is_left(found, hung):
    verdict = found["numpy_hangs"].verdict
    assert (verdict.verdict, verdict.reason) == ("timeout", "no answer within 10 s")
    worker, child = map(int, hung.read_text().split())
    assert wait_until(lambda: gone(worker) and gone(child), 2)


def test_a_worker_that_the_check_itself_ended_gives_no_verdict(tmp_path, monkeypatch):
    launcher, results = launcher_for(root(tmp_path / "impls")), []
    pools, make, open_worker = [], WorkerPool.__init__, Launcher.open

    def noted(self: WorkerPool, places: list[list[int]]) -> None:
        pools.append(self)
        make(self, places)

    def interrupted(self: Launcher, worker: WorkerProcess, cell: Cell) -> None:
        pools[0].stop()
        open_worker(self, worker, cell)

    monkeypatch.setattr(WorkerPool, "__init__", noted)
    monkeypatch.setattr(Launcher, "open", interrupted)
    with pytest.raises(SamestepError, match=r"^stopped$"):
        check(launcher, cells_of(launcher), results.append)
    assert results == []
