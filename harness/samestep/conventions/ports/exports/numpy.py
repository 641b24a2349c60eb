"""The formulas, in NumPy."""

from __future__ import annotations

import numpy as np


def batch_norm_in_training(x: np.ndarray) -> np.ndarray:
    mean = x.mean(axis=(0, 2, 3), keepdims=True)
    var = np.square(x - mean).mean(axis=(0, 2, 3), keepdims=True)
    return (x - mean) / np.sqrt(var + 1e-5)


def floor_division(n: np.ndarray) -> np.ndarray:
    return n // 3
