"""Inputs of a sample are new, and stand for what the case's stand for."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.agreement.examination.fresh_inputs import fresh_arrays
from samestep.spec import Case, Inputs, Spec

ARRAYS = {
    "x": np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3),
    "part": np.linspace(0, 1, 4),
    "pixels": np.arange(12, dtype="uint8").reshape(4, 3),
    "labels": np.arange(50),
    "steps": np.arange(50),
    "rate": np.array(0.5),
}
SPEC = Spec(
    "any", {}, {}, make_inputs=lambda *_: Inputs({}, ARRAYS), probabilities=("part",),
    axes=lambda _: {"labels": "n", "steps": "."},
)  # fmt: skip


def drawn(draw: int) -> dict[str, np.ndarray]:
    return fresh_arrays(SPEC, Case(), ARRAYS, draw)


@pytest.mark.parametrize("draw", [0, 7, 2**31 - 1])
def test_they_are_others_of_the_same_kind(draw):
    fresh = drawn(draw)
    for name, array in ARRAYS.items():
        assert (fresh[name].shape, fresh[name].dtype) == (array.shape, array.dtype)
        assert fresh[name] is not array
        assert np.array_equal(fresh[name], array) is (name == "steps")  # its order means something
    assert sorted(fresh["labels"]) == list(ARRAYS["labels"])
    assert (fresh["part"] <= ARRAYS["part"]).all()


def test_one_draw_gives_the_same_ones_wherever_and_of_whatever_they_are_drawn():
    some = fresh_arrays(SPEC, Case(), {"labels": ARRAYS["labels"]}, 3)
    assert np.array_equal(some["labels"], drawn(3)["labels"])
    assert not np.array_equal(some["labels"], drawn(4)["labels"])
