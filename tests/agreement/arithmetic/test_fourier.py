"""What a Fourier transform rounds: its stages, and where their errors go."""

from __future__ import annotations

import numpy as np
import pytest

from samestep.agreement.arithmetic.fourier import factors, stage_variance, transform_variance


def test_factors_are_prime_and_ascending():
    assert [factors(n) for n in (1, 2, 12, 97, 1001)] == [(), (2,), (2, 2, 3), (97,), (7, 11, 13)]


def test_a_flat_spectrum_rounds_alike_everywhere():
    for n in (64, 100, 97):
        expected = sum(map(stage_variance, factors(n)))
        assert np.all(np.abs(transform_variance(np, np.ones((2, n))) - expected) < 2.0**-40)


@pytest.mark.parametrize("bin_", [0, 5])
def test_errors_of_a_peak_are_spread_to_its_aliases(bin_):
    squares = np.zeros(16)
    squares[bin_] = 1.0
    variance = transform_variance(np, squares)
    order = np.roll(variance, -bin_)
    assert order[8] == 2.5 * (1 / 2 + 1 / 4 + 1 / 8)
    assert order[1] == 0  # the first stage is followed by ones of 8 points: results two apart
    assert variance.sum() == 2.5 * 4
