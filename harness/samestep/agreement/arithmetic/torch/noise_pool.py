"""The random numbers of all replicas: blocks of one fixed pool, so that a draw is an offset.

A draw is a pure function of the pool and its offset; a tape that keeps the shapes, strides and scales of the
draws of one replica makes those of any other by drawing offsets in the same order.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import torch

#: Numbers in the pool. It is stored twice, one after the other, so that a block may begin anywhere.
POOL_BITS = 20
POOL_SIZE = 1 << POOL_BITS
#: Factors 1 + scale x pool that are kept: of one and of 16 roundings, and a few more.
_KEPT_FACTORS = 4
_SEED = 20_160


@dataclass(frozen=True)
class Draw:
    """What one draw looks like: uniform numbers of mean 0 and variance 1, of ``shape`` in ``stride``.

    With a ``scale`` it is 1 + scale times them, the factor of a multiplicative error. Every ``device`` has
    the same numbers.
    """

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    scale: float = 0.0
    device: str = "cpu"

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)


@cache
def _pool(device: str = "cpu") -> torch.Tensor:
    if device != "cpu":
        return _pool().to(device)
    generator = torch.Generator().manual_seed(_SEED)
    once = torch.rand(POOL_SIZE, generator=generator, dtype=torch.float64).sub_(0.5).mul_(12**0.5)
    return torch.cat([once, once])


@lru_cache(maxsize=8)
def factors(scale: float, device: str = "cpu") -> torch.Tensor:
    """Return the pool as factors 1 + scale x it, or as it is for a scale of 0."""
    return _pool(device) * scale + 1 if scale else _pool(device)


class NoisePool:
    """The draws of one replica, in order."""

    def __init__(self, seed: int) -> None:
        self.offsets = random.Random(seed)
        self._scales: set[float] = set()

    def next_offset(self) -> int:
        """Return where the next draw begins."""
        return self.offsets.getrandbits(POOL_BITS)

    def block(self, draw: Draw, offset: int) -> torch.Tensor:
        """Return the numbers of a draw at an offset, float64, of its shape and stride. It may be a view."""
        n = draw.size
        if n > POOL_SIZE:
            return self._large(draw, offset)
        kept = draw.scale in self._scales or len(self._scales) < _KEPT_FACTORS
        if not draw.scale or not kept:
            block = _pool(draw.device).as_strided(draw.shape, draw.stride, offset)
            return block * draw.scale + 1 if draw.scale else block
        self._scales.add(draw.scale)
        return factors(draw.scale, draw.device).as_strided(draw.shape, draw.stride, offset)

    def number(self, offset: int) -> float:
        """Return one number of mean 0 and variance 1."""
        with torch._C._DisableTorchDispatch():  # it is drawn, and not read out of a computation
            return float(_pool()[offset])

    def rows(self, draw: Draw, offset: int) -> Iterator[torch.Tensor]:
        """Yield the numbers of a draw at an offset in their order of memory, in rows of the pool's size."""
        if draw.size <= POOL_SIZE:
            yield factors(draw.scale, draw.device).narrow(0, offset, draw.size)
            return
        offsets, left = random.Random(offset), draw.size
        while left:
            size = min(left, POOL_SIZE)
            yield factors(draw.scale, draw.device).narrow(0, offsets.randrange(POOL_SIZE), size)
            left -= size

    def _large(self, draw: Draw, offset: int) -> torch.Tensor:
        return torch.cat(list(self.rows(draw, offset))).as_strided(draw.shape, draw.stride)


def dense_stride(tensor: torch.Tensor) -> tuple[int, ...]:
    """Return a tensor's stride if it fills its memory without gaps, else a contiguous one."""
    if tensor.is_contiguous():
        return tuple(tensor.stride())
    expected = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1 and stride != expected:
            return contiguous_stride(tuple(tensor.shape))
        expected = expected * size
    return tuple(tensor.stride())


def contiguous_stride(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the stride of a contiguous tensor of this shape."""
    stride, step = [], 1
    for size in reversed(shape):
        stride.append(step)
        step *= max(size, 1)
    return tuple(reversed(stride))
