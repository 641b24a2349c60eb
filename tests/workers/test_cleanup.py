"""However a run ends, no process and no folder of it is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from samestep.workers import cleanup
from samestep.workers.cleanup_process import clean, watched
from tests.made.launching import cells_of, launcher_for
from tests.made.places import CHECKOUT
from tests.made.rungs import command, gone, hanging, root, running, wait_until

process = pytest.mark.process


# -- the functions of the cleanup process ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        ([], []),
        (["+12\n", "+/tmp/a b\n"], ["12", "/tmp/a b"]),
        (["+12\n", "+13\n", "-12\n"], ["13"]),
        (["+12\n", "-12\n", "+12\n"], ["12"]),  # the number is another group's now
        (["-12\n", "+13\n"], ["13"]),
        (["+12\n", "+12\n", "-12\n"], []),
        (["+12\n", "+/tmp/torn"], ["12", "/tmp/torn"]),  # the parent died while it wrote
    ],
)
def test_what_was_added_and_not_taken_back_is_watched(lines, left):
    assert watched(lines) == left


@process
def test_groups_are_killed_and_folders_deleted(tmp_path):
    leader = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", leader], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as started:
        child = int(started.stdout.readline())
        (tmp_path / "gone" / "inner").mkdir(parents=True)
        (tmp_path / "kept").mkdir()
        clean([str(tmp_path / "gone"), str(started.pid), str(tmp_path / "never made")])
        assert started.wait(5) == -signal.SIGKILL
    assert wait_until(lambda: gone(child), 5)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    clean(["4194303"])  # a group that has ended is no error


# -- the process -----------------------------------------------------------------------------------------


@process
def test_what_was_taken_back_is_left_alone():
    script = """
import os, signal, subprocess
from samestep.workers import cleanup

groups = [subprocess.Popen(["sleep", "600"], stdout=2, start_new_session=True).pid for _ in range(2)]
for group in groups:
    cleanup.watch(group)
cleanup.forget(group)
with cleanup.temporary_folder() as folder:
    (folder / "inside").touch()
    print(*groups, folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    killed, left, folder = done.stdout.split()
    assert wait_until(lambda: gone(int(killed)) and not Path(folder).exists(), 5)
    assert not gone(int(left))
    os.kill(int(left), signal.SIGKILL)


def test_a_temporary_folder_is_empty_and_private_and_deleted_after_an_error():
    with pytest.raises(ValueError, match="broken"), cleanup.temporary_folder() as folder:  # noqa: PT012
        assert list(folder.iterdir()) == []
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "inside").touch()
        raise ValueError("broken")
    assert not folder.exists()


@process
def test_a_run_goes_on_without_its_cleanup_process(tmp_path, monkeypatch):
    with cleanup.temporary_folder():
        pass
    os.kill(cleanup._process.pid, signal.SIGKILL)
    cleanup._process.wait()
    launcher = launcher_for(root(tmp_path / "impls"))
    (cell,) = cells_of(launcher)
    with launcher.start(cell) as worker:
        assert launcher.open(worker, cell).facts.versions["numpy"]
    cleanup._process = None


@process
@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("name", ["check", "bench"])
def test_a_command_that_is_stopped_leaves_no_process_and_no_folder(tmp_path, name, how):
    note, temporary = tmp_path / "processes", tmp_path / "tmp"
    temporary.mkdir()
    folder = root(tmp_path / "impls", {"numpy_hangs": hanging(note)})
    asked = command(name, "rigged", "--impls", folder, "--dtype", "float32")
    settings = running()
    settings["env"] = {**settings["env"], "TMPDIR": str(temporary)}
    with subprocess.Popen([*asked, "--out", tmp_path] if name == "bench" else asked, **settings) as parent:
        assert wait_until(note.exists)
        worker, child = map(int, note.read_text().split())
        parent.send_signal(how)
        _, errors = parent.communicate(timeout=30)
    if how == signal.SIGINT:
        assert parent.returncode == 3
        assert errors.splitlines()[-1] == "samestep: interrupted; what was recorded is kept"
        assert gone(worker)
        assert gone(child)
        assert not list(temporary.iterdir())
    assert wait_until(lambda: gone(worker) and gone(child) and not list(temporary.iterdir()), 5)
