"""How the scatter of correct computations depends on the dtype."""

from __future__ import annotations

import numpy as np

from samestep.catalog.catalog import Catalog
from tests.made.planting import case_values, reference_of

CATALOG = Catalog()


def test_float64_limits_are_doubled_and_its_sigma_smaller():
    single, double = (
        reference_of(CATALOG, "two_layer", dtype).spreads(
            "trace", case_values(CATALOG, "two_layer", "tiny", dtype), 24
        )["h"]
        for dtype in ("float32", "float64")
    )
    assert double.limit == 2 * single.limit
    ratio = np.median(single.sigma / double.sigma)
    assert 2.0**28.5 < ratio < 2.0**29.5
