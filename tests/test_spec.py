"""A case by its name, with the sizes written behind it; and every spec's sizes mean what they say."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.catalog.catalog import Catalog
from samestep.catalog.inputs import check_drawn
from samestep.data import load
from samestep.spec import Case, Spec, Task, name_with_size, parse_case

SPEC = Spec(
    summary="made up",
    cases={
        "small": Case(sizes={"rows": 2, "columns": 3, "pixels": 784}, numbers={"rate": 0.5, "steps": 7},
                      fixed=("pixels",), at_most={"rows": 100}),
        "bare": Case(),
    },
    tasks={"forward": Task(("x",), ("y",), lambda case: float(case.sizes["rows"]))},
    make_inputs=lambda case, rng, dataset: None,
    scaled=lambda sizes: {"rate": 1 / sizes["rows"]},
)  # fmt: skip

CATALOG = Catalog()
HERE = [
    (workload, name)
    for workload in CATALOG.workloads
    for name, case in CATALOG.spec(workload).cases.items()
    if case.dataset in (None, "mnist_sample")
]


def test_a_case_of_a_plain_name_is_the_case_itself():
    assert SPEC.case("small") is SPEC.cases["small"]


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("small[rows=4]", {"rows": 4, "columns": 3, "pixels": 784}),
        ("small[rows=100,columns=1]", {"rows": 100, "columns": 1, "pixels": 784}),
        ("small[columns=1,rows=100]", {"rows": 100, "columns": 1, "pixels": 784}),
    ],
)
def test_sizes_behind_a_name_replace_those_of_the_case_and_its_numbers_follow(name, sizes):
    case = SPEC.case(name)
    assert case.sizes == sizes
    assert case.numbers == {"rate": 1 / sizes["rows"], "steps": 7}
    assert SPEC.cases["small"].sizes["rows"] == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("large", "large is not a case; there are small, bare"),
        ("large[rows=2]", "large is not a case; there are small, bare"),
        ("small[colour=2]", "small has no such size; there are rows, columns"),
        ("small[pixels=2]", "small cannot change pixels; there are rows, columns"),
        ("small[rows=101]", "small has rows at most 100"),
        ("bare[rows=2]", "bare has no such size; all its sizes are fixed"),
    ],
)
def test_what_there_is_not_is_answered_with_what_there_is(name, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        SPEC.case(name)


@pytest.mark.parametrize(
    "name",
    ["small[]", "small[rows]", "small[rows=]", "small[rows=0]", "small[rows=-1]", "small[rows=2.0]",
     "small[rows=2", "small[rows=02]", "small[rows=2,]", "small[rows=2,rows=3]", "small[rows=2]x",
     "[rows=2]"],
)  # fmt: skip
def test_what_is_no_name_is_answered_with_how_to_write_one(name):
    with pytest.raises(
        ValueError, match=r"is not a valid case: write CASE\[SIZE=NUMBER\], each size once, numbers from 1"
    ):
        SPEC.case(name)


def test_a_name_is_put_together_and_taken_apart():
    name = name_with_size(name_with_size("small", "rows", 4), "columns", 5)
    assert name == "small[rows=4,columns=5]"
    assert parse_case(name) == ("small", (("rows", 4), ("columns", 5)))
    assert parse_case("small") == ("small", ())


@pytest.mark.parametrize(
    ("name", "written"),
    [("tutorial[batch=256]", "batch_256"), ("batch_64[batch=65536]", "batch_65536"),
     ("tutorial[width=4096]", "width_4096")],
)  # fmt: skip
def test_the_rate_follows_the_sizes_as_it_does_in_the_cases_that_are_written_down(name, written):
    spec = CATALOG.spec("two_layer")
    assert spec.case(name).sizes == spec.cases[written].sizes
    assert spec.case(name).numbers["learning_rate"] == spec.cases[written].numbers["learning_rate"]


def shapes(workload: str, name: str, sizes: dict[str, int]) -> dict[str, tuple[int, ...]]:
    """Of all inputs, with these sizes changed."""
    for size, number in sizes.items():
        name = name_with_size(name, size, number)
    spec = CATALOG.spec(workload)
    case = spec.case(name)
    inputs = spec.make_inputs(case, np.random.default_rng(0), load(case.dataset) if case.dataset else None)
    return {name: array.shape for name, array in {**inputs.params, **inputs.arrays}.items()}


@pytest.mark.parametrize("workload", CATALOG.workloads)
def test_the_inputs_of_a_workload_are_what_its_spec_says(workload):
    spec = CATALOG.spec(workload)
    name = min((n for w, n in HERE if w == workload), key=lambda n: sum(spec.cases[n].sizes.values()))
    check_drawn(f"make_inputs at case {name}", spec, CATALOG.read_again(workload), name, 0)


@pytest.mark.parametrize(("workload", "name"), HERE)
def test_a_size_that_can_be_changed_changes_the_inputs(workload, name):
    """What only changed the count of operations would make a wrong rate of them."""
    case = CATALOG.spec(workload).cases[name]
    free = dict.fromkeys((size for size in case.sizes if size not in case.fixed), 2)
    for size in free:
        assert shapes(workload, name, free) != shapes(workload, name, {**free, size: 3}), size
    assert {*case.fixed, *case.at_most} <= {*case.sizes}
