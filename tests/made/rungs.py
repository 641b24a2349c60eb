"""A small workload for the tests of the machinery, implementations that misbehave, and the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent, indent

import psutil

from tests.made.places import CHECKOUT

SPEC = '''
"""rigged: one weight matrix, x @ w, and the sum of squares."""

from samestep.spec import Case, Inputs, Spec, Task


def make_inputs(case, rng, dataset):
    return Inputs(
        params={"w": rng.standard_normal((4, 3))},
        arrays={"x": rng.standard_normal((5, 4)), "y": rng.standard_normal((5, 3))},
    )


SPEC = Spec(
    summary="x @ w, sum of squares",
    cases={
        "small": Case(numbers={"learning_rate": 1e-3, "steps": 4}, default=True),
        "other": Case(numbers={"learning_rate": 1e-4, "steps": 2}),
    },
    tasks={
        "loss_and_grads": Task(("x", "y"), ("loss", "grads"), lambda case: 240.0),
        "train_step": Task(("x", "y", "learning_rate"), ("state", "loss"), lambda case: 240.0),
        "train": Task(
            ("x", "y", "learning_rate", "steps"), ("state", "losses"),
            lambda case: 240.0 * case.numbers["steps"], steps="steps",
        ),
    },
    make_inputs=make_inputs,
)
'''

MANUAL = '''
"""NumPy by hand."""

import numpy as np

READ_AFTER = None


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def loss_and_grads(state, x, y):
    error = x @ state["w"] - y
    return np.square(error).sum(), {"w": x.T @ (2 * error)}


def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    return {"w": state["w"] - learning_rate * grads["w"]}, loss


def train(state, x, y, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate)
        losses.append(loss)
    return state, np.stack(losses)
'''

GOOD = '''
"""The same under another name."""

from .numpy_manual import adopt, export, loss_and_grads, train, train_step

READ_AFTER = "numpy_manual"
'''


def doing(deed: str) -> str:
    """Return a rung that does this before it makes a correct training step. ``step`` counts from 1."""
    return (
        GOOD.replace(", train_step", "").replace(", train", "")
        + "import ctypes, os, signal, subprocess, sys, time\n"
        + "import numpy as np\n"
        + "from .numpy_manual import train_step as correct\n\n"
        + "step = 0\n\n\n"
        + "def train_step(state, x, y, learning_rate):\n"
        + "    global step\n"
        + "    step += 1\n"
        + indent(dedent(deed).strip(), "    ")
        + "\n    return correct(state, x, y, learning_rate)\n"
    )


def hanging(note: Path, after: str = "True") -> str:
    """Return a rung that hangs and ignores SIGTERM, as does a child of it; their ids are in ``note``."""
    child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)"
    return doing(
        f"""
        if {after}:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            child = subprocess.Popen([sys.executable, "-c", {child!r}])
            part = f"{note}.{{os.getpid()}}"  # two dtypes hang side by side
            with open(part, "w") as file:
                file.write(f"{{os.getpid()}} {{child.pid}}")
            os.replace(part, {str(note)!r})
            while True:
                time.sleep(3600)
        """
    )


def root(folder: Path, rungs: Mapping[str, str] = {}, workload: str = "rigged") -> Path:
    """A folder for ``Catalog`` or ``--impls``, with one workload: its spec, numpy_manual and the rungs."""
    home = folder / workload
    home.mkdir(parents=True)
    for name, text in {"spec": SPEC, "numpy_manual": MANUAL, **rungs}.items():
        (home / f"{name}.py").write_text(text.lstrip(), encoding="utf-8")
    return folder


def samestep(*arguments: object, columns: int = 200, **options: object) -> subprocess.CompletedProcess[str]:
    """The command line as a user types it, in a process of its own."""
    done = subprocess.run(command(*arguments), **running(columns), timeout=300, **options)  # type: ignore[call-overload]
    assert "Traceback" not in done.stderr or "--debug" in arguments, done.stderr
    return done  # type: ignore[no-any-return]


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "samestep", *map(str, arguments)]


def running(columns: int = 200) -> dict[str, object]:
    """How a command is started: from the checkout, its streams as text, wide enough to break no line."""
    return {
        "cwd": CHECKOUT,
        "env": {**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1"},
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
        # A shell that starts jobs in the background has them ignore Ctrl-C, and children inherit that.
        "preexec_fn": lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    }


def wait_until(true: Callable[[], bool], seconds: float = 60) -> bool:
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def gone(process: int) -> bool:
    """Whether nothing runs under this id; what nobody has buried yet does not run."""
    try:
        return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
