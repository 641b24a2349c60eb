"""A free run is reported, and judges nothing."""

from __future__ import annotations

from samestep.agreement.free_run import free_run
from tests.made.candidates import CATALOG, candidate
from tests.made.planting import reference_of


def test_a_free_run_is_a_report():
    mine = candidate(case="tutorial")
    free = free_run(mine, reference_of(CATALOG, "two_layer", "float32"), 20)
    assert len(free.distance) == len(free.loss_distance) == len(free.absorbed) == 20
    assert 0 < free.distance[0] < free.distance[-1] < 1
    assert free.growth > 1
    double = free_run(candidate("float64", case="tutorial"), reference_of(CATALOG, "two_layer", "float64"), 5)
    assert max(double.distance) == 0  # the reference itself
