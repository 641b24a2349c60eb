"""The pictures of docs/agreement.md, by the same charts that a report has.

python -m tests.evidence.pictures
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from harness.report import charts

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    command = [sys.executable, "-m", "harness", "check", "two_layer", "mnist_mlp", "--dtype", "float32",
               "--trajectory", "--json"]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    cells, records = {}, []
    for result in json.loads(done.stdout)["cells"]:
        key = f"{result['workload']}/{result['implementation']}"
        cells[key] = {**result, "framework": result["implementation"].split("_")[0]}
        records.append({"kind": "verdict", "cell": key, "tensors": result["tensors"]})
        if "trajectory" in result:
            records.append({"kind": "trajectory", "cell": key, **result["trajectory"]})
    for name, chart in charts.charts(cells, records):
        chart.save(ROOT / "docs" / "pictures" / f"{name}.svg")


if __name__ == "__main__":
    main()
