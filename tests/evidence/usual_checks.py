"""What is usually written instead: fixed tolerances, as other projects define them, for comparison.

Each function takes two arrays of one shape, and returns whether the first passes.
"""

from __future__ import annotations

import numpy as np


def numpy_allclose(got: np.ndarray, expected: np.ndarray) -> bool:
    """np.allclose with its defaults."""
    return bool(np.allclose(got, expected))


def torch_assert_close(got: np.ndarray, expected: np.ndarray) -> bool:
    """torch.testing.assert_close: rtol and atol by dtype."""
    rtol, atol = (1.3e-6, 1e-5) if got.dtype == np.float32 else (1e-7, 1e-7)
    return bool(np.allclose(got, expected, rtol=rtol, atol=atol))


def chex_trees_all_close(got: np.ndarray, expected: np.ndarray) -> bool:
    """chex.assert_trees_all_close: rtol 1e-6, atol 0."""
    return bool(np.allclose(got, expected, rtol=1e-6, atol=0.0))


def npbench_validate(got: np.ndarray, expected: np.ndarray) -> bool:
    """npbench: np.allclose, or else a relative error of the norm below 1e-5."""
    if np.allclose(expected, got):
        return True
    length = float(np.linalg.norm(expected))
    return bool(length and float(np.linalg.norm(expected - got)) / length < 1e-5)


def fixed(got: np.ndarray, expected: np.ndarray) -> bool:
    """An absolute 1e-5."""
    return bool(np.all(np.abs(got - expected) <= 1e-5))


def coarse(got: np.ndarray, expected: np.ndarray) -> bool:
    """An absolute 1e-3."""
    return bool(np.all(np.abs(got - expected) <= 1e-3))


def transformers_flax(got: np.ndarray, expected: np.ndarray) -> bool:
    """The tests of transformers between PyTorch and Flax: 4e-2."""
    return bool(np.all(np.abs(got - expected) <= 4e-2))


#: What tests of libraries between two frameworks allow: those of transformers for its twins in Flax (4e-2) and in
#: TensorFlow (1e-5).
LIBRARY_TESTS = {"4e-2 notices": transformers_flax, "1e-5 notices": fixed}

CHECKS = {
    "np.allclose": numpy_allclose,
    "torch.testing.assert_close": torch_assert_close,
    "chex.assert_trees_all_close": chex_trees_all_close,
    "npbench": npbench_validate,
    "1e-5": fixed,
}
