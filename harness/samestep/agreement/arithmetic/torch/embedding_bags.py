"""Bags of embeddings and their gradients, as lookups and sums by index."""

from __future__ import annotations

import torch
from torch import Tensor

from samestep.agreement.arithmetic.torch.decompositions import parts_of
from samestep.agreement.arithmetic.torch.places import refuse

aten = torch.ops.aten
SUM, MEAN, MAX = 0, 1, 2


def _bags(indices: Tensor, offsets: Tensor, last: bool) -> tuple[Tensor, int]:
    """The bag of each index, and the number of bags."""
    starts = offsets[:-1] if last else offsets
    places = torch.arange(indices.numel(), device=indices.device)
    return torch.searchsorted(starts.contiguous(), places, right=True) - 1, starts.numel()


@parts_of("_embedding_bag", "_embedding_bag_forward_only")
def _embedding_bag(
    weight: Tensor, indices: Tensor, offsets: Tensor, scale_grad_by_freq: bool = False, mode: int = SUM,
    sparse: bool = False, per_sample_weights: Tensor | None = None, include_last_offset: bool = False,
    padding_idx: int = -1,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """The rows of each bag, summed, averaged, or the largest; padding is no row."""
    bag, count = _bags(indices, offsets, include_last_offset)
    kept = indices != padding_idx
    sizes = torch.zeros(count, dtype=indices.dtype, device=indices.device).index_add_(
        0, bag, kept.to(indices.dtype)
    )
    rows = weight[indices]
    if mode == MAX:
        low = torch.full((count, weight.shape[1]), -torch.inf, dtype=weight.dtype, device=weight.device)
        shown = torch.where(kept[:, None], rows, -torch.inf)
        out = low.index_reduce(0, bag, shown, "amax")
        out = torch.where(sizes[:, None] == 0, 0.0, out)
        return out, bag, sizes, _largest(rows, out, bag, indices, kept)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights[:, None]
    rows = torch.where(kept[:, None], rows, 0.0)
    out = weight.new_zeros(count, weight.shape[1]).index_add(0, bag, rows)
    if mode == MEAN:
        out = out / sizes.clamp_min(1)[:, None].to(out.dtype)
    return out, bag, sizes, torch.zeros_like(sizes)


def _largest(rows: Tensor, out: Tensor, bag: Tensor, indices: Tensor, kept: Tensor) -> Tensor:
    """Which index gave the largest element: the first of a bag; -1 where it is empty."""
    count = out.shape[0]
    first = torch.full((count, rows.shape[1]), indices.numel(), dtype=torch.int64, device=rows.device)
    places = torch.arange(indices.numel(), device=rows.device)[:, None].expand(rows.shape)
    hit = (rows == out[bag]) & kept[:, None]
    first = first.scatter_reduce(
        0, bag[:, None].expand(rows.shape), torch.where(hit, places, indices.numel()), "amin"
    )
    return torch.where(first < indices.numel(), indices[first.clamp_max(indices.numel() - 1)], -1)


@parts_of("_embedding_bag_backward")
def _backward(
    g: Tensor, indices: Tensor, offsets: Tensor, bag: Tensor, sizes: Tensor, largest: Tensor,
    num_weights: int, scale_grad_by_freq: bool, mode: int, sparse: bool,
    weights: Tensor | None, padding_idx: int = -1,
) -> Tensor:  # fmt: skip
    if sparse:
        refuse("_embedding_bag_backward", "a sparse gradient has no rule")
    return _dense_backward(
        g, indices, bag, sizes, largest, num_weights, scale_grad_by_freq, mode, weights, padding_idx
    )


@parts_of("_embedding_bag_dense_backward")
def _dense_backward(
    g: Tensor, indices: Tensor, bag: Tensor, sizes: Tensor, largest: Tensor, num_weights: int,
    scale_grad_by_freq: bool, mode: int, weights: Tensor | None, padding_idx: int = -1,
) -> Tensor:  # fmt: skip
    """The gradient of a bag goes to all its rows (divided by its size for a mean), or to the largest's."""
    if mode == MAX:
        out = g.new_zeros(num_weights, g.shape[1])
        return out.scatter_add(0, largest.clamp_min(0), torch.where(largest >= 0, g, 0.0))
    rows = g[bag]
    if mode == MEAN:
        rows = rows / sizes.clamp_min(1)[bag][:, None].to(g.dtype)
    if weights is not None:
        rows = rows * weights[:, None]
    return aten.embedding_dense_backward.default(rows, indices, num_weights, padding_idx, scale_grad_by_freq)


@parts_of("_embedding_bag_per_sample_weights_backward")
def _weights_backward(
    g: Tensor, weight: Tensor, indices: Tensor, offsets: Tensor, bag: Tensor, mode: int, padding_idx: int = -1
) -> Tensor:
    products = (g[bag] * weight[indices]).sum(1)
    return torch.where(indices == padding_idx, 0.0, products)
