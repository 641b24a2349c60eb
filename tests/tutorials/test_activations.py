"""The derivatives of relu, sigmoid and tanh: exact where they are exact, and by their published formulas."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tutorials.answers import ask, rungs_of
from tests.tutorials.published import PUBLISHED, framework_of

every_rung = pytest.mark.parametrize("rung", rungs_of("activations", "derivatives"))
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])

FORMULAS = {
    "1 for x>0, 0 for x<0, declared 0 at 0": lambda relu: (relu > 0).astype(float),
    "s(1-s), 0.25 at 0": lambda s: s * (1 - s),
    "1-tanh^2, 1 at 0": lambda tanh: 1 - tanh**2,
}


@every_rung
@dtypes
def test_at_zero_the_answers_are_exact(rung, dtype, need):
    need(framework_of(rung))
    zeros = [0.0, -0.0]
    values = ask("activations", rung, dtype, "forward", x=zeros)
    derivatives = ask("activations", rung, dtype, "derivatives", x=zeros)
    assert {name: value.tolist() for name, value in (values | derivatives).items()} == {
        "relu": [0, 0], "sigmoid": [0.5, 0.5], "tanh": [0, 0],
        "grad_relu": [0, 0], "grad_sigmoid": [0.25, 0.25], "grad_tanh": [1, 1],
    }  # fmt: skip


@every_rung
@pytest.mark.parametrize("row", PUBLISHED["activations"], ids=lambda row: row["name"])
def test_the_derivative_is_that_of_the_published_formula(rung, row, need):
    need(framework_of(rung))
    x = np.linspace(-4, 4, 33)
    value = ask("activations", rung, "float64", "forward", x=x)[row["name"]]
    derivative = ask("activations", rung, "float64", "derivatives", x=x)[f"grad_{row['name']}"]
    # Both round a handful of times, and no number here is larger than 1
    room = 16 * np.finfo("float64").eps
    assert np.abs(derivative - FORMULAS[row["derivative"]](value)).max() < room
    assert np.ptp(derivative) > room
