"""Whatever a worker does, its cell gets a verdict, the others go on, and nothing of it is left behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from samestep.catalog.catalog import Catalog
from samestep.catalog.selection import Cell, Options, select
from samestep.errors import SamestepError
from samestep.measure import clock
from samestep.measure.timed_tasks import Peak
from samestep.workers import cleanup
from samestep.workers.launcher import Workshop, check
from samestep.workers.process import WorkerLost, WorkerProcess, environment, inherited, processors
from tests.made.rungs import CHECKOUT, GOOD, command, doing, gone, hanging, root, running, wait_until

SETTINGS = {"dtype": "float32", "device": "cpu", "threads": 1, "matmul": "float32"}
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
        "import samestep.impls.two_layer.numpy_manuel", "crashed", "^ModuleNotFoundError: No module named 'samestep.impls",
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


def workshop(folder: Path, patience: float = 120) -> Workshop:
    return Workshop(Catalog([folder]), roots=[folder], patience=patience)


def cells(shop: Workshop, selector: str = "rigged") -> list[Cell]:
    return select(shop.catalog, [selector], Options())


@pytest.fixture(scope="module")
def hung(tmp_path_factory) -> Path:
    """Where the rung that hangs notes the ids of its processes."""
    return tmp_path_factory.mktemp("note") / "processes"


@pytest.fixture(scope="module")
def answers(tmp_path_factory, hung) -> dict[str, dict]:
    """All of them in one check, a good one before and one after them."""
    rungs = {name: doing(deed) for name, (deed, _, _) in DEEDS.items()}
    rungs |= {"numpy_hangs": hanging(hung), "numpy_a": GOOD, "numpy_z": GOOD}
    shop = workshop(root(tmp_path_factory.mktemp("impls"), rungs), PATIENCE)
    heard: dict[str, dict] = {}
    check(shop, cells(shop), lambda cell, answer: heard.__setitem__(cell.implementation, answer))
    return heard


@pytest.mark.parametrize("name", DEEDS)
def test_each_misdeed_has_its_verdict_and_its_reason(answers, name):
    _, verdict, reason = DEEDS[name]
    got = answers[name]["verdict"]
    assert got["verdict"] == verdict, got
    assert got["reason"] is None if reason is None else re.search(reason, got["reason"]), got


@pytest.mark.parametrize("name", ["numpy_manual", "numpy_a", "numpy_z"])
def test_every_other_cell_still_gets_its_verdict(answers, name):
    assert answers[name]["verdict"]["verdict"] == "agree"


def test_a_crash_leaves_the_end_of_standard_error_in_the_record(answers):
    assert answers["numpy_complains"]["stderr"].endswith("the last words\n")
    assert "in train_step" in answers["numpy_segfaults"]["stderr"]


def test_a_hang_is_a_timeout_and_nothing_of_it_is_left(answers, hung):
    verdict = answers["numpy_hangs"]["verdict"]
    assert (verdict["verdict"], verdict["reason"]) == ("timeout", "no answer within 10 s")
    worker, child = map(int, hung.read_text().split())
    assert wait_until(lambda: gone(worker) and gone(child), 2)


def test_a_hung_worker_is_gone_with_its_children_within_its_limit_and_two_seconds(tmp_path):
    note = tmp_path / "processes"
    shop = workshop(root(tmp_path / "impls", {"numpy_hangs": hanging(note)}))
    (cell,) = cells(shop, "rigged/numpy_hangs")
    with shop.start(cell) as worker:
        worker.open()
        began = clock.now()
        with pytest.raises(WorkerLost, match="no answer within 1 s"):
            worker.ask(shop.request("check", cell), 1)
    assert clock.now() - began < 3
    assert note.exists(), "it had not hung yet"
    assert wait_until(lambda: all(gone(int(number)) for number in note.read_text().split()), 2)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("what", ["check", "bench"])
def test_a_command_that_is_stopped_leaves_no_process_and_no_folder(tmp_path, what, how):
    note, temporary = tmp_path / "processes", tmp_path / "tmp"
    temporary.mkdir()
    folder = root(tmp_path / "impls", {"numpy_hangs": hanging(note)})
    asked = command(what, "rigged", "--impls", folder, "--dtype", "float32")
    settings = running()
    settings["env"] = {**settings["env"], "TMPDIR": str(temporary)}
    with subprocess.Popen([*asked, "--out", tmp_path] if what == "bench" else asked, **settings) as parent:
        assert wait_until(note.exists)
        worker, child = map(int, note.read_text().split())
        parent.send_signal(how)
        _, said = parent.communicate(timeout=30)
    if how == signal.SIGINT:
        assert parent.returncode == 3
        assert said.splitlines()[-1] == "samestep: interrupted; what was recorded is kept"
        assert gone(worker)
        assert gone(child)
        assert not list(temporary.iterdir())
    assert wait_until(lambda: gone(worker) and gone(child) and not list(temporary.iterdir()), 5)


def test_the_janitor_leaves_alone_what_was_taken_back():
    asked = """
