"""Pictures of a run: what is drawn, and that a run from before there were spreads is left out."""

from __future__ import annotations

import pytest

pytest.importorskip("altair", reason="pictures need Altair")
vl_convert = pytest.importorskip("vl_convert", reason="pictures need Altair")

from samestep.report.pictures import error_charts  # noqa: E402

CELLS = {
    key: {"workload": "two_layer", "case": "tiny", "dtype": "float32", "device": "cpu",
          "implementation": key, "framework": key.split("_")[0]}
    for key in ("numpy_manual", "torch_manual")
}  # fmt: skip
SEEN = {"elements": 1.5, "elements_limit": 22.0}
RECORDS = [
    {"kind": "verdict", "cell": "numpy_manual", "tensors": {"h": SEEN, "loss": {**SEEN, "elements": 0.0}}},
    {"kind": "verdict", "cell": "torch_manual", "tensors": {"h": SEEN}},
    {"kind": "verdict", "cell": "torch_manual", "tensors": {"h": {**SEEN, "elements": 9.0}}},
    {"kind": "trajectory", "cell": "torch_manual", "distance": [0.25, 0.5, "nan"]},
    {"kind": "sample", "cell": "torch_manual"},
]


def test_the_errors_are_those_of_the_cells_own_dtype():
    elsewhere = {"kind": "verdict", "cell": "torch_manual", "checked_in": "float64", "verdict": "agree"}
    own = [{**record, "checked_in": "float32"} for record in RECORDS if record["kind"] == "verdict"]
    assert error_charts.error_rows(CELLS, [elsewhere, *own]) == error_charts.error_rows(CELLS, RECORDS)


def test_each_cell_stands_once_and_zero_at_the_floor():
    rows = error_charts.error_rows(CELLS, RECORDS)
    assert [(r["implementation"], r["tensor"], r["error"]) for r in rows] == [
        ("numpy_manual", "h", 1.5),
        ("numpy_manual", "loss", error_charts.FLOOR),
        ("torch_manual", "h", 1.5),
    ]


def test_a_free_run_has_its_steps_and_nothing_that_is_no_number():
    assert [(r["step"], r["distance"]) for r in error_charts.trajectory_rows(CELLS, RECORDS)] == [
        (1, 0.25),
        (2, 0.5),
    ]


def test_what_an_older_run_kept_is_left_out():
    old = [{"kind": "verdict", "cell": "numpy_manual", "tensors": {"h": 0.25}}]
    assert error_charts.error_rows(CELLS, old) == []
    assert list(error_charts.pictures(CELLS, old)) == []


def test_a_second_name_of_the_same_code_is_not_drawn():
    again = {**CELLS, "again": {**CELLS["torch_manual"], "twin": True, "case": "other"}}
    assert list(error_charts.pictures(again, [{**record, "cell": "again"} for record in RECORDS])) == []


def test_the_pictures_name_what_they_show():
    found = {picture.name: picture for picture in error_charts.pictures(CELLS, RECORDS)}
    assert list(found) == ["errors-two_layer-tiny-float32-cpu", "trajectory-two_layer-tiny-float32-cpu"]
    for picture in found.values():
        svg = vl_convert.vegalite_to_svg(picture.vega_lite())
        assert "two_layer:tiny, float32, cpu" in svg
        assert "torch" in svg
        assert picture.vega_lite()["datasets"]["rows"] == picture.rows
