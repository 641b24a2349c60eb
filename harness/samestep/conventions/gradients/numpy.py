"""NumPy: no gradients, so the masks are written by hand."""

from __future__ import annotations

import numpy as np

from samestep.conventions.answers import ONE_NAN


def relu_by_hand_above() -> np.ndarray:
    h, grad = np.zeros(1), np.ones(1)
    return np.where(h > 0, grad, 0)


def relu_by_hand_below() -> np.ndarray:
    h, grad = np.zeros(1), np.ones(1)
    grad[h < 0] = 0
    return grad


def relu_of_nan_by_hand() -> np.ndarray:
    h, grad = np.array([np.nan]), np.ones(1)
    grad[h <= 0] = 0
    return grad


def nan_at_closed_gate_as_where() -> np.ndarray:
    h, grad = np.array([-1.0]), np.array([np.nan])
    return np.where(h > 0, grad, 0)


def nan_in_x() -> np.ndarray:
    x, w1 = np.array(ONE_NAN), np.ones((2, 1))
    h = x @ w1
    grad_h = np.where(h > 0, 2 * np.maximum(h, 0), 0)
    return (x.T @ grad_h)[:, 0]
