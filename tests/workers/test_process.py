"""A worker is asked and answers, or says how it ended; afterwards nothing of it is left."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import psutil
import pytest

from samestep.catalog.cell import Cell
from samestep.errors import SamestepError
from samestep.frameworks import Settings
from samestep.measure import clock
from samestep.measure.machine_speed import Peak
from samestep.workers.launcher import Launcher
from samestep.workers.process import RequestFailed, WorkerLost, WorkerProcess
from samestep.workers.protocol import Import, Imported, MeasurePeak, Open, Opened, Prepare, ReadMemory
from tests.made.launching import cells_of, examined, launcher_for, reason_of
from tests.made.rungs import doing, gone, hanging, root, wait_until

pytestmark = pytest.mark.process

OPEN = Open("numpy", Settings())


@pytest.fixture
def launcher(tmp_path) -> Launcher:
    return launcher_for(root(tmp_path / "impls"))


@pytest.fixture
def cell(launcher) -> Cell:
    (cell,) = cells_of(launcher)
    return cell


def test_each_request_has_its_own_type_of_answer(launcher, cell):
    with launcher.start(cell) as worker:
        opened = launcher.open(worker, cell)
        imported = worker.ask(Import("numpy"), 60)
    assert isinstance(opened, Opened)
    assert opened.facts.threads == 1
    assert set(opened.facts.versions) == {"numpy"}
    assert imported == Imported(opened.facts.versions["numpy"])


def test_a_request_that_raises_leaves_the_worker_alive(launcher, cell):
    with launcher.start(cell) as worker:
        with pytest.raises(RequestFailed) as failed:
            worker.ask(Import("abacus"), 60)
        assert worker.ask(Import("numpy"), 60).version
    assert failed.value.verdict.verdict == "unavailable"
    assert str(failed.value).startswith("no adapter: write frameworks/abacus.py, or name the file")
    assert failed.value.stderr.startswith("Traceback")


def test_a_mistake_of_the_users_is_raised_as_one(launcher, cell):
    with launcher.start(cell) as worker:
        launcher.open(worker, cell)
        with pytest.raises(SamestepError, match="rigged/numpy_gone is gone"):
            examined(launcher, worker, replace(cell, implementation="numpy_gone"))
        assert examined(launcher, worker, cell).verdict == "agree"


def test_a_hung_worker_is_gone_with_its_children_within_its_limit_and_two_seconds(tmp_path):
    note = tmp_path / "processes"
    launcher = launcher_for(root(tmp_path / "impls", {"numpy_hangs": hanging(note)}))
    (cell,) = cells_of(launcher, "rigged/numpy_hangs")
    with launcher.start(cell) as worker:
        launcher.open(worker, cell)
        with launcher.judge(cell) as judge:
            launcher.examine(judge, worker, replace(cell, implementation="numpy_manual"))
            began = clock.now()
            with pytest.raises(WorkerLost, match="no answer within 1 s"):
                replace(launcher, patience=1).examine(judge, worker, cell)
    assert clock.now() - began < 3
    assert note.exists(), "it had not hung yet"
    assert wait_until(lambda: all(gone(int(number)) for number in note.read_text().split()), 2)


def test_a_worker_that_is_gone_before_it_is_asked_says_how_it_ended(launcher, cell):
    with launcher.start(cell) as worker:
        launcher.open(worker, cell)
        os.kill(worker.process.pid, signal.SIGTERM)
        worker.process.wait()
        with pytest.raises(WorkerLost, match="ended by SIGTERM"):
            worker.ask(Import("numpy"), 60)


def test_a_finished_worker_is_gone(launcher, cell):
    with launcher.start(cell) as worker:
        launcher.open(worker, cell)
        started = worker.process.pid
    assert gone(started)
    assert worker.connection.socket.fileno() == -1


def test_a_worker_that_another_thread_just_ended_can_be_killed(launcher, cell, monkeypatch):
    with launcher.start(cell) as worker:
        worker.stop()
        monkeypatch.setattr(worker.process, "poll", lambda: None)  # what it says while that thread waits
        worker.kill()
    assert gone(worker.process.pid)


def test_its_memory_is_its_own_and_not_its_parents(launcher, cell):
    held = b"x" * (1 << 28)
    with launcher.start(cell) as worker:
        launcher.open(worker, cell)
        rss = psutil.Process(worker.process.pid).memory_info().rss
        worker.ask(Prepare(launcher.subject(cell)), 60)
        peak = worker.ask(ReadMemory(), 60).peak_memory_bytes
    assert rss <= peak < len(held)


def test_the_memory_of_a_rung_is_not_that_of_the_product_that_shows_the_machines_peak(launcher, cell):
    with launcher.start(cell) as worker:
        launcher.open(worker, cell)
        worker.ask(Prepare(launcher.subject(cell)), 60)
        before = psutil.Process(worker.process.pid).memory_info().rss
        worker.ask(MeasurePeak(), 60)
        after = psutil.Process(worker.process.pid).memory_info().rss
        recorded = worker.ask(ReadMemory(), 60).peak_memory_bytes
    matrix = 4 * Peak.SIZE**2
    assert after > before + 2 * matrix
    assert recorded < before + matrix


def test_an_interpreter_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(SamestepError, match=r"/no/such/python cannot be started: No such file or directory"):
        WorkerProcess(Settings(), python="/no/such/python")
    text = tmp_path / "text"
    text.write_text("no program")
    with pytest.raises(SamestepError, match="cannot be started: Permission denied"):
        WorkerProcess(Settings(), python=str(text))


def test_an_interpreter_that_is_not_python_is_a_crash():
    with WorkerProcess(Settings(), python="/bin/false") as worker, pytest.raises(WorkerLost) as lost:
        worker.ask(OPEN, 60)
    assert lost.value.verdict.verdict == "crashed"
    assert lost.value.verdict.reason.startswith("exited with status 1")


def test_the_current_directory_shadows_nothing(tmp_path, monkeypatch):
    for name in ("numpy", "samestep", "json"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('from the current directory')")
    monkeypatch.chdir(tmp_path)
    with WorkerProcess(Settings()) as worker:
        assert worker.ask(OPEN, 60).facts.versions["numpy"]


# -- what the launcher gives each worker -----------------------------------------------------------------


def test_compilers_find_nothing_that_another_cell_left_where_caches_are_separate(tmp_path):
    shows = doing("raise ValueError(os.environ['TORCHINDUCTOR_CACHE_DIR'])")
    folder = root(tmp_path / "impls", {"numpy_b": shows, "numpy_c": shows})
    launcher = launcher_for(folder, cache=tmp_path / "caches", separate_caches=True)
    (b,), (c,) = cells_of(launcher, "rigged/numpy_b"), cells_of(launcher, "rigged/numpy_c")
    assert reason_of(launcher, b) == reason_of(launcher, b) != reason_of(launcher, c)
    assert f"ValueError: {launcher.cache}{os.sep}" in reason_of(launcher, b)
    shared = replace(launcher, separate_caches=False)
    assert f"ValueError: {launcher.cache}{os.sep}inductor (" in reason_of(shared, b)


def test_threads_are_bound_to_as_many_processors(tmp_path):
    shows = doing("raise ValueError(f'{sorted(os.sched_getaffinity(0))} {os.environ[\"OMP_NUM_THREADS\"]}')")
    launcher = launcher_for(root(tmp_path / "impls", {"numpy_shows": shows}))
    (cell,) = cells_of(launcher, "rigged/numpy_shows")
    last = max(os.sched_getaffinity(0))
    assert f"ValueError: [{last}] 1" in reason_of(launcher, cell, bound_to=[last])


def test_temporary_files_lie_beside_the_compilers_and_old_ones_go(tmp_path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    young, old = folder / "young", folder / "old"
    for path in (young, old):
        path.touch()
    os.utime(old, (0, 0))
    shows = doing("import tempfile; raise ValueError(tempfile.gettempdir())")
    launcher = launcher_for(root(tmp_path / "impls", {"numpy_shows": shows}), cache=tmp_path)
    (cell,) = cells_of(launcher, "rigged/numpy_shows")
    assert f"ValueError: {folder}" in reason_of(launcher, cell)
    assert list(folder.iterdir()) == [young]


def test_nothing_breaks_where_no_folder_for_temporary_files_can_be_made(tmp_path):
    (tmp_path / "taken").touch()
    with WorkerProcess(Settings(), cache=tmp_path / "taken") as worker:
        assert worker.ask(OPEN, 60).facts.versions["numpy"]


def test_another_python_is_the_one_that_answers(tmp_path, foreign_python):
    shows = doing("raise ValueError(sys.executable)")
    folder = root(tmp_path / "impls", {"numpy_shows": shows})
    launcher = launcher_for(folder, pythons={"numpy": str(foreign_python)})
    (cell,) = cells_of(launcher, "rigged/numpy_shows")
    assert f"ValueError: {foreign_python}" in reason_of(launcher, cell)
