"""The size of an implementation: lines of code, and those that are new; a run keeps both and shows them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from samestep.agreement.verdict import Verdict
from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Options
from samestep.catalog.code_size import CodeSize, code_lines, code_size
from samestep.catalog.selection import select
from samestep.jobs.planning import make_plan
from samestep.records.plan import Profile, RunOptions
from samestep.records.schema import CellVerdict, Sample
from samestep.records.store import RUN, Run
from samestep.report import tables
from tests.made import source
from tests.made.rungs import GOOD, root

PROSE = '''
"""What this is.

Two paragraphs.
"""

# Why.
import numpy as np  # the arrays


def forward(x):
    """One line."""
    text = """not

    a docstring"""
    return np.maximum(  # nothing below 0
        x,

        # the threshold
        "#"[:0] or 0,
    )
'''

CODE = [
    "import numpy as np",
    "def forward(x):",
    '    text = """not',
    "",
    '    a docstring"""',
    "    return np.maximum(",
    "        x,",
    '        "#"[:0] or 0,',
    "    )",
]


def written(folder: Path, **texts: str) -> list[Path]:
    paths = [folder / f"{name}.py" for name in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def test_code_is_what_is_neither_blank_nor_prose():
    assert code_lines(PROSE) == CODE
    assert code_lines("") == code_lines("# why\n\n") == code_lines('"""What."""') == []


def test_every_rung_is_counted_as_its_limit_counts_it():
    for path in source.python_files("impls"):
        limited = source.code_lines(source.parsed(path), source.source(path))
        assert code_size(source.source(path), None, None) == CodeSize(limited, None, None), path


@pytest.mark.parametrize(
    ("after", "changed"),
    [
        ("a = 1\nb = 2\nc = 3\n", 0),
        ('"""Another text."""\n\na = 1  # one\n\n# two\nb = 2\nc = 3', 0),
        ("a = 1\nb = 20\nc = 3\n", 1),  # changed
        ("a = 1\nc = 3\n", 0),  # left out
        ("a = 1\nb = 2\nb2 = 2\nc = 3\n", 1),  # added
        ("if a:\n    b = 2\nc = 3\n", 2),  # moved to the right
        ("c = 3\na = 1\nb = 2\n", 1),  # moved up
        ("x = 1\ny = 2\n", 2),
    ],
)
def test_changed_is_what_the_rung_before_does_not_have(after, changed):
    before = "a = 1\nb = 2\nc = 3\n"
    assert code_size(after, before, "before") == CodeSize(len(code_lines(after)), changed, "before")


def test_lines_that_many_have_count_in_a_long_file_too():
    """difflib takes a line that is frequent in a long text for junk, unless ``autojunk`` is off."""
    long = "x = 1\n" * 300
    assert code_size(f"y = 2\n{long}", long, "before").changed == 1


# -- in a run --------------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path) -> Run:
    """A run that was begun: nothing is timed yet."""
    stray = GOOD.replace('"numpy_manual"\n', '"numpy_gone"\n')
    catalog = Catalog([root(tmp_path / "impls", {"numpy_good": GOOD, "numpy_stray": stray})])
    options = Options(dtypes=("float32", "float64"))
    cells = select(catalog, ["rigged"], options)
    plan = make_plan(catalog, cells, ["rigged"], RunOptions(**vars(options)), Profile(2, 3))
    return Run.create(tmp_path / "results", "machine", plan)


def test_a_run_keeps_the_size_of_each_rung(run):
    assert run.document()["prices"] == {
        "rigged/numpy_manual": {"lines": 18, "changed": None, "read_after": None},
        "rigged/numpy_good": {"lines": 2, "changed": 2, "read_after": "numpy_manual"},
        "rigged/numpy_stray": {"lines": 2, "changed": None, "read_after": "numpy_gone"},
    }


def timed(run: Run) -> Run:
    """The same with one sample of every cell."""
    for number, cell in enumerate(run.plan.cells):
        sample = Sample(
            cell.key, group=0, invocation=0, round=0, task="train", loops=2, seconds=1.0 + number,
            disturbed=False,
        )  # fmt: skip
        run.append([CellVerdict(cell.key, Verdict("agree"), group=0, invocation=0), sample])
    return run


def aged(run: Run) -> Run:
    """The same as it was written before there were sizes of code."""
    document = {name: value for name, value in run.document().items() if name != "prices"}
    (run.folder / RUN).write_text(json.dumps(document))
    return Run.open(run.folder)


def ends(run: Run) -> list[list[str]]:
    """The last two fields of each row of the Markdown tables of times; those of starts come after each."""
    text = tables.markdown(run)
    parts = [part.partition("\n\n")[0] for part in text.split("\n\n| implementation | verdict |")[1:]]
    table = [line for part in parts for line in part.splitlines() if not line.startswith("|---")]
    return [line.strip("| ").split(" | ")[-2:] for line in table]


def test_the_tables_show_it(run):
    assert ends(timed(run)) == 2 * [["lines", "changed"], ["18", "-"], ["2", "2"], ["2", "-"]]
    assert ends(aged(run)) == 2 * [["lines", "changed"], ["-", "-"], ["-", "-"], ["-", "-"]]


def columns(run: Run) -> list[list[str]]:
    """``lines`` and ``lines_changed`` as the CSV has them."""
    tables.write(run)
    header, *rows = (line.split(",") for line in (run.folder / "report.csv").read_text().splitlines())
    places = header.index("lines"), header.index("lines_changed")
    return [[row[place] for place in places] for row in rows]


def test_the_csv_has_whole_numbers_or_nothing(run):
    both = [row for row in (["18", ""], ["2", "2"], ["2", ""]) for _ in ("float32", "float64")]
    assert columns(run) == both  # not timed yet: the code has its size
    assert columns(timed(run)) == both
    assert columns(aged(run)) == 6 * [["", ""]]


def test_the_ladder_of_the_repository_has_no_gap(catalog):
    """Every rung but the first names a sibling, so every one but the first has a number of changed lines."""
    for workload in catalog.workloads:
        first, *others = catalog.implementations(workload)
        names = {rung.name for rung in (first, *others)}
        assert first.read_after is None
        assert all(rung.read_after in names for rung in others)
