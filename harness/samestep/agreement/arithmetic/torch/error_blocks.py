"""Errors of large tensors, made block by block: without temporaries of their size."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from samestep.agreement.arithmetic.torch.noise_pool import Draw, NoisePool

#: Elements of a block, of float64: three blocks fit into the caches next to a core.
BLOCK = 1 << 15
#: Errors of fewer elements than this are not worth a loop.
LARGE = 1 << 17


def has_rows(out: Tensor, width: Tensor | None, draw: Draw) -> bool:
    """Return whether a result, its width and a draw are rows of one order of memory, and long enough."""
    if out.numel() < LARGE or out.stride() != draw.stride:
        return False
    return width is None or (width.stride() == draw.stride and width.shape == out.shape)


def add_error(
    pool: NoisePool, draw: Draw, offset: int, out: Tensor, width: Tensor | None, scale: float, relative: bool
) -> None:
    """Change ``out`` in place by ``scale`` x the numbers of a draw x ``width``, added to it or to 1.

    Without a width the draw is the factor. All are in rows (`has_rows`).
    """
    row, widths = _row(out), None if width is None else _row(width)
    start = 0
    for numbers in _blocks(pool, draw, offset):
        part = row.narrow(0, start, numbers.numel())
        if widths is None:
            part.mul_(numbers)
        else:
            errors = numbers * widths.narrow(0, start, numbers.numel())
            if relative:
                part.mul_(errors.mul_(scale).add_(1))
            else:
                part.add_(errors, alpha=scale)
        start += numbers.numel()


def parts_of(tensor: Tensor, at_least: int = 1) -> Iterator[slice]:
    """Yield slices of the first axis, of about a block each and of N indices ``at_least``."""
    length = tensor.shape[0]
    step = max(length * BLOCK // max(tensor.numel(), 1), at_least)
    return (slice(start, start + step) for start in range(0, length, step))


def _blocks(pool: NoisePool, draw: Draw, offset: int) -> Iterator[Tensor]:
    for row in pool.rows(draw, offset):
        yield from row.split(BLOCK)


def _row(tensor: Tensor) -> Tensor:
    return tensor.as_strided((tensor.numel(),), (1,), tensor.storage_offset())
