"""Spreads are measured along a path that is computed in the candidate's precision."""

from __future__ import annotations

import numpy as np

from samestep.agreement.limits import unit_roundoff
from samestep.agreement.reference.spread_cache import SpreadCache
from samestep.agreement.reference.training_path import TrainingPath
from samestep.catalog.catalog import Catalog
from tests.made.planting import case_values, reference_of

CATALOG = Catalog()


def remembered_of_the_keys_bias(dtype: str) -> float:
    """What Adam keeps after a step of a gradient that is 0, but for rounding: the softmax takes it away."""
    start = case_values(CATALOG, "transformer_block", "tiny", dtype)
    reference = reference_of(CATALOG, "transformer_block", dtype)
    path = TrainingPath(reference, start, "test", SpreadCache(largest=0))
    return float(np.abs(path.point("adam_step", 1).params["adam_m/b_qkv1"][1]).max())


def test_what_an_optimiser_keeps_of_a_gradient_of_0_is_rounding_of_the_candidates_size():
    single, double = (remembered_of_the_keys_bias(dtype) for dtype in ("float32", "float64"))
    assert 0 < double < unit_roundoff("float32") * single
