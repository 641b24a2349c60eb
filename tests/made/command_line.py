"""What a command line printed and wrote, for the tests of commands."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

#: The options of the smallest run.
TINY = ("--invocations", 1, "--threads", 1)


def error_lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the lines on standard error that are not blank."""
    return [line for line in done.stderr.splitlines() if line.strip()]


def usage_error(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line on standard error of a command that the user got wrong."""
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert len(error_lines(done)) == 1, done.stderr
    return done.stderr.strip()


def samples_of(run: Path, kind: str = "sample") -> list[dict[str, Any]]:
    """Return the records of one kind in the folder of a run, without samples that were re-measured."""
    records = [json.loads(line) for line in (run / "samples.jsonl").read_text().splitlines()]
    return [record for record in records if record["kind"] == kind and not record.get("repeated")]


def whole_lines(samples: Path) -> list[str]:
    """Return the lines of a file that end."""
    return [line for line in samples.read_text().splitlines(keepends=True) if line.endswith("\n")]
