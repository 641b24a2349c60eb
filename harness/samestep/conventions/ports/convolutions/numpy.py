"""The formulas, in NumPy."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def convolve(x: np.ndarray, w: np.ndarray, stride: int) -> np.ndarray:
    """Return the convolution without padding."""
    windows = sliding_window_view(x, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    return np.einsum("ncyxij,ocij->noyx", windows, w)


def same_padding(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    return convolve(np.pad(x, ((0, 0), (0, 0), (0, 1), (0, 1))), w, 2)


def symmetric_padding(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    return convolve(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), w, 2)


def transposed_convolution(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    n, _, size, _ = x.shape
    out = np.zeros((n, w.shape[1], 2 * size + 2, 2 * size + 2), dtype=x.dtype)
    for i in range(3):
        for j in range(3):  # each pixel adds the kernel times itself
            out[:, :, i : i + 2 * size : 2, j : j + 2 * size : 2] += np.einsum(
                "ncyx,co->noyx", x, w[:, :, i, j]
            )
    return out[:, :, 1:-1, 1:-1]


def depthwise_kernel(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    each = [convolve(x[:, c : c + 1], w[2 * c : 2 * c + 2], 1) for c in range(3)]
    return np.concatenate(each, axis=1)


def flatten_order(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1) @ w.T


def dense_kernel(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    return x @ w.T


def flipped_kernel(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    return sliding_window_view(x, w.shape) @ w


def average_pool_border(x: np.ndarray) -> np.ndarray:
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    return sliding_window_view(padded, (3, 3), axis=(2, 3)).mean((4, 5))


def pixel_shuffle(x: np.ndarray) -> np.ndarray:
    n, channels, h, w = x.shape
    blocks = x.reshape(n, channels // 4, 2, 2, h, w)  # rows, colours, i, j, y, x
    return blocks.transpose(0, 1, 4, 2, 5, 3).reshape(n, channels // 4, 2 * h, 2 * w)
