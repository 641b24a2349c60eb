"""The arithmetic that was really used is identified."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.agreement.arithmetic.low_precision import PRODUCTS
from tests.made.candidates import candidate, verdict

DISTINCT = [name for name in PRODUCTS if name not in ("TF32", "float16 operands")]  # these two round alike


@pytest.mark.parametrize("name", [*DISTINCT, "TF32"])
def test_the_arithmetic_is_named(name):
    def trace(state, x, y):
        wide = {n: a.astype(np.float64) for n, a in state.items()}
        h = PRODUCTS[name](x.astype(np.float64), wide["w1"]).astype(np.float32)
        return {"h": h}

    found = verdict(candidate(case="tutorial", trace=trace))
    assert found.verdict == "disagree"
    assert found.diagnosis.kind == "precision"
    if name != "float64":
        assert name.split(",")[0].split()[0] in found.diagnosis.text
