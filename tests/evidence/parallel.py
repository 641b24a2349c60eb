"""Evidence that is gathered by several processes side by side, each with a share of the work.

A script runs itself again with ``--share`` and a share as JSON; that process prints its rows, one line of JSON
each. Shares and rows are dataclasses that `samestep.codec` reads and writes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from samestep.codec import decode, encode
from samestep.workers.environment import environment, processor_sets
from tests.made.places import CHECKOUT

R = TypeVar("R")


def run_shares(
    script: str,
    shares: Sequence[object],
    kind: type[R],
    on_row: Callable[[R], None],
    spreads: Path | None = None,
) -> None:
    """Run the script on each share, as many at a time as there are processors.

    ``on_row`` gets each row, a ``kind``, as it comes, from several threads. ``spreads`` is a folder where
    spreads are kept for further calls; without one they are gone in the end. Raises RuntimeError where a
    process fails.
    """
    with tempfile.TemporaryDirectory() as cache, ThreadPoolExecutor(len(processor_sets(1))) as pool:
        variables = {
            **os.environ, **environment("cpu", 1, Path(cache)), "PYTHONPATH": os.pathsep.join([str(CHECKOUT / "harness"), str(CHECKOUT)]),
            "SAMESTEP_CACHE": str(spreads or cache),
        }  # fmt: skip

        def run(share: object) -> None:
            text = json.dumps(encode(share))
            with subprocess.Popen(
                [sys.executable, "-W", "ignore", script, "--share", text],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=variables,
                text=True,
                cwd=CHECKOUT,
            ) as process:
                assert process.stdout is not None
                for line in process.stdout:
                    if line.startswith("{"):  # a framework may print as well
                        on_row(decode(kind, json.loads(line)))
            if process.returncode:
                raise RuntimeError(f"the share {text} ended with {process.returncode}")

        for done in [pool.submit(run, share) for share in shares]:
            done.result()


def print_row(row: object) -> None:
    """Hand a row to the parent process."""
    print(json.dumps(encode(row)), flush=True)
