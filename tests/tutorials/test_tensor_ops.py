"""What tutorials print of arrays, their shapes and their sums comes out of every rung."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tutorials.answers import ask, rungs_of
from tests.tutorials.published import PUBLISHED, by_name, check, differences, framework_of

WORKLOAD = "tensor_ops"
every_rung = pytest.mark.parametrize("rung", rungs_of(WORKLOAD, "reduce"))
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])

SIX = np.arange(1.0, 7).reshape(2, 3)
COLUMNS = [[1, 1], [2, 2], [3, 3], [4, 4]]
TWELVE = np.arange(1.0, 13).reshape(3, 2, 2)


def row(beginning):
    return by_name(WORKLOAD, "op", beginning)


@every_rung
@dtypes
def test_products_and_sums_come_out(rung, dtype, need):
    need(framework_of(rung))
    fours = {"a": np.full((4, 3), 6.0), "b": np.ones((4, 3)), "w": np.ones((3, 4)), "vector": [2.0, 2.0, 2.0]}
    applied = ask(WORKLOAD, rung, dtype, "products", **fours)["applied"]
    assert differences(applied, row("ones(4,3)*6 @ ones(3)*2")["value"]) == []
    sums = ask(WORKLOAD, rung, dtype, "reduce", a=SIX)
    assert differences(sums["sum_0"], row("arange(1..6).view(2,3).sum(dim=0)")["value"]) == []
    assert differences(sums["sum_1"], row("… .sum(dim=1)")["value"]) == []
    assert differences(sums["std_0"], row("… .std(dim=0), n-1")["value"]) == []
    means = ask(WORKLOAD, rung, dtype, "reduce", a=COLUMNS)
    for name, printed in zip(("mean_all", "mean_0", "mean_1"), row("mean of")["value"], strict=True):
        assert differences(means[name], printed) == []


@every_rung
@dtypes
def test_broadcasting_and_indices_come_out(rung, dtype, need):
    need(framework_of(rung))
    table = ask(WORKLOAD, rung, dtype, "broadcast", row=[[1, 2]], column=[[1], [2], [3]])["table"]
    assert differences(table, row("[[1,2]] + [[1],[2],[3]]")["value"]) == []
    picked = ask(WORKLOAD, rung, dtype, "index", cube=TWELVE)
    assert differences(picked["corner"], row("x[:,0,0]")["value"]["x[:,0,0]"]) == []
    assert picked["block"].tolist() == TWELVE[0].tolist()
    assert picked["rows"].tolist() == TWELVE[[0, 0, 1, 1]].tolist()


@every_rung
def test_shapes_come_out(rung, need):
    need(framework_of(rung))
    joined = ask(WORKLOAD, rung, "float32", "join", a=SIX, b=SIX)
    shapes = [list(joined[name].shape) for name in ("joined_0", "joined_1")]
    assert shapes == row("cat of three 2x3")["shape"]
    cube = np.random.default_rng(0).standard_normal((3, 4, 5))
    moved = ask(WORKLOAD, rung, "float64", "reshape", cube=cube)
    published = row("randn(3,4,5) permute(1,0,2)")["shape"]
    assert [list(moved[name].shape) for name in ("turned", "swapped")] == published
    assert (moved["turned"] == cube.transpose(1, 0, 2)).all()
    assert list(moved["flat"].shape) == row("view(-1,5), view(3,20)")["shape"][0]
    folded = ask(WORKLOAD, rung, "float64", "reshape", cube=cube.reshape(4, 3, 5))["folded"]
    assert list(folded.shape) == row("view(-1,5), view(3,20)")["shape"][1]
    unsqueezed = ask(WORKLOAD, rung, "float32", "reshape", cube=np.ones((2, 2, 1)))
    assert [unsqueezed[name].ndim for name in ("unsqueezed", "squeezed")] == [4, 3]


@every_rung
@dtypes
def test_who_shares_storage_sees_the_change(rung, dtype, need):
    need(framework_of(rung))
    assert row("in-place add")["op"].endswith("a row view writes through; clone does not")
    seen = ask(WORKLOAD, rung, dtype, "in_place", a=SIX, b=np.ones((2, 3)))
    total = 2 * (SIX + 1) * [[0], [1]]
    expected = {"total": total, "alias": total, "row_of": total[0], "copied": SIX - 1, "picked": 0 * SIX}
    assert {name: value.tolist() for name, value in seen.items()} == {
        n: v.tolist() for n, v in expected.items()
    }
    across = ask(WORKLOAD, rung, dtype, "bridge", a=SIX)
    assert across["shared"].tolist() == (SIX + 1).tolist()
    assert across["copied"].tolist() == SIX.tolist()
    assert across["returned"].tolist() == (SIX + 1).tolist()
    assert across["width"] == 8  # bytes: the cast to float64 on the way back


def test_the_other_divisor_disagrees_where_it_is_taken():
    assert "n-1" in row("… .std(dim=0), n-1")["trap"]
    code, cells = check(WORKLOAD, "numpy_std_over_n")
    assert code == 1
    for cell in cells:
        assert (cell["verdict"], cell["first_divergence"]["tensor"]) == ("disagree", "std_0")
        assert cell["first_divergence"]["got"] == 1.5


def test_every_published_row_is_asked_for():
    asked = (
        "ones(4", "arange", "… .sum", "… .std", "mean of", "[[1,2]]", "cat of", "x[:,0,0]", "randn", "view",
        "in-place", "ones(2,2)", "array <-> tensor", "host -> device",
    )  # fmt: skip
    assert all(op["op"].startswith(asked) for op in PUBLISHED[WORKLOAD])
