"""The formulas, in NumPy."""

from __future__ import annotations

import numpy as np


def softmax(scores: np.ndarray) -> np.ndarray:
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def attention_layout(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    return softmax(q @ k.swapaxes(-1, -2) / 8**0.5) @ v


def attention_mask(x: np.ndarray, mask: np.ndarray) -> np.ndarray:
    heads = x.reshape(2, 4, 2, 4).swapaxes(1, 2)  # two heads, projections that do nothing
    scores = np.where(mask, heads @ heads.swapaxes(-1, -2) / 4**0.5, -np.inf)
    return (softmax(scores) @ heads).swapaxes(1, 2).reshape(2, 4, 8)


def masked_rows(q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: np.ndarray) -> np.ndarray:
    scores = q @ k.swapaxes(-1, -2) / 8**0.5
    sees = np.array([True, True, True, False])[:, None]
    weights = softmax(np.where(mask | ~sees, scores, -np.inf))
    return np.where(sees, weights, 0.0) @ v


def causal_offset(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    scores = q @ k.swapaxes(-1, -2) / 8**0.5
    seen = np.arange(5) <= np.arange(2)[:, None] + 3
    return softmax(np.where(seen, scores, -np.inf)) @ v


def rotary(x: np.ndarray) -> np.ndarray:
    angles = np.arange(5)[:, None] / 10_000 ** (np.arange(4) / 4)
    cos, sin = np.cos(angles), np.sin(angles)
    a, b = x[..., :4], x[..., 4:]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)
