"""The first file of a worker's process, run as a script: ``python -P start.py [ROOT, PROCESSORS, ...]``.

The affinity is set before NumPy or a framework counts the processors that it may use. From the folder ROOT
that samestep lies in, only the package is imported: it may be the site-packages of another Python than the
worker's. And a worker does not outlive its parent, and adopts the orphans among its descendants, which are
ended with it. This file imports nothing of samestep before that.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def start(root: str, processors: list[int], module: str, descriptor: int) -> None:
    """Bind this process to the processors, import samestep from ROOT, and have a module of its workers serve
    what comes over a socket."""
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    os.sched_setaffinity(0, processors)
    spec = PathFinder.find_spec("samestep", [root])
    if spec is None or spec.loader is None:
        raise ImportError(f"no samestep in {root}")
    sys.modules["samestep"] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules["samestep"])

    import_module(f"samestep.workers.{module}").main(descriptor)


if __name__ == "__main__":
    start(*json.loads(sys.argv[1]))