import os, signal, subprocess
from samestep import janitor

groups = [subprocess.Popen(["sleep", "600"], stdout=2, start_new_session=True).pid for _ in range(2)]
for group in groups:
    janitor.watch(group)
janitor.forget(group)
with janitor.temporary_folder() as folder:
    (folder / "inside").touch()
    print(*groups, folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", asked], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    killed, left, folder = done.stdout.split()
    assert wait_until(lambda: gone(int(killed)) and not Path(folder).exists(), 5)
    assert not gone(int(left))
    os.kill(int(left), signal.SIGKILL)


def test_a_run_goes_on_without_its_janitor(tmp_path):
    with cleanup.temporary_folder():
        pass
    os.kill(cleanup._janitor.pid, signal.SIGKILL)
    cleanup._janitor.wait()
    shop = workshop(root(tmp_path / "impls"))
    (cell,) = cells(shop)
    with shop.start(cell) as worker:
        assert worker.open()["ok"]
    cleanup._janitor = None


def test_a_workshop_that_was_stopped_starts_no_worker(tmp_path):
    shop = workshop(root(tmp_path / "impls"))
    (cell,) = cells(shop)
    with shop.start(cell) as worker:
        shop.stop()
        with pytest.raises(WorkerLost):
            worker.open()
        with pytest.raises(SamestepError, match="stopped"):
            shop.start(cell)


def test_a_worker_that_is_gone_before_it_is_asked_says_how_it_ended(tmp_path):
    shop = workshop(root(tmp_path / "impls"))
    (cell,) = cells(shop)
    with shop.start(cell) as worker:
        worker.open()
        os.kill(worker.process.pid, signal.SIGTERM)
        worker.process.wait()
        with pytest.raises(WorkerLost, match="ended by SIGTERM"):
            worker.ask(shop.request("check", cell), 60)


def test_a_finished_worker_is_gone(tmp_path):
    shop = workshop(root(tmp_path / "impls"))
    (cell,) = cells(shop)
    with shop.start(cell) as worker:
        assert worker.open()["ok"]
        started = worker.process.pid
    assert gone(started)
    assert worker.process.stdin.closed
    assert worker.process.stdout.closed


def test_its_memory_is_its_own_and_not_its_parents(tmp_path):
    shop = workshop(root(tmp_path / "impls"))
    (cell,) = cells(shop)
    held = b"x" * (1 << 28)
    with shop.start(cell) as worker:
        worker.open()
        rss = psutil.Process(worker.process.pid).memory_info().rss
        worker.ask({**shop.request("prepare", cell), "loops": None}, 60)
        peak = worker.ask(shop.request("confirm", cell), 60)["peak_memory_bytes"]
    assert rss <= peak < len(held)


def test_the_memory_of_a_rung_is_not_that_of_the_product_that_shows_the_machines_peak(tmp_path):
    shop = workshop(root(tmp_path / "impls"))
    (cell,) = cells(shop)
    with shop.start(cell) as worker:
        worker.open()
        worker.ask({**shop.request("prepare", cell), "loops": None}, 60)
        before = psutil.Process(worker.process.pid).memory_info().rss
        worker.ask({"op": "measure_peak"}, 60)
        after = psutil.Process(worker.process.pid).memory_info().rss
        told = worker.ask(shop.request("confirm", cell), 60)["peak_memory_bytes"]
    matrix = 4 * Peak.SIZE**2
    assert after > before + 2 * matrix
    assert told < before + matrix


def test_by_cell_compilers_find_nothing_that_another_cell_left(tmp_path):
    tells = doing("raise ValueError(os.environ['TORCHINDUCTOR_CACHE_DIR'])")
    shop = workshop(root(tmp_path / "impls", {"numpy_b": tells, "numpy_c": tells}))
    shop.cache, shop.by_cell = tmp_path / "caches", True

    def folder(cell: Cell) -> str:
        with shop.start(cell) as worker:
            worker.open(60)
            return str(worker.ask(shop.request("check", cell), 60)["verdict"]["reason"])

    (b,), (c,) = cells(shop, "rigged/numpy_b"), cells(shop, "rigged/numpy_c")
    assert folder(b) == folder(b) != folder(c)
    assert f"ValueError: {shop.cache}{os.sep}" in folder(b)


def test_an_interpreter_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(SamestepError, match=r"/no/such/python cannot be started: No such file or directory"):
        WorkerProcess("numpy", SETTINGS, python="/no/such/python")
    text = tmp_path / "text"
    text.write_text("no program")
    with pytest.raises(SamestepError, match="cannot be started: Permission denied"):
        WorkerProcess("numpy", SETTINGS, python=str(text))


def test_what_is_no_python_is_a_crash():
    with WorkerProcess("numpy", SETTINGS, python="/bin/false") as worker, pytest.raises(WorkerLost) as lost:
        worker.open(60)
    assert lost.value.verdict.verdict == "crashed"
    assert lost.value.verdict.reason.startswith("exited with status 1")


# -- the environment -------------------------------------------------------------------------------------


@pytest.fixture
def foreign(tmp_path) -> Path:
    """Another Python, which has NumPy and threadpoolctl and nothing else of this one's."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    (packages,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    for name in ("numpy", "numpy.libs", "threadpoolctl.py"):
        (found,) = {Path(p) / name for p in sys.path if (Path(p) / name).exists()} or {None}
        if found:
            (packages / name).symlink_to(found)
    return tmp_path / "venv" / "bin" / "python"


def test_another_python_takes_samestep_from_here_and_nothing_else(tmp_path, foreign):
    """samestep lies in this Python's site-packages, beside a NumPy that the other one could not use."""
    site = tmp_path / "site-packages"
    ignored = shutil.ignore_patterns("__pycache__", "sample")
    shutil.copytree(CHECKOUT / "harness/samestep", site / "samestep", ignore=ignored)
    shutil.copytree(CHECKOUT / "impls", site / "samestep/impls", ignore=ignored, dirs_exist_ok=True)
    for name in ("numpy", "threadpoolctl", "json"):
        (site / f"{name}.py").write_text("raise ImportError('of another Python')")
    start = f"import sys; sys.path.append({str(site)!r}); from samestep.commands.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", start, "check", "two_layer:tiny/numpy_manual", "--json",
         "--python", f"numpy={foreign}"],
        **{**running(), "cwd": tmp_path}, timeout=120,
    )  # fmt: skip
    assert [cell["verdict"] for cell in json.loads(done.stdout)["cells"]] == ["agree", "agree"], done


