"""Pictures of a run: what is drawn, and that a run from before there were spreads is left out."""

from __future__ import annotations

import pytest

from harness.report import charts

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


def test_each_cell_stands_once_and_zero_at_the_floor():
    rows = charts.error_rows(CELLS, RECORDS)
    assert [(r["implementation"], r["tensor"], r["error"]) for r in rows] == [
        ("numpy_manual", "h", 1.5),
        ("numpy_manual", "loss", charts.FLOOR),
        ("torch_manual", "h", 1.5),
    ]


def test_a_free_run_has_its_steps_and_nothing_that_is_no_number():
    assert [(r["step"], r["distance"]) for r in charts.trajectory_rows(CELLS, RECORDS)] == [
        (1, 0.25),
        (2, 0.5),
    ]


def test_what_an_older_run_kept_is_left_out():
    old = [{"kind": "verdict", "cell": "numpy_manual", "tensors": {"h": 0.25}}]
    assert charts.error_rows(CELLS, old) == []
    assert list(charts.charts(CELLS, old)) == []


def test_a_second_name_of_the_same_code_is_not_drawn():
    again = {**CELLS, "again": {**CELLS["torch_manual"], "twin": True, "case": "other"}}
    assert list(charts.charts(again, [{**record, "cell": "again"} for record in RECORDS])) == []


def test_the_pictures_name_what_they_show():
    if not charts.available():
        pytest.skip(charts.MISSING)
    import vl_convert

    found = dict(charts.charts(CELLS, RECORDS))
    assert list(found) == ["errors-two_layer-tiny-float32-cpu", "trajectory-two_layer-tiny-float32-cpu"]
    for chart in found.values():
        svg = vl_convert.vegalite_to_svg(chart.to_dict())
        assert "two_layer:tiny, float32, cpu" in svg
        assert "torch" in svg
