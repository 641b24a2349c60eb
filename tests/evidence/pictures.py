"""The pictures of docs/agreement.md, by the same charts that a report has.

python -m tests.evidence.pictures
"""

from __future__ import annotations

import json
import subprocess
import sys

import vl_convert

from samestep.report.pictures import error_charts
from tests.made.places import CHECKOUT


def main() -> None:
    command = [sys.executable, "-m", "samestep", "check", "two_layer", "mnist_mlp", "--dtype", "float32",
               "--trajectory", "--json"]  # fmt: skip
    done = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True)
    cells, records = {}, []
    for result in json.loads(done.stdout)["cells"]:
        key = f"{result['workload']}/{result['implementation']}"
        cells[key] = {**result, "framework": result["implementation"].split("_")[0]}
        records.append({"kind": "verdict", "cell": key, "tensors": result["tensors"]})
        if "trajectory" in result:
            records.append({"kind": "trajectory", "cell": key, **result["trajectory"]})
    for picture in error_charts.pictures(cells, records):
        path = CHECKOUT / "docs" / "pictures" / f"{picture.name}.svg"
        path.write_text(vl_convert.vegalite_to_svg(picture.vega_lite()), encoding="utf-8")


if __name__ == "__main__":
    main()
