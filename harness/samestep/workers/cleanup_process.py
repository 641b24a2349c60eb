"""The cleanup process, run as a script: reads what to watch until its standard input ends, then cleans up.

A line is a list in JSON. ``["+", 123, "mark"]`` is a group of processes, in whose environment the mark
stands, and ``["+", "/path", [device, inode]]`` a folder, with null until it is made; ``["-", what]`` takes
either back. Nothing else is touched: no group whose number is another's by now, no folder that was put in the
place of one. It imports nothing of samestep.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import stat
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

#: The variable that holds the mark of a worker: whatever it starts inherits it.
VARIABLE = "SAMESTEP_WORKER"

#: So often what was killed is looked for again, and so many seconds apart: it may have forked meanwhile.
ROUNDS, PAUSE_SECONDS = 100, 0.01

#: Groups with their marks, and folders with device and inode.
Left = Mapping[int | str, object]


def watched(lines: Iterable[str]) -> Left:
    """Return what was added and not taken back."""
    found: dict[int | str, object] = {}
    for line in lines:
        try:
            sign, what, *more = json.loads(line)
        except ValueError:  # the parent died while it wrote
            continue
        if sign == "+":
            found[what] = more[0]
        else:
            found.pop(what, None)
    return found


def clean(left: Left) -> None:
    """Kill the process groups, then delete the folders."""
    for what, mark in left.items():
        if isinstance(what, int):
            kill_group(what, str(mark))
            kill_marked(str(mark))
    for what, made in left.items():
        if isinstance(what, str):
            delete(what, made)


def kill_group(group: int, mark: str) -> None:
    """Kill a group of processes, unless its number is that of another process by now."""
    with contextlib.suppress(ProcessLookupError):
        if has_mark(group, mark) or not Path(f"/proc/{group}").exists():
            os.killpg(group, signal.SIGKILL)


def kill_marked(mark: str) -> None:
    """Kill all processes in whose environment the mark stands: also what left its group and its parents."""
    for _ in range(ROUNDS):
        found = [pid for pid in processes() if has_mark(pid, mark)]
        if not found:
            return
        kill(found)


def kill(found: Iterable[int]) -> None:
    """Kill processes, and give them a moment to end."""
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    select.select((), (), (), PAUSE_SECONDS)


def processes() -> list[int]:
    """Return the ids of all processes."""
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def has_mark(pid: int, mark: str) -> bool:
    """Return whether the mark stands in the environment that a process was started with."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # another's, or it has ended
        return False
    return f"{VARIABLE}={mark}".encode() in environment.split(b"\0")


def delete(path: str, made: object) -> None:
    """Delete a folder, if it is the very one that was made; where that is not known, if it is empty."""
    with contextlib.suppress(OSError):
        found = Path(path).lstat()
        if made is None:
            Path(path).rmdir()
        elif stat.S_ISDIR(found.st_mode) and [found.st_dev, found.st_ino] == made:
            shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    clean(watched(sys.stdin))
