"""Scripts of this folder, each in a process of its own that holds one framework.

JAX's x64 and TensorFlow's threads are set once in the life of a process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from samestep.workers.environment import environment
from tests.made.places import CHECKOUT


def answer_of(script: str, *arguments: str) -> Any:
    """Return the JSON document that ``python -m tests.tutorials.SCRIPT`` prints last."""
    command = [sys.executable, "-W", "ignore", "-m", f"tests.tutorials.{script}", *arguments]
    done = subprocess.run(
        command, cwd=CHECKOUT, env={**os.environ, **environment("cpu", 1)}, capture_output=True, text=True,
        timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def print_answer(document: object) -> None:
    """Print a document on a line of its own, whatever a framework printed before."""
    print("\n" + json.dumps(document))
