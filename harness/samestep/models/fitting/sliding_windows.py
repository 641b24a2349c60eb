"""Convolutions and poolings in float64, over padded windows, for any number of dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from samestep.models.fitting.difference import Difference

#: More products than this are not recomputed: a diagnosis should take well under a second.
MOST_PRODUCTS = 3 * 10**8


@dataclass(frozen=True)
class Windows:
    """How windows of ``size`` lie on an input: all by spatial axis; ``before`` is the padding in front."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]
    out: tuple[int, ...]

    def cut(self, x: np.ndarray) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
        """Return, for each place in a window, what lies there of x (batch, channels, *spatial)."""
        pads, places = [(0, 0), (0, 0)], [range(n) for n in self.size]
        for n, size, stride, dilation, before, out in zip(
            x.shape[2:], self.size, self.stride, self.dilation, self.before, self.out, strict=True
        ):
            pads.append((before, max(0, (out - 1) * stride + (size - 1) * dilation + 1 - n - before)))
        padded = np.pad(x, pads)
        for place in product(*places):
            axes = zip(place, self.stride, self.dilation, self.out, strict=True)
            inner = tuple(slice(i * d, i * d + (out - 1) * s + 1, s) for i, s, d, out in axes)
            yield place, padded[(slice(None), slice(None), *inner)]


def layings(
    d: Difference, size: tuple[int, ...], spatial: Sequence[int], out: Sequence[int]
) -> Iterator[Windows]:
    """Return the ways in which windows may lie so that ``out`` comes out; symmetric padding first."""
    n = len(size)
    stride = _each(d.settings, ("stride", "strides", "window_strides"), n)
    if stride is None:
        stride = size if d.layer == "avg_pool" else (1,) * n
    dilation = _each(d.settings, ("dilation", "dilation_rate", "kernel_dilation"), n) or (1,) * n
    every = zip(out, stride, size, dilation, spatial, strict=True)
    least = [(o - 1) * s + (k - 1) * e + 1 - m for o, s, k, e, m in every]
    choices = [max(0, t + extra) // 2 for t in least[:1] for extra in range(stride[0])]
    widest = max(0, max(least) + max(stride) - 1)
    for before in dict.fromkeys([*choices, *range(widest + 1)]):
        yield Windows(size, stride, dilation, (before,) * n, tuple(out))


def _each(settings: Mapping[str, object], names: tuple[str, ...], n: int) -> tuple[int, ...] | None:
    """A setting as one whole number for each spatial axis; None where there is none."""
    for name in names:
        value = settings.get(name)
        if isinstance(value, (int, np.integer)):
            return (int(value),) * n
        if isinstance(value, (tuple, list)) and len(value) == n:
            return tuple(int(v) for v in value)
    return None


def convolve(x: np.ndarray, weight: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
    """Return x (batch, channels, *spatial) convolved with weight (out, in / groups, *size)."""
    outs = len(weight) // groups
    out = np.zeros((len(x), len(weight), *windows.out))
    for place, piece in windows.cut(x):
        kernel = np.moveaxis(weight, (0, 1), (-2, -1))[place]
        for g in range(groups):
            ins = piece[:, g * weight.shape[1] : (g + 1) * weight.shape[1]]
            rows = slice(g * outs, (g + 1) * outs)
            out[:, rows] += np.moveaxis(np.tensordot(kernel[rows], ins, (1, 1)), 0, 1)
    return out


def average(x: np.ndarray, windows: Windows, counts_padding: bool) -> np.ndarray:
    """Return the mean over each window; with or without padding among what is counted."""
    total = np.zeros((*x.shape[:2], *windows.out))
    count = np.zeros((1, 1, *windows.out))
    for (_, piece), (_, there) in zip(
        windows.cut(x), windows.cut(np.ones((1, 1, *x.shape[2:]))), strict=True
    ):
        total += piece
        count += 1.0 if counts_padding else there
    return total / np.maximum(count, 1.0)
