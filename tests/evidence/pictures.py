"""The pictures of docs/agreement.md, by the same charts that a report has, and that of the page in the README.

python -m tests.evidence.pictures
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from samestep.agreement.findings import FreeRun
from samestep.agreement.verdict import Verdict
from samestep.catalog.cell import Cell
from samestep.codec import decode
from samestep.records.schema import CellFreeRun, CellVerdict, Record
from samestep.report import charts
from samestep.report.pictures import error_charts
from tests.evidence.readme import PICTURES
from tests.made.browser import chromium
from tests.made.pages import rendered_with_sources
from tests.made.places import CHECKOUT
from tests.made.runs import REAL

#: What a result's document names of its cell.
NAMED = ("workload", "case", "implementation", "dtype", "device")


def main() -> None:
    command = [sys.executable, "-m", "samestep", "check", "two_layer", "mnist_mlp", "--dtype", "float32",
               "--trajectory", "--json"]  # fmt: skip
    done = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True)
    write_errors(json.loads(done.stdout)["cells"])
    write_page()


def write_page() -> None:
    """Write the first screen of the page of the run that the README is about, as Chromium shows it."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(rendered_with_sources(REAL), encoding="utf-8")
        with chromium(Path(folder) / "profile") as tab:
            tab.size(1280, 900)
            tab.open(page.as_uri())
            bottom = tab.run("document.querySelector('.cards').getBoundingClientRect().bottom")
            tab.size(1280, int(bottom) + 16)
            tab.screenshot(PICTURES / "page.png")


def write_errors(results: Sequence[Mapping[str, Any]]) -> None:
    """Write the pictures of the documents of a check."""
    cells: dict[str, Cell] = {}
    records: list[Record] = []
    for result in results:
        cell = _cell(result)
        cells[cell.key] = cell
        records.append(CellVerdict(cell.key, decode(Verdict, result)))
        if "trajectory" in result:
            records.append(CellFreeRun(cell.key, decode(FreeRun, result["trajectory"])))
    for picture in error_charts.pictures(cells, records):
        (PICTURES / f"{picture.name}.svg").write_text(charts.svg(picture), encoding="utf-8")


def _cell(result: Mapping[str, Any]) -> Cell:
    """Return the cell of a result; its matmul precision and threads show in no picture."""
    framework = result["implementation"].split("_")[0]
    return Cell(**{name: result[name] for name in NAMED}, framework=framework, matmul="float32", threads=1)


if __name__ == "__main__":
    main()
