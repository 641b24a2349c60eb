"""The formulas, in NumPy."""

from __future__ import annotations

import numpy as np


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def gru(x: np.ndarray, w_ih: np.ndarray, w_hh: np.ndarray, b_ih: np.ndarray, b_hh: np.ndarray) -> np.ndarray:
    h, states = np.zeros((2, 4), dtype=x.dtype), []
    for t in range(5):
        r_x, z_x, n_x = np.split(x[:, t] @ w_ih.T + b_ih, 3, axis=1)
        r_h, z_h, n_h = np.split(h @ w_hh.T + b_hh, 3, axis=1)
        r, z = sigmoid(r_x + r_h), sigmoid(z_x + z_h)
        h = (1 - z) * np.tanh(n_x + r * n_h) + z * h
        states.append(h)
    return np.stack(states, axis=1)


def gru_reset_before(x: np.ndarray, w_ih: np.ndarray, w_hh: np.ndarray, b: np.ndarray) -> np.ndarray:
    h, states = np.zeros((2, 4), dtype=x.dtype), []
    for t in range(5):
        r_x, z_x, n_x = np.split(x[:, t] @ w_ih.T + b, 3, axis=1)
        r, z = sigmoid(r_x + h @ w_hh[:4].T), sigmoid(z_x + h @ w_hh[4:8].T)
        h = (1 - z) * np.tanh(n_x + (r * h) @ w_hh[8:].T) + z * h
        states.append(h)
    return np.stack(states, axis=1)


def lstm(x: np.ndarray, w_ih: np.ndarray, w_hh: np.ndarray, b_ih: np.ndarray, b_hh: np.ndarray) -> np.ndarray:
    h, c, states = np.zeros((2, 4), dtype=x.dtype), np.zeros((2, 4), dtype=x.dtype), []
    for t in range(5):
        i, f, g, o = np.split(x[:, t] @ w_ih.T + b_ih + h @ w_hh.T + b_hh, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.stack(states, axis=1)
