"""The cleanup process, run as a script: reads what to watch until its standard input ends, then cleans up.

A line is ``+`` or ``-`` and a process group or a folder. It imports nothing of samestep.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Iterable


def watched(lines: Iterable[str]) -> list[str]:
    """Return what was added and not taken back."""
    found: dict[str, None] = {}
    for line in lines:
        sign, what = line[0], line[1:].rstrip("\n")
        if sign == "+":
            found[what] = None
        else:
            found.pop(what, None)
    return list(found)


def clean(left: Iterable[str]) -> None:
    """Kill the process groups, then delete the folders."""
    left = list(left)
    for what in left:
        if what.isdigit():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(int(what), signal.SIGKILL)
    for what in left:
        if not what.isdigit():
            shutil.rmtree(what, ignore_errors=True)


if __name__ == "__main__":
    clean(watched(sys.stdin))
