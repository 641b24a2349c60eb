"""However a run ends, no process and no folder of it is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from samestep.jobs.check import check
from samestep.workers import cleanup
from samestep.workers.cleanup_process import VARIABLE, clean, watched
from tests.made.launching import cells_of, launcher_for
from tests.made.places import CHECKOUT
from tests.made.rungs import command, doing, gone, hanging, root, running, wait_until

process = pytest.mark.process


# -- the functions of the cleanup process ----------------------------------------------------------------


A, B, FOLDER = '["+", 12, "a"]', '["+", 13, "b"]', '["+", "/tmp/a b", [1, 2]]'


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        ([], {}),
        ([A, FOLDER], {12: "a", "/tmp/a b": [1, 2]}),
        ([A, B, '["-", 12]'], {13: "b"}),
        ([A, '["-", 12]', '["+", 12, "c"]'], {12: "c"}),  # the number is another group's now
        (['["-", 12]', B], {13: "b"}),
        ([A, A, '["-", 12]'], {}),
        (['["+", "/tmp/a b", null]', FOLDER], {"/tmp/a b": [1, 2]}),
        ([A, '["+", "/tmp/tor'], {12: "a"}),  # the parent died while it wrote
        (['["+", "/a\\n+/b", null]'], {"/a\n+/b": None}),
    ],
)
def test_what_was_added_and_not_taken_back_is_watched(lines, left):
    assert watched(f"{line}\n" for line in lines) == left


def made(folder: Path) -> list[int]:
    found = folder.lstat()
    return [found.st_dev, found.st_ino]


def test_only_the_very_folder_that_was_made_is_deleted(tmp_path):
    names = ("mine", "replaced", "linked", "unsure", "unsure and full", "theirs")
    folders = {name: tmp_path / name for name in names}
    for folder in folders.values():
        folder.mkdir()
        (folder / "inside").touch()
    left = {str(folders[name]): made(folders[name]) for name in ("mine", "replaced", "linked")}
    for name in ("replaced", "linked"):
        folders[name].rename(tmp_path / f"{name} before")
    folders["replaced"].mkdir()
    folders["linked"].symlink_to(folders["theirs"])
    (folders["unsure"] / "inside").unlink()
    clean({**left, **{str(folders[name]): None for name in ("unsure", "unsure and full")}, "/nowhere": None})
    assert {name for name in names if not folders[name].exists()} == {"mine", "unsure"}
    assert (folders["theirs"] / "inside").exists()


def marked(mark: str) -> dict[str, str]:
    return {**os.environ, VARIABLE: mark}


@process
def test_groups_are_killed_with_what_left_them_and_folders_deleted(tmp_path):
    leader = """
import subprocess
for own in (False, True):
    print(subprocess.Popen(["sleep", "600"], stdout=2, start_new_session=own).pid, flush=True)
input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", leader], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        env=marked("the mark"),
    ) as started:  # fmt: skip
        children = [int(started.stdout.readline()) for _ in range(2)]
        (tmp_path / "gone" / "inner").mkdir(parents=True)
        clean({str(tmp_path / "gone"): made(tmp_path / "gone"), started.pid: "the mark"})
        assert started.wait(5) == -signal.SIGKILL
    assert wait_until(lambda: all(map(gone, children)), 5)
    assert not list(tmp_path.iterdir())
    clean({4194303: "the mark"})  # a group that has ended is no error


@process
def test_a_group_whose_number_is_another_process_now_is_left_alone():
    with subprocess.Popen(["sleep", "600"], start_new_session=True, env=marked("another")) as other:
        clean({other.pid: "the mark"})
        assert other.poll() is None
        other.kill()


# -- the process -----------------------------------------------------------------------------------------


@process
def test_what_was_taken_back_is_left_alone():
    script = """
import os, signal, subprocess
from samestep.jobs.check import check
from samestep.workers import cleanup

groups = []
for mark in "ab":
    more = {"start_new_session": True, "env": {**os.environ, "SAMESTEP_WORKER": mark}}
    groups.append(subprocess.Popen(["sleep", "600"], stdout=2, **more).pid)
    cleanup.watch(groups[-1], mark)
group = groups[-1]
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


@process
def test_a_name_of_several_lines_deletes_nothing_else(tmp_path):
    (theirs := tmp_path / "theirs").mkdir()
    (place := tmp_path / f"a\n+{theirs}\n").mkdir(parents=True)
    script = """
import os, signal
from samestep.jobs.check import check
from samestep.workers import cleanup

with cleanup.temporary_folder() as folder:
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, env={**os.environ, "TMPDIR": str(place)})
    assert wait_until(lambda: not list(place.iterdir()), 5)
    assert theirs.exists()


@process
def test_a_double_fork_ends_with_its_worker(tmp_path):
    note = tmp_path / "note"
    far = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    deed = f"""
        if step == 1 and os.fork() == 0:
            os.setsid()
            subprocess.Popen([sys.executable, "-c", {far!r}], env={{}}, start_new_session=True)
            os._exit(0)
        while not os.path.exists({str(note)!r}):
            time.sleep(0.01)
    """
    launcher = launcher_for(root(tmp_path / "impls", {"numpy_forks": doing(deed)}))
    check(launcher, cells_of(launcher, "rigged:small/numpy_forks"), lambda _: None)
    assert gone(int(note.read_text()))


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
