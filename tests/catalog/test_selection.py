"""What the user typed becomes cells, and what means nothing is answered with what there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Cell, Options
from samestep.catalog.ladder import remarks
from samestep.catalog.selection import Selector, comparison_groups, select, shard, sweep_sizes
from samestep.errors import SamestepError
from tests.made.rungs import GOOD, MANUAL, root

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
    catalog.roots.all = (folder,)  # these two workloads only
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
        (["*/ghost_*"], RIGGED[2:]),  # plain has none, which is not an error
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
        ("rigedd", "no workload matches 'rigedd'; there are plain, rigged; did you mean 'rigged'[?]"),
        ("rigged:smal", "no case of rigged matches 'smal'; .*; did you mean 'small'[?]"),
        ("rigged/numpy_manaul", "no implementation of rigged .*; did you mean 'numpy_manual'[?]"),
        ("*/ghost_manaul", "no implementation matches .*; did you mean 'ghost_manual'[?]"),
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
def test_what_is_not_a_valid_selector_is_answered_with_how_to_write_one(catalog, text):
    with pytest.raises(
        SamestepError, match=r"is not a valid selector: write workload\[:case\]\[/implementation\]"
    ):
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


def test_a_file_that_imports_its_tasks_by_a_star_is_told_to_name_them(catalog, tmp_path):
    file = tmp_path / "my_port.py"
    file.write_text("from elsewhere import *\n")
    with pytest.raises(SamestepError, match="import by name what it has of loss_and_grads, train"):
        select(catalog, ["rigged"], Options(), file)
    file.write_text("from elsewhere import *\n" + MANUAL)
    select(catalog, ["rigged"], Options(), file)
    *_, said = remarks(catalog.describe("rigged", file))
    assert "imports by a star: import its tasks by name, as others are not seen" in said


def test_a_file_implements_one_workload(catalog, tmp_path):
    file = tmp_path / "my_port.py"
    file.write_text(MANUAL)
    with pytest.raises(SamestepError, match="implements one workload, of plain, rigged"):
        select(catalog, ["*"], Options(), file)


def test_a_file_that_is_not_python_is_named(catalog, tmp_path):
    file = tmp_path / "broken.py"
    file.write_text("def adopt(:\n")
    with pytest.raises(SamestepError, match=r"broken\.py is not Python: invalid syntax"):
        select(catalog, ["rigged"], Options(), file)


def test_parts_of_a_selector():
    assert Selector.parse("a:b/c") == Selector("a", "b", "c")
    assert Selector.parse("a") == Selector("a", None, "*")
    assert Selector.parse("a/c") == Selector("a", None, "c")


# -- sizes -------------------------------------------------------------------------------------------------


def cases(selectors: list[str], **options: str) -> list[str]:
    cells = select(Catalog(), selectors, Options(**options))
    return list(dict.fromkeys(f"{cell.workload}:{cell.case}" for cell in cells))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("batch=1:64", [1, 4, 16, 64]),
        ("batch=1:65", [1, 4, 16, 64, 65]),
        ("batch=10:1000:10", [10, 100, 1000]),
        ("batch=8:100:2", [8, 16, 32, 64, 100]),
        ("batch=7:7", [7]),
        ("batch=64,1,8,1", [1, 8, 64]),
        ("batch=5", [5]),
    ],
)
def test_a_sweep_goes_from_one_end_to_the_other(text, expected):
    assert sweep_sizes(text) == ("batch", expected)


@pytest.mark.parametrize(
    "text",
    ["", "batch", "batch=", "=1:4", "batch=0:4", "batch=1:4:0", "batch=1:4:2:2",
     "batch=1,0", "batch=1,", "batch=-1:4", "batch=1.5", "batch=a:b", "batch=1:4,8", "a[b=1:4", "batch=1=2"],
)  # fmt: skip
def test_what_is_not_a_valid_sweep_is_answered_with_how_to_write_one(text):
    with pytest.raises(
        SamestepError, match=r"^--sweep .*: write SIZE=FROM:TO, SIZE=FROM:TO:FACTOR or SIZE=1,8"
    ):
        sweep_sizes(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("batch=8:4", "--sweep batch=8:4: 8 is above 4; write batch=4:8"),
        (
            "batch=1:4:1",
            "--sweep batch=1:4:1: sizes that grow by a factor of 1 stay the same; write 2 or more",
        ),
    ],
)
def test_a_sweep_that_never_ends_says_what_is_wrong_with_it(text, message):
    with pytest.raises(SamestepError) as raised:
        sweep_sizes(text)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("selectors", "sweep", "expected"),
    [
        (["two_layer"], "batch=9:100", ["tutorial[batch=9]", "tutorial[batch=36]", "tutorial[batch=100]"]),
        (["two_layer:t*"], "width=2,10", ["tutorial[width=2]", "tutorial[width=10]", "tiny[width=2]",
                                          "tiny[width=10]"]),
        (["two_layer:tiny[width=7]"], "batch=3", ["tiny[width=7,batch=3]"]),
        (["two_layer:tiny[batch=10]", "two_layer:tiny[batch=9]", "two_layer:tiny"], None,
         ["tiny", "tiny[batch=9]", "tiny[batch=10]"]),
    ],
)  # fmt: skip
def test_a_sweep_puts_sizes_in_the_place_of_each_case_in_their_order(selectors, sweep, expected):
    assert cases(selectors, sweep=sweep) == [f"two_layer:{case}" for case in expected]


def test_a_case_with_other_sizes_is_taken_as_it_stands():
    assert cases(["two_layer:tiny[batch=64]"]) == ["two_layer:tiny[batch=64]"]
    assert cases(["*:width_256[batch=64]"]) == ["two_layer:width_256[batch=64]"]  # others have no such case
    assert cases(["two_layer:[t]iny"]) == ["two_layer:tiny"]  # and this is a glob


def test_every_rung_of_a_case_with_another_size_is_selected():
    cells = select(Catalog(), ["two_layer/numpy_*"], Options(sweep="batch=2,1"))
    assert names(cells) == [
        "two_layer:tutorial[batch=1]/numpy_manual", "two_layer:tutorial[batch=1]/numpy_inplace",
        "two_layer:tutorial[batch=2]/numpy_manual", "two_layer:tutorial[batch=2]/numpy_inplace",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("selector", "sweep", "message"),
    [
        ("two_layer", "colour=1:4",
         "--sweep colour=1:4: two_layer:tutorial has no such size; there are batch, d_in, width, d_out"),
        ("two_layer:tiny[batch=2]", "batch=4", "two_layer:tiny[batch=2,batch=4] is not a valid case: write"),
        ("linear_output", "batch=2", "worked_example cannot change batch; all its sizes are fixed"),
        ("mnist_mlp", "batch=10000,10001", "mnist_mlp:sample has batch at most 10000"),
        ("mnist_mlp", "d_in=5", "mnist_mlp:sample cannot change d_in; there are batch, hidden"),
        ("two_layer:tiny[colour=4]", None, "two_layer:tiny has no such size; there are batch, d_in, width"),
        ("two_layer:tiny[batch=0]", None, "two_layer:tiny[batch=0] is not a valid case: write CASE["),
        ("two_layer:huge[batch=4]", None, "two_layer:huge is not a case; there are tutorial, tiny, "),
        ("two_layer:*[batch=4]", None, "two_layer:* is not a case; there are tutorial, tiny, "),
        ("*:huge[batch=4]", None, "no case matches 'huge'; there are "),
    ],
)  # fmt: skip
def test_a_size_that_cannot_be_had_is_one_line(selector, sweep, message):
    with pytest.raises(SamestepError) as raised:
        cases([selector], sweep=sweep)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


# -- shards ------------------------------------------------------------------------------------------------

MANY = ["two_layer:t*", "mnist_mlp"]
BOTH = Options(dtypes=("float32", "float64"))


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
@pytest.mark.parametrize("selectors", [MANY, ["two_layer/torch_*"]])
def test_shards_hold_every_cell_once_and_a_baseline_with_each(selectors, parts):
    catalog = Catalog()
    cells = select(catalog, selectors, BOTH)
    baselines = {cell: group[0] for group in comparison_groups(catalog, cells) for cell in group}
    shards = [shard(catalog, cells, f"{i}/{parts}") for i in range(1, parts + 1)]
    dealt = [[cell for cell in part if baselines[cell] != cell] for part in shards]
    assert sorted(cell.key for part in dealt for cell in part) == sorted(
        cell.key for cell in cells if baselines[cell] != cell
    )
    assert {cell for part in shards for cell in part} == set(cells)
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1
    for part in shards:
        assert {baselines[cell] for cell in part} == {cell for cell in part if baselines[cell] == cell}
        assert part == [cell for cell in cells if cell in part]  # in the order of the selection


def test_a_cell_alone_in_its_group_is_dealt_out_like_any_other():
    one, other = (cases(["two_layer:t*/numpy_manual"], shard=f"{i}/2") for i in (1, 2))
    assert (one, other) == (["two_layer:tutorial"], ["two_layer:tiny"])


def test_the_baseline_is_the_first_of_its_group_wherever_it_stands():
    cells = select(Catalog(), ["two_layer:tiny"], Options())
    (group,) = comparison_groups(Catalog(), [*cells[3:], *cells[:3]])
    assert group[0].implementation == "numpy_manual"
    assert group[1:] == [*cells[3:], *cells[1:3]]


@pytest.mark.parametrize("text", ["", "1", "0/2", "1/0", "-1/2", "1/2/3", "a/b", "1:2", " 1/2"])
def test_what_is_not_a_valid_shard_is_answered_with_how_to_write_one(catalog, text):
    with pytest.raises(SamestepError, match=r"^--shard .*: write I/N, the I-th of N parts, as in 2/5$"):
        shard(catalog, select(catalog, [], Options()), text)


def test_a_shard_beyond_the_last_names_the_last(catalog):
    with pytest.raises(SamestepError, match=r"^--shard 3/2: of 2 parts the last is 2/2$"):
        shard(catalog, select(catalog, [], Options()), "3/2")


def test_an_empty_shard_is_an_error():
    assert len(select(Catalog(), ["two_layer:tiny/numpy_*"], Options(shard="1/9"))) == 2
    with pytest.raises(SamestepError, match=r"^--shard 2/9 is empty: the cells to deal out are 1$"):
        select(Catalog(), ["two_layer:tiny/numpy_*"], Options(shard="2/9"))
