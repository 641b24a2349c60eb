"""What `samestep check` prints, and its JSON, from results whose truth is known."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rich.console import Console

from samestep.agreement.findings import Distance, FreeRun, Precision, TensorStatistics
from samestep.agreement.verdict import Divergence, Verdict
from samestep.catalog.cell import Cell
from samestep.records.check_results import CellPair, CheckResult, pair_to_json, to_json, to_row
from samestep.report import check_tables

DIVERGENCE = Divergence(0, "train_step", "w1", (1, 2), 2.0, 1.0, 1.0, 0.5, "elements")
STATISTICS = TensorStatistics(9, 6, 2.5e-8, 1.25, 5.0, 0.5, 2.0, -1e-7, 1e-6, (0, 1), certificate=0.25)
PRECISION = Precision("TF32", "float32", "w1", 0.75, {"float32": 0.1})


def cell(name: str, dtype: str = "float32", case: str = "tiny", device: str = "cpu") -> Cell:
    return Cell("two_layer", case, name, name.split("_")[0], dtype, device, "float32", 1)


def result(name: str, verdict: str = "agree", dtype: str = "float32", **more: Any) -> CheckResult:
    return CheckResult(cell(name, dtype), Verdict(verdict, **more))


@pytest.fixture
def console() -> Console:
    return Console(width=100, record=True, file=None, force_terminal=False)


def printed(console: Console) -> list[str]:
    """The lines that were printed, with single spaces between their words."""
    return [text for line in console.export_text().splitlines() if (text := " ".join(line.split()))]


def test_a_row_for_each_implementation_and_a_column_for_each_dtype_and_device(console):
    gpu = CheckResult(cell("jax_grad", device="gpu"), Verdict("suspect", "norm"))
    results = [result("torch_nn"), result("torch_nn", "disagree", "float64", reason="w1 is off"), gpu]
    check_tables.show(results, console)
    head, _, torch, jax, *notes = printed(console)
    assert head == "implementation case float32 float64 float32 gpu"
    assert torch == "two_layer/torch_nn tiny agree disagree"
    assert jax == "two_layer/jax_grad tiny suspect"
    assert notes == [
        "disagree two_layer:tiny/torch_nn float64 cpu: w1 is off",
        "suspect two_layer:tiny/jax_grad float32 gpu: norm",
    ]


def test_a_declared_departure_has_a_star_and_one_footnote_with_its_dtypes(console):
    departs = {"nan": "[raises] for NaN"}
    check_tables.show([result("torch_nn", dtype=d, departs=departs) for d in ("float32", "float64")], console)
    lines = printed(console)
    assert "two_layer/torch_nn tiny agree* agree*" in lines
    assert lines[-1] == "* two_layer/torch_nn, nan: [raises] for NaN (float32, float64)"


def test_each_statistic_stands_before_its_limit(console):
    found = result("torch_nn", tensors={"w1": STATISTICS}, precision=PRECISION)
    check_tables.explain([found, result("jax_grad")], console)
    title, head, _, row, precision, *legend = printed(console)
    assert title == "two_layer:tiny/torch_nn float32 cpu"
    assert head == "tensor n sigma worst norm scale bound"
    assert row == "w1 9 2.5e-08 1.25/5 0.50/2.0 1e-07/1e-06 2e-01"
    assert precision == "computed in TF32: the error of w1 is 0.75 sigma"
    assert legend[0].startswith("u, the unit roundoff, is 2^-24 in float32;")


def test_free_runs_are_shown_after_the_steps_that_they_made(console):
    run = FreeRun("train", [1e-7, 2e-7, 4e-7, 8e-7, 1.6e-6], [0.0] * 5, [0.0] * 5, 2.0, 4)
    short = FreeRun("train", [1e-7], [0.0], [0.0], None, None)
    check_tables.show_free_runs(
        [
            CheckResult(cell("torch_nn"), Verdict("agree"), run),
            CheckResult(cell("jax_grad"), Verdict("agree"), short),
        ],
        console,
    )
    lines = printed(console)
    assert lines[1] == "cell 1 2 5 growth lost from"
    assert lines[3:5] == [
        "two_layer/torch_nn float32 1e-07 2e-07 2e-06 2.00 step 4", "two_layer/jax_grad float32 1e-07 -",
    ]  # fmt: skip
    assert "lost to rounding" in lines[-1] + lines[-2]


def test_where_nothing_trains_there_is_no_free_run(console):
    check_tables.show_free_runs([result("torch_nn")], console)
    assert printed(console) == ["No free run: nothing here is trained."]


def test_distances_are_a_symmetric_matrix(console):
    near, equal = Distance(2.0, 0.5, 3, False), Distance(0.0, 0.0, 3, True)
    one, two, three = (cell(name) for name in ("numpy_manual", "torch_nn", "jax_grad"))
    pairs = [CellPair(one, two, near), CellPair(one, three, near), CellPair(two, three, equal)]
    check_tables.show_distances(pairs, [], console)
    lines = printed(console)
    assert lines[0] == "two_layer:tiny, float32 cpu"
    assert lines[3:6] == ["1 numpy_manual 0.5 0.5", "2 torch_nn 0.5 =", "3 jax_grad 0.5 ="]
    assert pair_to_json(pairs[0]) == {
        "a": "two_layer:tiny/numpy_manual/float32/cpu/float32/1t",
        "b": "two_layer:tiny/torch_nn/float32/cpu/float32/1t",
        "worst": 2.0, "rms": 0.5, "tensors": 3, "identical": False,
    }  # fmt: skip


def test_in_the_matrix_stands_what_disagrees_and_where_there_is_none_a_line_says_so(console):
    one, two = cell("numpy_manual"), cell("torch_nn")
    results = [result("numpy_manual"), result("torch_nn", "disagree")]
    check_tables.show_distances([CellPair(one, two, Distance(9.0, 7.0, 1, False))], results, console)
    assert printed(console)[3:5] == ["1 numpy_manual 7.0", "2 torch_nn (disagree) 7.0"]
    check_tables.show_distances([], results, console)
    assert printed(console)[-1].startswith("No two implementations gave a tensor in common")


def test_the_fields_of_the_json_are_those_that_are_promised():
    found = result(
        "torch_nn", "disagree", reason="w1", first_divergence=DIVERGENCE, tensors={"w1": STATISTICS}
    )
    document = json.loads(json.dumps(to_json(found), allow_nan=False))
    assert list(document) == [
        "workload", "implementation", "case", "dtype", "device", "verdict", "reason", "first_divergence",
        "diagnosis", "tensors", "precision", "notes", "departs", "repeats",
    ]  # fmt: skip
    assert document["first_divergence"] == {
        "step": 0, "task": "train_step", "tensor": "w1", "index": [1, 2], "got": 2.0, "expected": 1.0,
        "error": 1.0, "limit": 0.5, "test": "elements",
    }  # fmt: skip
    assert list(to_row(found).values()) == [
        "two_layer", "torch_nn", "tiny", "float32", "cpu", "disagree", "w1",
    ]  # fmt: skip


def test_a_free_run_is_in_the_json_where_there_is_one():
    run = FreeRun("train", [0.25], [0.0], [0.0], float("inf"), None)
    document = to_json(CheckResult(cell("torch_nn"), Verdict("agree"), run))
    assert document["trajectory"] == {
        "task": "train", "distance": [0.25], "loss_distance": [0.0], "absorbed": [0.0], "growth": "inf",
        "absorbed_from": None,
    }  # fmt: skip
