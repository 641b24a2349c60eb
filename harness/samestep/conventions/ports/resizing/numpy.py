"""The formulas, in NumPy: one matrix of weights for each axis."""

from __future__ import annotations

import numpy as np


def resized(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return square images resized by the weights, (new size, old size), on both axes."""
    return np.einsum("ncyj,xj->ncyx", np.einsum("nciv,yi->ncyv", x, weights), weights)


def centres(new: int, old: int) -> np.ndarray:
    """Return where the centres of new pixels lie among the old ones, counted from the first one's centre."""
    return (np.arange(new) + 0.5) * old / new - 0.5


def linear(positions: np.ndarray, old: int) -> np.ndarray:
    """Return the weights of linear interpolation; beyond the border the last pixel counts."""
    inside = np.clip(positions, 0, old - 1)
    return np.maximum(0.0, 1 - np.abs(inside[:, None] - np.arange(old)))


def antialias(x: np.ndarray) -> np.ndarray:
    return resized(x, linear(centres(4, 9), 9))


def antialias_on(x: np.ndarray) -> np.ndarray:
    distance = np.abs(centres(4, 9)[:, None] - np.arange(9)) / (9 / 4)  # in new pixels
    weights = np.maximum(0.0, 1 - distance)
    return resized(x, weights / weights.sum(axis=1, keepdims=True))


def bicubic(x: np.ndarray) -> np.ndarray:
    d, a = np.abs(centres(8, 5)[:, None] - np.arange(5)), -0.5
    near, far = ((a + 2) * d - (a + 3)) * d * d + 1, ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    weights = np.where(d < 1, near, np.where(d < 2, far, 0.0))
    return resized(x, weights / weights.sum(axis=1, keepdims=True))


def align_corners(x: np.ndarray) -> np.ndarray:
    return resized(x, linear(np.arange(7) * (3 / 6), 4))


def nearest(x: np.ndarray) -> np.ndarray:
    chosen = np.floor((np.arange(3) + 0.5) * 5 / 3).astype(int)
    return x[:, :, chosen][:, :, :, chosen]