def test_another_python_is_the_one_that_answers(tmp_path, foreign):
    folder = root(tmp_path / "impls", {"numpy_tells": doing("raise ValueError(sys.executable)")})
    shop = workshop(folder)
    shop.pythons["numpy"] = str(foreign)
    (cell,) = cells(shop, "rigged/numpy_tells")
    with shop.start(cell) as worker:
        worker.open()
        reason = worker.ask(shop.request("check", cell), 60)["verdict"]["reason"]
    assert f"ValueError: {foreign}" in reason


def test_the_current_directory_shadows_nothing(tmp_path, monkeypatch):
    for name in ("numpy", "samestep", "json"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('from the current directory')")
    monkeypatch.chdir(tmp_path)
    with WorkerProcess("numpy", SETTINGS) as worker:
        assert worker.open(60)["ok"]


def test_temporary_files_lie_beside_the_compilers_and_old_ones_go(tmp_path):
    folder = tmp_path / "temporary"
    with WorkerProcess("numpy", SETTINGS, cache=tmp_path):
        young, old = folder / "young", folder / "old"
        for path in (young, old):
            path.touch()
        os.utime(old, (0, 0))
    tells = doing("import tempfile; raise ValueError(tempfile.gettempdir())")
    shop = workshop(root(tmp_path / "impls", {"numpy_tells": tells}))
    shop.cache = tmp_path
    (cell,) = cells(shop, "rigged/numpy_tells")
    with shop.start(cell) as worker:
        worker.open(60)
        assert f"ValueError: {folder}" in worker.ask(shop.request("check", cell), 60)["verdict"]["reason"]
    assert list(folder.iterdir()) == [young]


def test_nothing_breaks_where_no_folder_for_temporary_files_can_be_made(tmp_path):
    (tmp_path / "taken").touch()
    with WorkerProcess("numpy", SETTINGS, cache=tmp_path / "taken") as worker:
        assert worker.open(60)["ok"]


def test_threads_are_bound_to_as_many_processors(tmp_path):
    tells = doing("raise ValueError(f'{sorted(os.sched_getaffinity(0))} {os.environ[\"OMP_NUM_THREADS\"]}')")
    shop = workshop(root(tmp_path / "impls", {"numpy_tells": tells}))
    (cell,) = cells(shop, "rigged/numpy_tells")
    last = max(os.sched_getaffinity(0))
    with shop.start(cell, bound_to=[last]) as worker:
        assert worker.open()["threads"] == 1
        assert f"ValueError: [{last}] 1" in worker.ask(shop.request("check", cell), 60)["verdict"]["reason"]


def test_the_processors_of_workers_side_by_side_are_disjoint(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {4, 1, 2, 7, 9})
    assert processors(1) == [[1], [2], [4], [7], [9]]
    assert processors(2) == [[1, 2], [4, 7]]
    assert processors(5) == [[1, 2, 4, 7, 9]]


def test_a_worker_for_the_cpu_sees_no_gpu_and_caches_are_the_runs_own(tmp_path):
    variables = environment("cpu", 3, tmp_path)
    assert variables["CUDA_VISIBLE_DEVICES"] == "-1"
    assert variables["JAX_PLATFORMS"] == "cpu"
    assert {variables[name] for name in variables if name.endswith("_NUM_THREADS")} == {"3"}
    assert Path(variables["TORCHINDUCTOR_CACHE_DIR"]).is_relative_to(tmp_path)
    assert "CUDA_VISIBLE_DEVICES" not in environment("gpu", 1)


def test_what_else_steers_a_worker_is_known(monkeypatch):
    before = inherited("cpu")
    for name, value in {
        "OPENBLAS_CORETYPE": "Haswell",  # slower kernels than the processor's own
        "OMP_NUM_THREADS": "7",  # is set anew for a worker
        "CUDA_HOME": "/usr/local/cuda",  # a place
        "CUDA_VISIBLE_DEVICES": "3",  # is set anew for a worker on the CPU only
        "EDITOR": "vi",
        "TF_CLI_CONFIG_FILE": "/home/me/.terraformrc",  # of another program
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "LD_PRELOAD": "/usr/lib/libtcmalloc.so.4:/opt/a/libb.so",
        "XLA_FLAGS": "--xla_cpu_use_thunk_runtime=false --xla_dump_to=/tmp/me/x",
    }.items():
        monkeypatch.setenv(name, value)
    assert inherited("cpu") == {
        **before,
        "OPENBLAS_CORETYPE": "Haswell",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "LD_PRELOAD": "libtcmalloc.so.4:libb.so",
        "XLA_FLAGS": "--xla_cpu_use_thunk_runtime=false --xla_dump_to=x",
    }
    assert inherited("gpu")["CUDA_VISIBLE_DEVICES"] == "3"


def test_a_worker_that_we_ended_ourselves_says_nothing_of_its_cell(tmp_path, monkeypatch):
    shop, heard = workshop(root(tmp_path / "impls")), []
    start = Workshop.start

    def interrupted(self: Workshop, cell: Cell, place: list[int]) -> WorkerProcess:
        worker = start(self, cell, place)
        self.stop()
        return worker

    monkeypatch.setattr(Workshop, "start", interrupted)
    with pytest.raises(SamestepError, match="stopped"):
        check(shop, cells(shop), lambda cell, answer: heard.append(cell))
    assert heard == []


def test_a_worker_that_another_thread_just_ended_can_be_killed(tmp_path, monkeypatch):
    shop = workshop(root(tmp_path / "impls"))
    (cell,) = cells(shop)
    with shop.start(cell) as worker:
        worker.stop()
        monkeypatch.setattr(worker.process, "poll", lambda: None)  # what it says while that thread waits
        shop.stop()
    assert gone(worker.process.pid)
