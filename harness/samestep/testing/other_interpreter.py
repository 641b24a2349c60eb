"""Candidates in another interpreter: there pytest runs the same test on records made here."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from samestep.codec import decode
from samestep.errors import SamestepError
from samestep.printable import printable
from samestep.testing.outcome import Outcome
from samestep.testing.run_options import RunOptions

#: Exit codes of pytest after which tests have run.
RAN = (0, 1)
#: What the other pytest must not take for its own: this one's workers, its options, its plugins.
FOREIGN = ("PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTHONPATH")


def judge_in(python: str, node_id: str, run: RunOptions, records: Path) -> list[Outcome]:
    """Return what the test's comparisons give in the interpreter ``python``, by the records in a folder.

    Raises `SamestepError`, in one line, where that interpreter cannot run the test.
    """
    file, _, rest = node_id.partition("::")
    document = records / "comparisons.json"
    command = [
        python, "-m", "pytest", "-q", "-p", "samestep", "-p", "no:cacheprovider", f"--rootdir={run.root}",
        f"--samestep-replay={records}", f"--samestep-json={document}", *_switches(run),
        f"{run.root / file}::{rest}",
    ]  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    try:
        done = subprocess.run(
            command, cwd=run.started_in, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, errors="replace", check=False,
        )  # fmt: skip
    except OSError as error:
        raise SamestepError(f"{python} cannot be started: {error.strerror}") from error
    outcomes = _outcomes(document)
    if done.returncode not in RAN or not outcomes or not _told(done.returncode, outcomes):
        raise SamestepError(_why(python, done.stdout, done.stderr))
    return outcomes


def _switches(run: RunOptions) -> list[str]:
    return [f"--samestep-{name}" for name in ("strict", "explain") if getattr(run, name)]


def _outcomes(document: Path) -> list[Outcome]:
    if not document.is_file():
        return []
    found = json.loads(document.read_text(encoding="utf-8"))["comparisons"]
    return [decode(Outcome, one) for one in found]


def _told(returncode: int, outcomes: list[Outcome]) -> bool:
    """Whether a failure of the test there is that of a comparison."""
    return returncode == 0 or not all(outcome.passed for outcome in outcomes)


def _why(python: str, out: str, err: str) -> str:
    """Why a test gave nothing there, from what pytest printed."""
    if "No module named pytest" in err:
        return f"{python} has no pytest: {python} -m pip install pytest samestep"
    if 'importing plugin "samestep"' in err:
        return f"{python} has no samestep: {python} -m pip install samestep"
    lines = [line for line in f"{err}\n{out}".splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E  ", "ERROR", "SKIPPED"))]
    said = (errors or lines or ["it printed nothing"])[0 if errors else -1]
    return f"the test gave no comparison in {python}: {printable(' '.join(said.split()))}"
