"""A relu whose net input is 0 to within its rounding may be open or closed; no other may."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.agreement.arithmetic.gate_arrays import Gate
from samestep.agreement.examination.comparisons import Comparisons
from samestep.agreement.examination.tensor_check import Place
from samestep.agreement.limits import unit_roundoff
from samestep.agreement.reference.expectation import Expectations
from samestep.agreement.reference.run import Reference
from samestep.agreement.reference.spread_cache import SpreadCache
from samestep.agreement.verdict import Disagreement
from samestep.api import open_cell
from samestep.spec import Inputs


@pytest.fixture(scope="module", params=["float32", "float64"])
def expected(request):
    """What two_layer's trace should give where unit 2 in row 3 has a net input of a few roundings."""
    cell = open_cell("two_layer:tiny/numpy_manual", dtype=request.param)
    x, w1 = cell.arrays["x"].astype(float), cell.params["w1"].astype(float)
    few = 2 * unit_roundoff(request.param) * np.abs(x[3]) @ np.abs(w1[:, 2])
    w1[:, 2] -= x[3] * (x[3] @ w1[:, 2] - few) / (x[3] @ x[3])
    candidate = cell.on(Inputs({**cell.params, "w1": w1}, cell.arrays))
    reference = Reference(cell.module, cell.spec, request.param)
    expectations = Expectations(reference, candidate.point, "", SpreadCache())
    return expectations.expect("trace", candidate.point, "trace", 0)


def computed(expected, *gates):
    """What correct code of the cell's dtype gives with some gates turned."""
    precision = expected.spreads["h"].precision
    outputs = expected.with_gates_turned(gates).outputs
    return {name: value.astype(precision) for name, value in outputs.items()}


def compared(expected, got):
    comparisons = Comparisons(None, {"trace"})
    comparisons.check(Place(0, "trace"), got, expected)
    return comparisons.notes


def test_the_gate_at_its_threshold_is_the_one_that_is_undecided(expected):
    (gate,) = expected.undecided_gates()
    at = np.unravel_index(gate.element, expected.exact.outputs["h"].shape)
    assert [int(i) for i in at] == [3, 2]


def test_it_may_be_turned_and_the_notes_say_so(expected):
    assert compared(expected, computed(expected)) == []
    notes = compared(expected, computed(expected, *expected.undecided_gates()))
    assert "trace, step 0: grad_w1 is right with one gate that is at the threshold the other way" in notes


def test_no_other_gate_may_be_turned(expected):
    with pytest.raises(Disagreement, match="grad_h"):
        compared(expected, computed(expected, Gate(0, 0)))


def test_what_is_wrong_beside_a_turned_gate_stays_wrong(expected):
    got = computed(expected, *expected.undecided_gates())
    got["grad_w1"] *= 1.001
    with pytest.raises(Disagreement, match="grad_w1"):
        compared(expected, got)
