"""Sums of two parameters that the candidate holds as one."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.models.pairing.added_pairs import added_pairs, exact_terms
from samestep.models.pairing.parameter_map import ParameterMap


@pytest.fixture
def reference():
    rng = np.random.default_rng(0)
    shapes = {"rnn.weight_ih": (12, 5), "rnn.bias_ih": (12,), "rnn.bias_hh": (12,), "head.bias": (12,)}
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def test_a_sum_and_its_slices_are_found_and_go_back_to_both_terms(reference):
    total = reference["rnn.bias_ih"] + reference["rnn.bias_hh"]
    candidate = {"kernel": reference["rnn.weight_ih"].T, "gate": total[4:8], "last": total[8:]}
    links = ParameterMap.by_value(reference, candidate)
    made = links.apply(reference)
    assert links.links["gate"].sources == ("rnn.bias_ih", "rnn.bias_hh")
    assert all(np.array_equal(made[name], candidate[name]) for name in candidate)
    assert links.reference_only == ("head.bias",)


def test_a_bias_of_sums_and_of_others_is_found(reference):
    total = reference["rnn.bias_ih"] + reference["rnn.bias_hh"]
    candidate = {"bias": np.concatenate([total[:8], reference["rnn.bias_ih"][8:]])}
    links = ParameterMap.by_value(reference, candidate)
    assert np.array_equal(links.apply(reference)["bias"], candidate["bias"])


def test_vectors_of_other_modules_are_no_pair(reference):
    assert not added_pairs(reference, {"bias": reference["rnn.bias_ih"] + reference["head.bias"]})
    assert not added_pairs(reference, {"bias": reference["rnn.bias_ih"]})


@pytest.mark.parametrize("scale", [1.0, 2.0**-30, 3e5])
def test_terms_are_moved_to_where_float32_holds_their_sum(reference, scale):
    values = {name: value * np.float32(scale) for name, value in reference.items()}
    links = ParameterMap.by_value(values, {"bias": values["rnn.bias_ih"] + values["rnn.bias_hh"]})
    moved = exact_terms(links, values)
    assert set(moved) == {"rnn.bias_ih", "rnn.bias_hh"}
    doubles = [value.astype(np.float64) for value in moved.values()]
    assert np.array_equal(sum(doubles), (moved["rnn.bias_ih"] + moved["rnn.bias_hh"]).astype(np.float64))
    for name, value in moved.items():
        largest = max(np.abs(values[n]).max() for n in moved)
        assert np.abs(value - values[name]).max() <= largest * 2.0**-23
    assert not exact_terms(links, {**values, **moved})
