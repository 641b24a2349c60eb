"""A free run is reported, and judges nothing."""

from __future__ import annotations

from samestep.agreement.free_run import free_run
from samestep.agreement.reference.run import Reference
from samestep.catalog.catalog import REFERENCE
from tests.made.candidates import CATALOG, candidate


def test_a_free_run_is_a_report():
    mine = candidate(case="tutorial")
    module = CATALOG.load(CATALOG.implementation("two_layer", REFERENCE))
    free = free_run(mine, Reference(module, mine.spec, "float32"), 20)
    assert len(free.distance) == len(free.loss_distance) == len(free.absorbed) == 20
    assert 0 < free.distance[0] < free.distance[-1] < 1
    assert free.growth > 1
    double = free_run(candidate("float64", case="tutorial"), Reference(module, mine.spec, "float64"), 5)
    assert max(double.distance) == 0  # the reference itself
