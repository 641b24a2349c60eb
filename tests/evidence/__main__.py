"""Gather all of the evidence that the docs show: ``python -m tests.evidence``."""

from __future__ import annotations

import subprocess
import sys

RUNS = (
    ("sensitivity",),
    ("false_alarms", "--seeds", "19"),
    ("fault_matrix", "--workload", "two_layer", "--every", "2"),
    ("fault_matrix", "--workload", "mnist_mlp", "--every", "4"),
    ("pictures",),
    ("same_code",),
    ("isolation",),
    ("disturbed",),
    ("waiting",),
    ("safeguards",),
    ("survival",),
    ("attacks",),
    ("smallest_faults",),
)


def main() -> None:
    codes = []
    for name, *options in RUNS:
        command = [sys.executable, "-m", f"tests.evidence.{name}", *options]
        codes.append(subprocess.run(command, check=False).returncode)
    sys.exit(int(any(codes)))  # a negative one is a signal's


if __name__ == "__main__":
    main()
