"""Perturbed inputs are the same problem on other numbers, and always the same ones."""

from __future__ import annotations

import numpy as np

from samestep.agreement.examination.perturbed import perturb
from tests.made.candidates import candidate


def test_a_perturbation_is_the_same_problem_on_other_numbers():
    mine = candidate(case="tutorial", dtype="float64")
    other = perturb(mine, 1)
    assert other.numbers["learning_rate"] == mine.numbers["learning_rate"] / 2
    assert not np.array_equal(other.arrays["x"], mine.arrays["x"])
    near = np.sort(other.arrays["x"], axis=None) / np.sort(mine.arrays["x"], axis=None)
    assert 0.9 < np.median(near) < 1.1
    assert np.array_equal(perturb(mine, 1).arrays["x"], other.arrays["x"])
