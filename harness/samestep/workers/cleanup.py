"""Nothing outlives a run that is killed: a process of its own waits for that, and cleans up.

The kernel ends a worker with its parent, but not what the worker has started, and leaves the folder of the
run's compilers' caches where it is. `samestep.workers.cleanup_process` reads a pipe that only this process
can write to; when that ends, so has this process, and whatever it did not take back is killed or deleted.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

SCRIPT = Path(__file__).with_name("cleanup_process.py")

_lock = threading.Lock()
_process: subprocess.Popen[bytes] | None = None


def watch(group: int, mark: str) -> None:
    """Kill a group of processes and all with its mark, if this process ends before it `forget`s them."""
    _send("+", group, mark)


def forget(group: int) -> None:
    """Take a group back: it has ended, and its number may be another's by now."""
    _send("-", group)


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make an empty folder that is deleted afterwards, however this process ends."""
    folder = Path(tempfile.gettempdir()).absolute() / f"samestep-{uuid4().hex}"
    _send("+", str(folder), None)  # first, so that no moment is left in between
    folder.mkdir(mode=0o700)
    made = folder.lstat()
    _send("+", str(folder), [made.st_dev, made.st_ino])
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _send("-", str(folder))


def _send(*message: object) -> None:
    """Send a line to the cleanup process, which is started with the first one."""
    global _process
    with _lock, contextlib.suppress(OSError):  # it was killed, or never started: a run can do without
        if _process is None:
            _process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-X", "utf8", str(SCRIPT)], stdin=subprocess.PIPE, bufsize=0,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", start_new_session=True,
            )  # fmt: skip
        assert _process.stdin is not None
        _process.stdin.write(f"{json.dumps(message)}\n".encode("ascii"))
