"""What a norm computes, in pieces, over whichever axes its kind takes its means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from samestep.models.fitting.difference import Difference

#: The eps that layers have by default, and what people write in their place.
EPS = (1e-12, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)

Parameters = tuple[np.ndarray | float, np.ndarray | float]


class Norm(NamedTuple):
    """A norm over some axes: (x - ``mean``) / sqrt(``variance`` + eps), scaled and shifted.

    ``x`` has the shape in which means are taken, the others broadcast to it. ``terms`` is the number of terms
    of a mean. ``inner`` is the shape to which the result is brought before ``affine`` (weight, bias), and
    ``channel`` the axis that axis 1 is moved to at the end. ``words`` say how it differs from its siblings.
    """

    x: np.ndarray
    mean: np.ndarray | float
    variance: np.ndarray
    terms: int
    inner: tuple[int, ...]
    affine: Parameters
    channel: int
    words: str

    def divided(self, divisor: np.ndarray, mean: np.ndarray | float | None = None) -> np.ndarray:
        """Return the output where ``divisor`` stands for sqrt(variance + eps)."""
        centred = self.x - (self.mean if mean is None else mean)
        weight, bias = self.affine
        return np.moveaxis((centred / divisor).reshape(self.inner) * weight + bias, 1, self.channel)

    def output(self, eps: float) -> np.ndarray:
        """Return the output."""
        return self.divided(np.sqrt(self.variance + eps))


def eps_of(d: Difference) -> float | None:
    """Return the reference's eps, where its settings say it."""
    return d.setting("eps", "epsilon", "variance_epsilon", "layer_norm_eps")


def norms(d: Difference) -> Iterator[Norm]:
    """Return each way to take the means that this kind may have, over the first input."""
    if d.inputs and d.inputs[0].shape == d.expected.shape and d.expected.ndim > 1:
        kinds = {"layer_norm": _by_axes, "rms_norm": _by_axes, "batch_norm": _by_channel}
        yield from kinds.get(d.layer, _by_group)(d, d.inputs[0])


def _by_axes(d: Difference, x: np.ndarray) -> Iterator[Norm]:
    """Layer norms: the last axes, or by mistake others."""
    weight, bias = scale_and_shift(d)
    last = tuple(range(1, x.ndim))
    for axes in [*(last[-n:] for n in range(1, x.ndim)), *((a,) for a in range(x.ndim - 1))]:
        words = f"over axis {axes[0]}" if len(axes) == 1 else f"over the axes {axes}"
        mean: np.ndarray | float = x.mean(axes, keepdims=True) if d.layer == "layer_norm" else 0.0
        variance = np.square(x - mean).mean(axes, keepdims=True)
        count = x.size // variance.size
        for scale in (weight, 1 + weight) if d.layer == "rms_norm" else (weight,):
            offset = "" if scale is weight else ", with the weight 1 + w"
            yield Norm(x, mean, variance, count, x.shape, (scale, bias), 1, words + offset)


def _by_channel(d: Difference, x: np.ndarray) -> Iterator[Norm]:
    """Batch norms: the batch's statistics, or the running ones; channels on axis 1, or last."""
    weight, bias = scale_and_shift(d)
    running = d.parameter("running_mean", "mean", "moving_mean")
    running_variance = d.parameter("running_var", "var", "moving_variance")
    for channel in (1, x.ndim - 1):
        first = np.moveaxis(x, channel, 1)
        shape = (1, first.shape[1], *[1] * (x.ndim - 2))
        if np.size(weight) not in (1, shape[1]):
            continue
        affine = _reshaped(weight, shape), _reshaped(bias, shape)
        axes = (0, *range(2, x.ndim))
        mean, variance = first.mean(axes, keepdims=True), first.var(axes, keepdims=True)
        count = first.size // mean.size
        yield Norm(first, mean, variance, count, first.shape, affine, channel, "with the batch's statistics")
        if running is not None and running_variance is not None and running.size == shape[1]:
            own = running.reshape(shape), running_variance.reshape(shape)
            yield Norm(first, *own, 1, first.shape, affine, channel, "with the running statistics")


def _by_group(d: Difference, x: np.ndarray) -> Iterator[Norm]:
    """Group and instance norms: consecutive channels, or by mistake every n-th."""
    weight, bias = scale_and_shift(d)
    for channel in (1, x.ndim - 1):
        first = np.moveaxis(x, channel, 1)
        channels = first.shape[1]
        shape = (1, channels, *[1] * (x.ndim - 2))
        if np.size(weight) not in (1, channels):
            continue
        affine = _reshaped(weight, shape), _reshaped(bias, shape)
        own = int(d.setting("num_groups", "groups") or channels)
        for groups in dict.fromkeys([own, *(g for g in range(1, channels + 1) if channels % g == 0)]):
            for cut, axis in (((groups, channels // groups), 2), ((channels // groups, groups), 1)):
                pieces = first.reshape((len(x), *cut, *first.shape[2:]))
                axes = (axis, *range(3, pieces.ndim))
                mean, variance = pieces.mean(axes, keepdims=True), pieces.var(axes, keepdims=True)
                count = pieces.size // mean.size
                words = f"in {groups} groups" + (" of every n-th channel" if axis == 1 else "")
                yield Norm(pieces, mean, variance, count, first.shape, affine, channel, words)


def scale_and_shift(d: Difference) -> Parameters:
    """Return the weight and the bias; 1 and 0 where there is none."""
    weight, bias = d.parameter("weight", "scale", "gamma", "kernel"), d.parameter("bias", "beta")
    return 1.0 if weight is None else weight, 0.0 if bias is None else bias


def _reshaped(value: np.ndarray | float, shape: tuple[int, ...]) -> np.ndarray | float:
    return value.reshape(shape) if isinstance(value, np.ndarray) and value.size > 1 else value
