"""What is examined in float32 alone goes to its full length there: whoever examines it is told so."""

from __future__ import annotations

from unittest.mock import MagicMock, create_autospec

import pytest

from samestep.agreement.verdict import AGREE, Verdict
from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Options
from samestep.catalog.selection import select
from samestep.jobs.check import check
from samestep.workers.launcher import Launcher
from samestep.workers.protocol import Examined


@pytest.mark.parametrize(
    ("dtypes", "only"),
    [
        (("float32",), {"float32": True}),
        (("float32", "float64"), {"float32": False, "float64": False}),
    ],
)
def test_float32_is_the_only_dtype_where_float64_is_not_asked_for_as_well(dtypes, only):
    launcher, found = create_autospec(Launcher, instance=True), dict[str, bool]()

    def examine(judge, worker, cell, keep, free_steps, only):
        found[cell.dtype] = only
        return Examined(Verdict(AGREE))

    launcher.catalog, launcher.start = Catalog(), MagicMock()
    launcher.missing.return_value, launcher.open.side_effect = None, None
    launcher.examine.side_effect, launcher.changes.return_value = examine, ()
    cells = select(launcher.catalog, ["two_layer:tiny/numpy_inplace"], Options(dtypes=dtypes))
    results = []
    check(launcher, cells, results.append)
    assert [one.verdict.verdict for one in results] == [AGREE] * len(dtypes)
    assert found == only
