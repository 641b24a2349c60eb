"""Complex numbers may stand inside of a JAX function; what it returns is compared in real parts."""

from __future__ import annotations

import numpy as np
import pytest

jnp = pytest.importorskip("jax.numpy")

import samestep  # noqa: E402
from samestep.models.subject import ModelError  # noqa: E402

X = np.random.default_rng(0).standard_normal((6, 8)).astype(np.float32)


def test_a_complex_output_is_one_clear_line():
    with pytest.raises(ModelError, match="output is complex: return its real and imaginary parts"):
        samestep.compare(jnp.fft.rfft, jnp.fft.rfft, (X,), variants=False)


def test_its_parts_are_compared():
    def parts(x, factor=1.0):
        found = jnp.fft.rfft(x) * factor
        return found.real, found.imag

    assert samestep.compare(parts, parts, (X,), variants=False, replicas=8).verdict == "agree"
    other = samestep.compare(lambda x: parts(x, 1.000001), parts, (X,), variants=False, replicas=8)
    assert other.verdict == "disagree"
