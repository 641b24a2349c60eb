"""The formulas, in NumPy."""

from __future__ import annotations

import numpy as np


def adam(w: np.ndarray, g: np.ndarray, eps: float, decay: float = 0.0, l2: float = 0.0) -> np.ndarray:
    """Return the weights after three steps of Adam."""
    m, v = np.zeros_like(w), np.zeros_like(w)
    one, two = np.ones_like(w[0]), np.ones_like(w[0])  # powers of 0.9 and 0.999
    for t in range(3):
        grad = g[t] + l2 * w
        w = w - 0.1 * decay * w
        m, v = 0.9 * m + 0.1 * grad, 0.999 * v + 0.001 * grad * grad
        one, two = 0.9 * one, 0.999 * two
        w = w - 0.1 * (m / (1 - one)) / (np.sqrt(v / (1 - two)) + eps)
    return w


def adam_eps(w: np.ndarray, g: np.ndarray) -> np.ndarray:
    return adam(w, g, 1e-8)


def adamw_decay(w: np.ndarray, g: np.ndarray) -> np.ndarray:
    return adam(w, g, 1e-8, decay=0.01)


def adam_l2(w: np.ndarray, g: np.ndarray) -> np.ndarray:
    return adam(w, g, 1e-8, l2=0.1)


def momentum(w: np.ndarray, g: np.ndarray) -> np.ndarray:
    v = np.zeros_like(w)
    for t, rate in enumerate((0.1, 0.1, 0.01)):
        v = 0.9 * v + g[t]
        w = w - rate * v
    return w


def dampening(w: np.ndarray, g: np.ndarray) -> np.ndarray:
    v = np.zeros_like(w)
    for t in range(3):
        v = 0.9 * v + g[t]
        w = w - 0.1 * v
    return w


def rmsprop(w: np.ndarray, g: np.ndarray) -> np.ndarray:
    v = np.zeros_like(w)
    for t in range(3):
        v = 0.99 * v + 0.01 * g[t] * g[t]
        w = w - 0.1 * g[t] / (v**0.5 + 1e-8)  # as a library's power: TensorFlow's rsqrt is up to 3 ulps off
    return w


def adagrad(w: np.ndarray, g: np.ndarray) -> np.ndarray:
    v = np.zeros_like(w)
    for t in range(3):
        v = v + g[t] * g[t]
        w = w - 0.1 * g[t] / (np.sqrt(v) + 1e-10)
    return w
