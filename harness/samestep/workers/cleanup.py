"""Nothing outlives a run that is killed: a process of its own waits for that, and tidies up.

The kernel ends a worker with its parent, but not what the worker has started, and leaves the folder of the
run's compilers' caches where it is. The janitor reads a pipe that nobody but this process can write to; when
that ends, so has this process, and whatever it did not take back is killed, or deleted.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

_lock = threading.Lock()
_janitor: subprocess.Popen[bytes] | None = None


def watch(group: int) -> None:
    """Kill a group of processes if this process ends before it `forget`s them."""
    _tell("+", group)


def forget(group: int) -> None:
    """It is gone; its number may be another's by now."""
    _tell("-", group)


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """An empty folder that is gone afterwards, and however this process ends."""
    folder = Path(tempfile.gettempdir()) / f"samestep-{uuid4().hex}"
    _tell("+", folder)  # first, so that no moment is left in between
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _tell("-", folder)


def _tell(sign: str, what: int | Path) -> None:
    global _janitor
    with _lock, contextlib.suppress(OSError):  # it was killed, or never started: a run can do without
        if _janitor is None:
            _janitor = subprocess.Popen(
                [sys.executable, "-I", "-S", "-X", "utf8", "-c", _TIDY], stdin=subprocess.PIPE, bufsize=0,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", start_new_session=True,
            )  # fmt: skip
        assert _janitor.stdin is not None
        _janitor.stdin.write(os.fsencode(f"{sign}{what!s}\n"))


_TIDY = """
import contextlib, os, shutil, signal, sys

watched = {}
for line in sys.stdin:
    if line[0] == "+":
        watched[line[1:-1]] = None
    else:
        watched.pop(line[1:-1], None)
for what in watched:
    if what.isdigit():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(what), signal.SIGKILL)
for what in watched:
    if not what.isdigit():
        shutil.rmtree(what, ignore_errors=True)
"""
