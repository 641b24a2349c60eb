"""Equal values round alike: which tensors repeat, and errors that follow from the value.

The error of a correctly rounded operation depends on its exact result only, and a sum's on its terms: where
values repeat, errors are coherent. The exact run looks at a sample of each tensor, and counts only where the
sample repeats itself; real data never does by chance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache, lru_cache

import torch
from torch import Tensor

from samestep.agreement.arithmetic.torch.noise_pool import dense_stride

_DTYPES = {torch.finfo(dtype).eps / 2: dtype for dtype in (torch.float32, torch.bfloat16, torch.float16)}

#: Elements that are looked at; smaller tensors are not asked, since their norms are not judged.
SAMPLE, SMALLEST = 512, 32
#: A sample that has no duplicates for one in sixteen is no array that repeats: of 4,000 values or more.
REPEATS_FROM = 16
#: Rows and terms of the sample of a contraction.
ROWS, TERMS = 64, 64
#: Errors for different values: 2^16 of them, chosen by the upper bits of value x _ODD.
_HASH_BITS, _ODD = 16, -7046029254386353131
#: The last bits that do not count: equal sums come out of float64 equal but for these.
_IGNORED_BITS = 12


@cache
def _positions(size: int, count: int) -> Tensor:
    """Return ``count`` fixed random positions below ``size``; all of them where there are no more."""
    if size <= count:
        return torch.arange(size)
    generator = torch.Generator().manual_seed(size)
    return torch.randint(size, (count,), generator=generator).unique()


@lru_cache(maxsize=256)
def _coordinates(shape: tuple[int, ...], count: int) -> tuple[Tensor, ...]:
    """Return `_positions` as an index for a tensor of this shape."""
    return tuple(torch.unravel_index(_positions(math.prod(shape), count), shape))


def _sample(x: Tensor) -> Tensor:
    """Return some elements of a tensor, in any order; all of them where there are few."""
    if x.numel() <= SAMPLE:
        return x.reshape(-1)
    places = _positions(x.numel(), SAMPLE).to(x.device)
    if x.is_contiguous() or dense_stride(x) == x.stride():
        return x.as_strided((x.numel(),), (1,))[places]
    return x[_coordinates(tuple(x.shape), SAMPLE)]


def sample_of(x: Tensor, shape: torch.Size, count: int) -> Tensor:
    """Return ``count`` elements of ``x`` broadcast to ``shape``, at places that only the shape decides."""
    spread, size = x.expand(shape), shape.numel()
    if size <= count:
        return spread.reshape(-1)
    return spread[_coordinates(tuple(shape), count)]


def is_held_exactly(x: Tensor, roundoff: float) -> bool:
    """Return whether the dtype of this unit roundoff holds all of a float64 tensor: then none was rounded."""
    dtype, sample = _DTYPES[roundoff], _sample(x)
    if not torch.equal(sample.to(dtype).to(torch.float64), sample):
        return False
    return x.numel() <= SAMPLE or bool(torch.equal(x.to(dtype).to(torch.float64), x))


def share_of_zeros(x: Tensor) -> float:
    """Return about how many elements are zero, as a share."""
    sample = _sample(x)
    return 1.0 - int(torch.count_nonzero(sample)) / max(int(sample.numel()), 1)


def repeats(x: Tensor) -> bool:
    """Return whether many elements of a float64 tensor are equal; zeros, which do not round, aside."""
    if x.numel() < SMALLEST:
        return False
    values = _sample(x)
    values = values[values != 0].sort().values
    same = int((values[1:] == values[:-1]).sum())
    return bool(same * REPEATS_FROM >= max(values.numel(), 2))


def spread_by_value(x: Tensor, draw: Callable[[Tensor], Tensor]) -> Tensor:
    """Return random numbers of mean 0 and variance 1, in the shape of ``x``: equal ones where x is equal."""
    table = draw(torch.empty(1 << _HASH_BITS, dtype=torch.float64, device=x.device))
    hashed = (x.view(torch.int64) >> _IGNORED_BITS) * _ODD
    return table[(hashed >> (64 - _HASH_BITS)) & ((1 << _HASH_BITS) - 1)]


def grouped(x: Tensor, dims: Sequence[int]) -> Tensor:
    """Return ``x`` as rows of terms: one row for each sum over ``dims``, in the order of the other axes."""
    inner = [d % x.dim() for d in dims]
    outer = [d for d in range(x.dim()) if d not in inner]
    n = 1
    for d in inner:
        n *= x.shape[d]
    return x.permute(*outer, *inner).reshape(-1, n)


def repetition(rows: Tensor) -> Tensor | None:
    """Return (nonzero terms) / (distinct nonzero terms) of each row of (rows, terms); None for no repeats.

    Runs of r equal terms err coherently: the variance of the additions is r times that of r other terms.
    """
    some = rows[_positions(rows.shape[0], ROWS).to(rows.device)][
        :, _positions(rows.shape[1], TERMS).to(rows.device)
    ]
    if not _duplicates(some).any():
        return None
    nonzero = (rows != 0).sum(-1)
    distinct = nonzero - _duplicates(rows)
    return nonzero.clamp(min=1) / distinct.clamp(min=1).to(torch.float64)


def repetition_at(places: Tensor, terms: Tensor, size: int) -> Tensor | None:
    """Return (nonzero terms) / (distinct nonzero terms) of sums by index; None for no repeats.

    ``places``, of the shape of ``terms``, says to which of ``size`` sums each goes; so is the result ordered.
    """
    if not repeats(terms):
        return None
    terms, places = terms.reshape(-1), places.reshape(-1)
    keep = terms != 0
    keys = torch.stack([places[keep].to(torch.float64), terms[keep]]).unique(dim=1)
    counts = torch.bincount(places[keep], minlength=size)
    distinct = torch.bincount(keys[0].to(torch.int64), minlength=size)
    return (counts / distinct.clamp(min=1)).clamp(min=1).to(torch.float64)


def _duplicates(rows: Tensor) -> Tensor:
    """Return how many nonzero terms of each row equal another that was counted already."""
    values = rows.sort(-1).values
    return ((values[:, 1:] == values[:, :-1]) & (values[:, 1:] != 0)).sum(-1)
