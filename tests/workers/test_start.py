"""The first file of a worker's process: samestep is taken from its folder, and nothing else is."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from samestep.workers import start as start_file
from tests.made.places import CHECKOUT
from tests.made.rungs import gone, running, wait_until


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with a samestep whose server notes where it comes from, beside a NumPy that is broken."""
    workers = tmp_path / "site" / "samestep" / "workers"
    workers.mkdir(parents=True)
    (workers.parent / "__init__.py").write_text("")
    (workers / "__init__.py").write_text("")
    (workers / "server.py").write_text(
        "import json, os, sys\n"
        "def main(descriptor):\n"
        "    print(json.dumps([__file__, sorted(os.sched_getaffinity(0)), sys.path, descriptor]))\n"
    )
    (tmp_path / "site" / "numpy.py").write_text("raise ImportError('of another Python')")
    return tmp_path / "site"


@pytest.fixture
def _restored(monkeypatch):
    """The modules of samestep, the affinity and the signal as they were before the test."""
    ours = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "samestep"}
    affinity = os.sched_getaffinity(0)
    for name in ours:
        monkeypatch.delitem(sys.modules, name)
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "samestep"]:
        del sys.modules[name]
    sys.modules.update(ours)
    os.sched_setaffinity(0, affinity)
    start_file.ctypes.CDLL(None).prctl(start_file.PR_SET_PDEATHSIG, 0)


@pytest.mark.usefixtures("_restored")
def test_it_binds_itself_and_serves_with_the_samestep_of_the_folder(folder, capsys):
    last = max(os.sched_getaffinity(0))
    start_file.start(str(folder), [last], "server", 7)
    file, processors, path, descriptor = json.loads(capsys.readouterr().out)
    assert Path(file) == folder / "samestep" / "workers" / "server.py"
    assert processors == [last]
    assert str(folder) not in path
    assert descriptor == 7


@pytest.mark.usefixtures("_restored")
def test_a_folder_without_samestep_is_an_error_that_names_it(tmp_path):
    with pytest.raises(ImportError, match=f"^no samestep in {tmp_path}$"):
        start_file.start(str(tmp_path), sorted(os.sched_getaffinity(0)), "server", 7)


@pytest.mark.process
def test_a_worker_does_not_outlive_its_parent():
    parent = (
        "import time\n"
        "from samestep.frameworks import Settings\n"
        "from samestep.workers import cleanup\n"
        "from samestep.workers.process import WorkerProcess\n"
        "from samestep.workers.protocol import Import\n"
        "cleanup.watch = lambda group, mark: None\n"  # the kernel alone ends it
        "worker = WorkerProcess(Settings())\n"
        "worker.ask(Import('numpy'), 60)\n"  # it serves: the signal is set
        "print(worker.process.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as started:
        worker = int(started.stdout.readline())
        assert not gone(worker)
        started.send_signal(signal.SIGKILL)
    assert wait_until(lambda: gone(worker), 5)


@pytest.mark.process
def test_another_python_takes_samestep_from_here_and_nothing_else(tmp_path, foreign_python):
    """samestep lies in this Python's site-packages, beside a NumPy that the other one could not use."""
    site = tmp_path / "site-packages"
    ignored = shutil.ignore_patterns("__pycache__", "sample")
    shutil.copytree(CHECKOUT / "harness/samestep", site / "samestep", ignore=ignored)
    shutil.copytree(CHECKOUT / "impls", site / "samestep/impls", ignore=ignored, dirs_exist_ok=True)
    for name in ("numpy", "threadpoolctl", "json"):
        (site / f"{name}.py").write_text("raise ImportError('of another Python')")
    begin = f"import sys; sys.path.append({str(site)!r}); from samestep.commands.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", begin, "check", "two_layer:tiny/numpy_manual", "--json",
         "--python", f"numpy={foreign_python}"],
        **{**running(), "cwd": tmp_path}, timeout=120,
    )  # fmt: skip
    assert [cell["verdict"] for cell in json.loads(done.stdout)["cells"]] == ["agree", "agree"], done
