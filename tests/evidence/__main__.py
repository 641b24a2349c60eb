"""All of the evidence that docs/agreement.md shows: ``python -m tests.evidence``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
RUNS = (
    ("sensitivity.py",),
    ("false_alarms.py", "--seeds", "19"),
    ("fault_matrix.py", "--workload", "two_layer", "--every", "2"),
    ("fault_matrix.py", "--workload", "mnist_mlp", "--every", "4"),
    ("pictures.py",),
)


def main() -> None:
    ends = [subprocess.run([sys.executable, str(HERE / run[0]), *run[1:]], check=False) for run in RUNS]
    sys.exit(max(end.returncode for end in ends))


if __name__ == "__main__":
    main()
