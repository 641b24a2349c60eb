"""Gathers and scatters in NumPy.

Where an index lies outside, the primitive itself is bound: it knows what to fill, to clip and to drop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray
Kernel = Callable[..., Any]


@dataclass(frozen=True)
class Positions:
    """From indices to the flat positions in an operand, of the shape of what is gathered or scattered.

    ``window`` are the axes of the result that run through a slice; ``sizes`` are the slice's by the operand's
    axes, of which ``single`` have none in the result; ``along`` are those that the indices move;
    ``paired`` are (operand's, indices') axes that run together.
    """

    shape: tuple[int, ...]
    operand: tuple[int, ...]
    sizes: tuple[int, ...]
    window: tuple[int, ...]
    single: tuple[int, ...]
    along: tuple[int, ...]
    paired: tuple[tuple[int, int], ...]

    def flat(self, indices: Array) -> Array | None:
        """Return the positions; None where a slice is not inside the operand."""
        strides = [math.prod(self.operand[d + 1 :]) for d in range(len(self.operand))]
        batch = [d for d in range(len(self.shape)) if d not in self.window]
        total = np.zeros([1] * len(self.shape), np.int64)
        for column, d in enumerate(self.along):
            start = np.asarray(indices)[..., column].astype(np.int64)
            if start.size and (start.min() < 0 or start.max() > self.operand[d] - self.sizes[d]):
                return None
            total = total + self._at(batch, start) * strides[d]
        paired = [d for d, _ in self.paired]
        running = [d for d in range(len(self.operand)) if d not in (*self.single, *paired)]
        for axis, d in zip(self.window, running, strict=True):
            total = total + self._at([axis], np.arange(self.sizes[d])) * strides[d]
        for d, axis in self.paired:
            total = total + self._at([batch[axis]], np.arange(self.operand[d])) * strides[d]
        return np.broadcast_to(total, self.shape).ravel()

    def _at(self, axes: Sequence[int], values: Array) -> Array:
        aligned = [1] * len(self.shape)
        for axis, size in zip(axes, values.shape, strict=True):
            aligned[axis] = size
        return values.reshape(aligned)


class Remembered:
    """Positions of the last indices, which are the same array in all replicas."""

    def __init__(self, positions: Positions) -> None:
        self.positions = positions
        self.last: tuple[Any, Array | None] = (None, None)

    def __call__(self, indices: Any) -> Array | None:
        """Return the flat positions for these indices."""
        if self.last[0] is not indices:
            self.last = (indices, self.positions.flat(indices))
        return self.last[1]


def _pairs(operand: Sequence[int], indices: Sequence[int]) -> tuple[tuple[int, int], ...]:
    return tuple(zip(operand, indices, strict=True))


def gather(equation: Any, otherwise: Kernel) -> Kernel:
    """`lax.gather`."""
    dims, operand = equation.params["dimension_numbers"], equation.invars[0].aval.shape
    shape = tuple(equation.outvars[0].aval.shape)
    positions = Remembered(Positions(
        shape, operand, equation.params["slice_sizes"], dims.offset_dims, dims.collapsed_slice_dims,
        dims.start_index_map, _pairs(dims.operand_batching_dims, dims.start_indices_batching_dims),
    ))  # fmt: skip

    def take(a: Array, indices: Array) -> Any:
        flat = positions(indices)
        return otherwise(a, indices) if flat is None else np.take(a, flat).reshape(shape)

    return take


def scatter_add(equation: Any, otherwise: Kernel) -> Kernel:
    """`lax.scatter_add`."""
    dims = equation.params["dimension_numbers"]
    operand, _, shape = (tuple(v.aval.shape) for v in equation.invars)
    single = (*dims.inserted_window_dims,)
    batched = _pairs(dims.operand_batching_dims, dims.scatter_indices_batching_dims)
    running = [d for d in range(len(operand)) if d not in (*single, *dims.operand_batching_dims)]
    sizes = [1] * len(operand)
    for axis, d in zip(dims.update_window_dims, running, strict=True):
        sizes[d] = shape[axis]
    positions = Remembered(Positions(
        shape, operand, tuple(sizes), dims.update_window_dims, single,
        dims.scatter_dims_to_operand_dims, batched,
    ))  # fmt: skip
    size = math.prod(operand)

    def add(a: Array, indices: Array, updates: Array) -> Any:
        flat = positions(indices)
        if flat is None:
            return otherwise(a, indices, updates)
        return a + np.bincount(flat, updates.ravel(), size).reshape(operand)

    return add
