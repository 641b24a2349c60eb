"""A cell's key is its name in records; its label is for a reader."""

from __future__ import annotations

from dataclasses import replace

from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Cell, Options
from samestep.catalog.selection import comparison_groups, select, with_aa_copies

CELL = Cell("two_layer", "tiny", "torch_nn", "torch", "float64", "cpu", "tf32", 2)


def test_the_key_has_all_that_tells_cells_apart():
    assert CELL.key == "two_layer:tiny/torch_nn/float64/cpu/tf32/2t"
    assert replace(CELL, aa_copy=True).key == f"{CELL.key}/again"
    assert replace(CELL, file="/tmp/x.py", named=True).key == CELL.key
    others = [{"workload": "x"}, {"case": "x"}, {"implementation": "x"}, {"dtype": "float32"},
              {"device": "gpu"}, {"matmul": "float32"}, {"threads": 1}, {"aa_copy": True}]  # fmt: skip
    assert len({CELL.key, *(replace(CELL, **other).key for other in others)}) == 1 + len(others)


def test_the_label_is_for_a_reader():
    assert (CELL.of_case, CELL.label) == ("two_layer:tiny", "two_layer:tiny/torch_nn float64 cpu")


def test_the_baseline_of_every_comparison_group_gets_an_a_a_copy_beside_it():
    catalog = Catalog()
    cells = select(catalog, ["two_layer:t*"], Options(dtypes=("float32", "float64")))
    both = with_aa_copies(catalog, cells)
    assert [cell for cell in both if not cell.aa_copy] == cells
    groups = comparison_groups(catalog, cells)
    copies = [replace(group[0], aa_copy=True) for group in groups]
    assert len(groups) == 4
    assert {cell for cell in both if cell.aa_copy} == set(copies)
    assert all(both[both.index(copy) - 1] == replace(copy, aa_copy=False) for copy in copies)
