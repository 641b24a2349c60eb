"""A worker's process and all that it started, wherever that went: ended together.

A worker adopts the orphans among its descendants (`samestep.workers.start`), so that a double fork, or a
session of its own, leads nobody out of its tree while it lives. What outlived a worker that died by itself
still has its mark in the environment, unless it took that out.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from samestep.workers.cleanup_process import ROUNDS, kill, kill_marked, processes


def end(leader: int, mark: str) -> None:
    """Kill a child of this process, which leads a group, and whatever it started."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(leader, signal.SIGSTOP)  # it adopts, and starts nothing more
        for _ in range(ROUNDS):
            below = _below(leader)
            if not below:
                break
            kill(below)
        os.killpg(leader, signal.SIGKILL)
    kill_marked(mark)


def _below(leader: int) -> list[int]:
    """Return the ids of the descendants of a process that have not ended."""
    children: dict[int, list[int]] = {}
    for pid in processes():
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except OSError:  # it has ended
            continue
        state, parent = stat.rpartition(")")[2].split()[:2]  # before that a name, which may hold anything
        if state not in "ZX":
            children.setdefault(int(parent), []).append(pid)
    found, left = [], [leader]
    while left:
        new = children.get(left.pop(), [])
        found += new
        left += new
    return found
