"""What a linear layer, a convolution, a pooling or an embedding computes, in any framework's layout."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from samestep.models.fitting.difference import Difference
from samestep.models.fitting.resolution import rms
from samestep.models.fitting.sliding_windows import MOST_PRODUCTS, Windows, average, convolve, layings

Compute = Callable[[np.ndarray, np.ndarray, Windows | None], np.ndarray]


@dataclass(frozen=True)
class ProductLayer:
    """A layer that multiplies an input by a weight and adds a bias.

    ``compute`` takes the input, the weight and the windows; ``spatial`` are the weight's spatial axes and
    ``channels`` its two others; ``bias`` broadcasts to the output, ``sequence`` says on which axis of the
    input its positions lie.
    """

    compute: Compute
    x: np.ndarray
    weight: np.ndarray
    bias: np.ndarray | float
    spatial: tuple[int, ...] = ()
    channels: tuple[int, int] = (0, 1)
    windows: Windows | None = None
    layings: tuple[Windows, ...] = ()

    def output(self, **changes: object) -> np.ndarray:
        """Return the output, with some of the fields changed."""
        layer = replace(self, **changes) if changes else self  # type: ignore[arg-type]
        return layer.compute(layer.x, layer.weight, layer.windows) + layer.bias


@lru_cache(maxsize=1)
def own_product(d: Difference) -> ProductLayer | None:
    """Return the layer that gives the reference's output best; None where no layout has its shape."""
    best, least = None, np.inf
    for layer in _layouts(d):
        error = rms(layer.output() - d.expected)
        if error < least:
            best, least = layer, error
    return best


def _layouts(d: Difference) -> Iterator[ProductLayer]:
    weight, bias = d.parameter("weight", "kernel", "embedding", "embeddings"), d.parameter("bias")
    if not d.inputs:
        return
    x = d.inputs[0]
    if d.layer == "linear" and weight is not None:
        yield from _linear(d, x, weight, 0.0 if bias is None else bias)
    elif d.layer == "conv" and weight is not None and x.ndim == weight.ndim == d.expected.ndim:
        if d.expected.size * weight.size // max(weight.shape[0], 1) <= MOST_PRODUCTS:
            yield from _convolution(d, x, weight, 0.0 if bias is None else bias)
    elif d.layer == "avg_pool":
        yield from _pooling(d, x)


def _linear(
    d: Difference, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | float
) -> Iterator[ProductLayer]:
    if weight.ndim != 2:
        return
    for transpose in (True, False):
        ins, outs = weight.shape[::-1] if transpose else weight.shape
        if (
            x.shape[-1] == ins
            and d.expected.shape == (*x.shape[:-1], outs)
            and np.shape(bias) in ((), (1,), (outs,))
        ):
            compute = _times_transpose if transpose else _times
            yield ProductLayer(compute, x, weight, bias)


def _times(x: np.ndarray, weight: np.ndarray, _: Windows | None) -> np.ndarray:
    return np.asarray(x @ weight)


def _times_transpose(x: np.ndarray, weight: np.ndarray, _: Windows | None) -> np.ndarray:
    return np.asarray(x @ weight.T)


def _convolution(
    d: Difference, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | float
) -> Iterator[ProductLayer]:
    """Channels on axis 1 and weights (out, in, ...), or channels last and weights (..., in, out)."""
    n = x.ndim - 2
    for last in (False, True):
        axes, order = ((n + 1, n), (n + 1, n, *range(n))) if last else ((0, 1), tuple(range(n + 2)))
        kernel = weight.transpose(order)
        first, out = (np.moveaxis(a, -1, 1) if last else a for a in (x, d.expected))
        channels = first.shape[1]
        groups = channels // kernel.shape[1]
        fits = channels == groups * kernel.shape[1] and len(kernel) == out.shape[1] and len(x) == len(out)
        if not fits or len(kernel) % max(groups, 1) or np.size(bias) not in (1, len(kernel)):
            continue

        def compute(
            x: np.ndarray, weight: np.ndarray, windows: Windows | None, *, last: bool = last,
            order: tuple[int, ...] = order, groups: int = groups,
        ) -> np.ndarray:  # fmt: skip
            assert windows is not None
            first = np.moveaxis(x, -1, 1) if last else x
            out = convolve(first, weight.transpose(order), windows, groups)
            return np.moveaxis(out, 1, -1) if last else out

        shift = bias if last or not isinstance(bias, np.ndarray) else bias.reshape(-1, *[1] * n)
        ways = tuple(layings(d, kernel.shape[2:], first.shape[2:], out.shape[2:]))
        spatial = tuple(range(n)) if last else tuple(range(2, n + 2))
        for windows in ways[: 1 + max(w.stride[0] for w in ways)]:
            yield ProductLayer(compute, x, weight, shift, spatial, axes, windows, ways)


def _pooling(d: Difference, x: np.ndarray) -> Iterator[ProductLayer]:
    """Poolings have no weight: 1 in its place says that padding is counted, 0 that it is not."""
    size = d.settings.get("kernel_size") or d.settings.get("pool_size") or d.settings.get("window_shape")
    n = x.ndim - 2
    if isinstance(size, int):
        size = (size,) * n
    if not isinstance(size, (tuple, list)) or len(size) != n or x.ndim != d.expected.ndim:
        return
    for last in (False, True):
        first, out = (np.moveaxis(a, -1, 1) if last else a for a in (x, d.expected))

        def compute(
            x: np.ndarray, weight: np.ndarray, windows: Windows | None, *, last: bool = last
        ) -> np.ndarray:
            assert windows is not None
            out = average(np.moveaxis(x, -1, 1) if last else x, windows, bool(weight))
            return np.moveaxis(out, 1, -1) if last else out

        if first.shape[:2] != out.shape[:2]:
            continue
        for windows in (ways := tuple(layings(d, tuple(size), first.shape[2:], out.shape[2:]))):
            for counts in (0.0, 1.0):
                yield ProductLayer(compute, x, np.array(counts), 0.0, windows=windows, layings=ways)
