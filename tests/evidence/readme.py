"""The README's tables of times, from a run under results/:

    python -m tests.evidence.readme results/<machine>/<run>

A table stands between `<!-- table CASE TASK -->` and `<!-- end -->`, and the run between `<!-- run -->` and
`<!-- end -->`. tests/test_readme.py says when they are out of date.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from harness.report import tables
from harness.store import Run
from harness.summary import summarize
from tests.evidence.lanes import ROOT

README = ROOT / "README.md"
TABLE = re.compile(r"(<!-- table (\S+) (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
RUN = re.compile(r"(<!-- run -->).*?(<!-- end -->)", re.DOTALL)
LINK = re.compile(r"<!-- run -->\[`results/(\S+?)`\]")


def filled(text: str, run: Run) -> str:
    """The README with what the run says."""
    summaries = summarize(run.about, run.records())

    def table(found: re.Match[str]) -> str:
        case, task = found[2], found[3]
        cells = [s for s in summaries if f"{s.cell['workload']}:{s.cell['case']}" == case]
        rows = [tables.row(cell, task) for cell in cells]
        lines = [*tables.table(tables.COLUMNS, rows, left=2), "", tables.calm(cells, task) + "."]
        return found[1] + "\n".join(["", *lines, ""]) + "\n" + found[4]

    name = f"{run.folder.parent.name}/{run.folder.name}"
    text = RUN.sub(rf"\1[`results/{name}`](results/{name}/report.md)\2", text)
    return TABLE.sub(table, text)


def linked(text: str) -> Path:
    """The run that the README names."""
    found = LINK.search(text)
    assert found, "the README names no run"
    return ROOT / "results" / found[1]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    run = Run.open(parser.parse_args().run.resolve())
    README.write_text(filled(README.read_text(encoding="utf-8"), run), encoding="utf-8")


if __name__ == "__main__":
    main()
