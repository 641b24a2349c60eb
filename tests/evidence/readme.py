"""The tables and pictures of the README and of docs/benchmarks.md, from a run under results/:

    python -m tests.evidence.readme results/<machine>/<run>

A table stands between `<!-- table CASE TASK -->` and `<!-- end -->`, a picture between `<!-- picture NAME -->`
and `<!-- end -->`, the run between `<!-- run -->` and `<!-- end -->`. tests/test_readme.py fails when they
are out of date: a picture ends with a hash of what it shows, since how it is drawn may depend on the fonts.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
from pathlib import Path

from samestep.errors import SamestepError
from samestep.records.store import Run
from samestep.report import charts, formatting, tables
from samestep.report.legend import noise_note
from samestep.report.picture import Picture
from samestep.report.row_order import in_order
from samestep.report.summaries import summaries_of
from tests.made.places import CHECKOUT

README, BENCHMARKS = CHECKOUT / "README.md", CHECKOUT / "docs" / "benchmarks.md"
PAGES = (README, BENCHMARKS)
PICTURES, RESULTS = CHECKOUT / "docs" / "pictures", CHECKOUT / "results"
TABLE = re.compile(r"(<!-- table (\S+) (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
PICTURE = re.compile(r"(<!-- picture (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
RUN = re.compile(r"(<!-- run -->).*?(<!-- end -->)", re.DOTALL)
LINK = re.compile(r"<!-- run -->\[`results/(\S+?)`\]")


def filled(page: Path, text: str, run: Run) -> str:
    """Return the text of a page with the tables and pictures of a run, linked from where the page lies.

    Raises SamestepError where it asks for a picture, or for a case and task, that the run does not have.
    """
    summaries = summaries_of(run)
    known = {picture.name: picture for picture in charts.pictures([run])}

    def table(found: re.Match[str]) -> str:
        case, task = found[2], found[3]
        group = [one for one in summaries if one.cell.of_case == case]
        if not any(task in one.tasks for one in group):
            raise SamestepError(f"{run.folder} has no task {task} of {case}")
        rows = [tables.texts(tables.row(one, task)) for one in in_order(group, task)]
        lines = [*formatting.table(tables.COLUMNS, rows, "ll" + 5 * "r"), "", f"{noise_note(group, task)}."]
        return found[1] + "\n".join(["", *lines, ""]) + "\n" + found[4]

    def picture(found: re.Match[str]) -> str:
        if found[2] not in known:
            raise SamestepError(f"{run.folder} has no picture {found[2]}; there are {', '.join(known)}")
        return f"{found[1]}\n![{known[found[2]].title}]({pictures}/{found[2]}.svg)\n\n{found[3]}"

    pictures, results = (os.path.relpath(folder, page.parent) for folder in (PICTURES, RESULTS))
    name = f"{run.folder.parent.name}/{run.folder.name}"
    text = RUN.sub(rf"\1[`results/{name}`]({results}/{name}/report.md)\2", text)
    return PICTURE.sub(picture, TABLE.sub(table, text))


def pictured(text: str, run: Run) -> dict[Path, Picture]:
    """Return the files that a page's pictures are in, and the picture that each should show."""
    names = {found[2] for found in PICTURE.finditer(text)}
    return {PICTURES / f"{one.name}.svg": one for one in charts.pictures([run]) if one.name in names}


def signature(picture: Picture) -> str:
    """Return the end of a picture's file: a hash of what it shows."""
    content = json.dumps([picture.title, picture.caption, picture.rows], sort_keys=True)
    return f"<!-- shows {hashlib.sha256(content.encode()).hexdigest()[:16]} -->\n"


def linked(text: str) -> Path:
    """Return the folder of the run that a page names."""
    found = LINK.search(text)
    assert found, "the page names no run"
    return RESULTS / found[1]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path, help="a folder under results/")
    run = Run.open(parser.parse_args().run.resolve())
    for page in PAGES:
        text = filled(page, page.read_text(encoding="utf-8"), run)
        page.write_text(text, encoding="utf-8")
        for path, picture in pictured(text, run).items():
            path.write_text(charts.svg(picture) + signature(picture), encoding="utf-8")


if __name__ == "__main__":
    main()
