"""What the user typed becomes cells, and what means nothing is answered with what there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.catalog import Catalog
from harness.errors import SamestepError
from harness.selection import Cell, Options, Selector, select
from tests.rigged import GOOD, MANUAL, root

GHOST_ADAPTER = 'DISTRIBUTIONS = ("ghost-net",)\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """rigged has numpy and ghost rungs and two cases; plain has numpy_manual and another case."""
    folder = root(
        tmp_path_factory.mktemp("impls"), {"numpy_other": GOOD, "ghost_manual": GOOD, "ghost_more": GOOD}
    )
    (folder / "frameworks").mkdir()
    (folder / "frameworks" / "ghost.py").write_text(GHOST_ADAPTER)
    root(folder, workload="plain")
    spec = folder / "plain" / "spec.py"
    spec.write_text(spec.read_text().replace('"other"', '"rare"'))
    return folder


@pytest.fixture(scope="module")
def catalog(folder) -> Catalog:
    catalog = Catalog([folder])
    catalog.roots = (folder,)  # these two workloads only
    return catalog


def names(cells: list[Cell]) -> list[str]:
    return [f"{cell.workload}:{cell.case}/{cell.implementation}" for cell in cells]


RIGGED = [f"rigged:small/{name}" for name in ("numpy_manual", "numpy_other", "ghost_manual", "ghost_more")]
PLAIN = ["plain:small/numpy_manual"]


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        ([], [*PLAIN, *RIGGED]),
        (["*"], [*PLAIN, *RIGGED]),
        (["rigged"], RIGGED),
        (["rigged/*"], RIGGED),
        (["rigged:other/numpy_*"], ["rigged:other/numpy_manual", "rigged:other/numpy_other"]),
        (["rigged:*/ghost_more"], ["rigged:small/ghost_more", "rigged:other/ghost_more"]),
        (["rigged/[gn]*_manual"], ["rigged:small/numpy_manual", "rigged:small/ghost_manual"]),
        (["r?gged/ghost_more"], ["rigged:small/ghost_more"]),
        (["*/ghost_*"], RIGGED[2:]),  # plain has none, and that is no mistake
        (["*:rare"], ["plain:rare/numpy_manual"]),  # and here rigged has none
        (["plain", "rigged/ghost_more", "plain/numpy_*"], [*PLAIN, "rigged:small/ghost_more"]),  # each once
    ],
)
def test_selectors_mean_cells(catalog, selectors, expected):
    assert names(select(catalog, selectors, Options())) == expected


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("nothing", "no workload matches 'nothing'; there are plain, rigged"),
        ("rigged:huge", "no case of rigged matches 'huge'; there are small, other"),
        (
            "rigged/torch_*",
            "no implementation of rigged matches 'torch_.*'; there are numpy_manual, numpy_other",
        ),
        ("*:huge", "no case matches 'huge'; there are small, rare, other"),
        (
            "*/torch_*",
            "no implementation matches 'torch_.*'; there are numpy_manual, numpy_other, ghost_manual",
        ),
        ("*:rare/ghost_*", "no workload has both that case and that implementation"),
        ("rigged/a/b", "no implementation of rigged matches 'a/b'"),
        ("rigged:small:other", "no case of rigged matches 'small:other'"),
    ],
)
def test_what_matches_nothing_is_answered_with_what_there_is(catalog, text, listed):
    with pytest.raises(SamestepError, match=listed):
        select(catalog, [text], Options())


@pytest.mark.parametrize(
    "text", ["", "/", "rigged/", ":small", "rigged:", "rigged:/x", ":small/x", "/numpy_manual"]
)
def test_what_is_no_selector_is_answered_with_how_to_write_one(catalog, text):
    with pytest.raises(SamestepError, match=r"is no selector: write workload\[:case\]\[/implementation\]"):
        select(catalog, [text], Options())


def test_one_wrong_selector_among_right_ones_is_a_mistake(catalog):
    with pytest.raises(SamestepError, match="'riged'"):
        select(catalog, ["rigged", "riged"], Options())


def test_cells_are_crossed_with_dtypes_and_devices(catalog):
    options = Options(dtypes=("float32", "float64"), devices=("cpu", "gpu"), matmul="tf32", threads=3)
    cells = select(catalog, ["rigged/numpy_other"], options)
    assert [(c.dtype, c.device, c.matmul, c.threads) for c in cells] == [
        ("float32", "cpu", "tf32", 3), ("float64", "cpu", "tf32", 3),
        ("float32", "gpu", "tf32", 3), ("float64", "gpu", "tf32", 3),
    ]  # fmt: skip
    assert len({cell.key for cell in cells}) == 4
    assert cells[0].key == "rigged:small/numpy_other/float32/cpu/tf32/3t"


def test_defaults_are_float32_on_the_cpu(catalog):
    (cell,) = select(catalog, ["plain"], Options())
    assert (cell.dtype, cell.device, cell.matmul, cell.framework) == ("float32", "cpu", "float32", "numpy")


@pytest.mark.parametrize(
    ("selectors", "named"),
    [
        (["rigged"], []),
        (["rigged/*"], []),
        (["rigged/ghost_*"], ["ghost_manual", "ghost_more"]),
        (["rigged/ghost_more"], ["ghost_more"]),
        (["rigged", "rigged/ghost_more"], ["ghost_more"]),
        (["rigged/ghost_more", "rigged"], ["ghost_more"]),
    ],
)
def test_a_framework_is_named_where_the_user_wrote_its_name(catalog, selectors, named):
    cells = select(catalog, selectors, Options())
    assert [cell.implementation for cell in cells if cell.named] == named


def test_an_implementation_is_named_where_its_file_does_not_begin_with_the_framework(catalog, folder):
    (folder / "rigged" / "mine.py").write_text(
        MANUAL.replace("import numpy as np", "import ghost, numpy as np")
    )
    try:
        (cell,) = select(Catalog([folder]), ["rigged/mine"], Options())
    finally:
        (folder / "rigged" / "mine.py").unlink()
    assert (cell.framework, cell.named) == ("ghost", True)


def test_a_file_is_an_implementation_of_the_workload_named_by_its_stem(catalog, tmp_path):
    file = tmp_path / "my_port.py"
    file.write_text(MANUAL)
    (cell,) = select(catalog, ["rigged:other"], Options(), file)
    assert (cell.implementation, cell.case, cell.framework) == ("my_port", "other", "numpy")
    assert (cell.file, cell.named) == (str(file), True)


def test_a_file_without_a_task_is_answered_with_the_tasks(catalog, tmp_path):
    file = tmp_path / "empty.py"
    file.write_text("def adopt(params): ...\n")
    with pytest.raises(
        SamestepError, match="has no task of rigged: it needs one or more of loss_and_grads, train"
    ):
        select(catalog, ["rigged"], Options(), file)


def test_a_file_implements_one_workload(catalog, tmp_path):
    file = tmp_path / "my_port.py"
    file.write_text(MANUAL)
    with pytest.raises(SamestepError, match="implements one workload, of plain, rigged"):
        select(catalog, ["*"], Options(), file)


def test_a_file_that_is_no_python_is_said(catalog, tmp_path):
    file = tmp_path / "broken.py"
    file.write_text("def adopt(:\n")
    with pytest.raises(SamestepError, match=r"broken\.py is no Python: invalid syntax"):
        select(catalog, ["rigged"], Options(), file)


def test_parts_of_a_selector():
    assert Selector.parse("a:b/c") == Selector("a", "b", "c")
    assert Selector.parse("a") == Selector("a", None, "*")
    assert Selector.parse("a/c") == Selector("a", None, "c")
