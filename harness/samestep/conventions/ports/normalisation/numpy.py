"""The formulas, in NumPy."""

from __future__ import annotations

import numpy as np


def standardised(x: np.ndarray, eps: float) -> np.ndarray:
    """Return rows of mean 0 and, eps aside, variance 1."""
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + eps)


def layer_norm_eps(x: np.ndarray) -> np.ndarray:
    return standardised(x, 1e-5)


def one_pass_variance(x: np.ndarray) -> np.ndarray:
    mean = x.mean(axis=-1, keepdims=True)
    scale = 1 / np.sqrt(np.square(x - mean).mean(axis=-1, keepdims=True) + 1e-5)
    return x * scale - mean * scale


def batch_norm_eps(x: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    return (x - mean) / np.sqrt(variance + 1e-5)


def batch_norm_running(x: np.ndarray) -> np.ndarray:
    unbiased = np.square(x - x.mean(axis=0)).sum(axis=0) / (len(x) - 1)
    return 0.9 * np.ones(8, dtype=x.dtype) + 0.1 * unbiased


def group_norm_eps(x: np.ndarray) -> np.ndarray:
    return standardised(x.reshape(len(x), 2, -1), 1e-5).reshape(x.shape)


def rms_norm_eps(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + 1e-6)


def unit_length(x: np.ndarray) -> np.ndarray:
    return x / np.maximum(np.sqrt(np.square(x).sum(axis=-1, keepdims=True)), 1e-12)
