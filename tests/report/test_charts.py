"""The charts of errors and of free runs: what is drawn of which records."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("altair", reason="pictures need Altair")
vl_convert = pytest.importorskip("vl_convert", reason="pictures need Altair")

from samestep.catalog.cell import Cell  # noqa: E402
from samestep.report.pictures import error_charts  # noqa: E402
from tests.made.records import records_of  # noqa: E402

CELLS = {
    name: Cell("two_layer", "tiny", name, name.split("_")[0], "float32", "cpu", "float32", 1)
    for name in ("numpy_manual", "torch_manual")
}
STATISTICS = {"terms": 1, "size": 1, "sigma": 1.0, "elements": 1.5, "elements_limit": 22.0, "norm": 1.0,
              "norm_limit": 2.0, "scale": 0.0, "scale_limit": 1.0, "index": [0]}  # fmt: skip


def verdict(cell: str, tensors: dict, **more: object) -> dict:
    return {"kind": "verdict", "cell": cell, "verdict": "agree", "tensors": tensors, **more}


DOCUMENTS = [
    verdict("numpy_manual", {"h": STATISTICS, "loss": {**STATISTICS, "elements": 0.0}}),
    verdict("torch_manual", {"h": STATISTICS}),
    verdict("torch_manual", {"h": {**STATISTICS, "elements": 9.0}}),
    {"kind": "trajectory", "cell": "torch_manual", "task": "train",
     "distance": [0.25, 0.5, "nan", 0.0, "inf"], "loss_distance": [], "absorbed": [], "growth": None,
     "absorbed_from": None},
    {"kind": "finish", "cell": "torch_manual", "bytes": 1},
]  # fmt: skip
RECORDS = records_of(DOCUMENTS)


def test_the_errors_are_those_of_the_cells_own_dtype():
    elsewhere = verdict("torch_manual", {"h": {**STATISTICS, "elements": 7.0}}, checked_in="float64")
    own = [{**one, "checked_in": "float32"} for one in DOCUMENTS if one["kind"] == "verdict"]
    assert error_charts.error_rows(CELLS, records_of([elsewhere, *own])) == error_charts.error_rows(
        CELLS, RECORDS
    )


def test_each_cell_stands_once_and_zero_at_the_floor():
    rows = error_charts.error_rows(CELLS, RECORDS)
    assert [(r.implementation, r.tensor, r.error) for r in rows] == [
        ("numpy_manual", "h", 1.5),
        ("numpy_manual", "loss", error_charts.FLOOR),
        ("torch_manual", "h", 1.5),
    ]


def test_a_free_run_has_its_steps_and_nothing_that_is_no_number():
    assert [(r.step, r.distance) for r in error_charts.free_run_rows(CELLS, RECORDS)] == [
        (1, 0.25),
        (2, 0.5),
    ]


def test_a_verdict_without_statistics_is_not_drawn():
    bare = records_of([{"kind": "verdict", "cell": "numpy_manual", "verdict": "agree", "reason": None}])
    assert error_charts.error_rows(CELLS, bare) == []
    assert list(error_charts.pictures(CELLS, bare)) == []


def test_the_a_a_control_is_not_drawn():
    control = {"again": replace(CELLS["torch_manual"], aa_copy=True)}
    found = records_of([{**one, "cell": "again"} for one in DOCUMENTS])
    assert error_charts.error_rows(control, found)
    assert list(error_charts.pictures(control, found)) == []


def test_the_pictures_name_what_they_show():
    found = {picture.name: picture for picture in error_charts.pictures(CELLS, RECORDS)}
    assert list(found) == ["errors-two_layer-tiny-float32-cpu", "trajectory-two_layer-tiny-float32-cpu"]
    for picture in found.values():
        svg = vl_convert.vegalite_to_svg(picture.vega_lite())
        assert "two_layer:tiny, float32, cpu" in svg
        assert "torch" in svg
        assert picture.vega_lite()["datasets"]["rows"] == picture.rows
