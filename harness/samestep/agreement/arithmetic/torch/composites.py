"""Decompositions that torch's table lacks, or has in another order: each in the operations of its kernel."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from samestep.agreement.arithmetic.torch.decompositions import parts_of
from samestep.agreement.arithmetic.torch.places import refuse

aten = torch.ops.aten


@parts_of("_weight_norm_interface_backward")
def _weight_norm_backward(*args: Any) -> Any:
    return aten._weight_norm_differentiable_backward.default(*args)


@parts_of("rrelu_with_noise")
def _rrelu(
    x: Tensor, noise: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, *_: Any
) -> Tensor:
    if training:
        refuse("rrelu_with_noise", "it draws random slopes in training")
    return aten.leaky_relu.default(x, (lower + upper) / 2)


@parts_of("multi_margin_loss_backward")
def _multi_margin_backward(
    g: Tensor,
    x: Tensor,
    target: Tensor,
    p: float,
    margin: float,
    weight: Tensor | None = None,
    reduction: int = 1,
) -> Tensor:
    """max(0, margin - x_y + x_j)^p / C for j != y, summed over j."""
    rows, labels = x.reshape(-1, x.shape[-1]), target.reshape(-1, 1)
    slack = (margin - rows.gather(1, labels) + rows).clamp_min(0)
    slope = (slack > 0).to(x.dtype) if p == 1 else 2 * slack
    slope = slope.scatter(1, labels, 0.0) / x.shape[-1]
    if weight is not None:
        slope = slope * weight[labels]
    slope = slope.scatter(1, labels, -slope.sum(1, keepdim=True))
    scale = g.reshape(-1, 1) / rows.shape[0] if reduction == 1 else g.reshape(-1, 1)
    return (slope * scale).reshape(x.shape)


@parts_of("_cdist_forward")
def _cdist(a: Tensor, b: Tensor, p: float, compute_mode: int | None = None) -> Tensor:
    """Distances of rows; Euclidean ones of more than 25 rows by a matrix product, as torch does."""
    by_product = compute_mode == 1 or (not compute_mode and max(a.shape[-2], b.shape[-2]) > 25)
    if p == 2 and by_product:
        return aten._euclidean_dist.default(a, b)
    return torch.linalg.vector_norm(a.unsqueeze(-2) - b.unsqueeze(-3), p, -1)


@parts_of("_euclidean_dist")
def _euclidean(a: Tensor, b: Tensor) -> Tensor:
    """sqrt(|a|^2 + |b|^2 - 2 a b) as one product of k + 2 terms, which cancel for rows that are near."""
    norms_a, norms_b = (a * a).sum(-1, keepdim=True), (b * b).sum(-1, keepdim=True)
    left = torch.cat([a * -2, norms_a, torch.ones_like(norms_a)], -1)
    right = torch.cat([b, torch.ones_like(norms_b), norms_b], -1)
    return (left @ right.mT).clamp_min(0).sqrt()


@parts_of("_cdist_backward")
def _cdist_backward(g: Tensor, a: Tensor, b: Tensor, p: float, distance: Tensor) -> Tensor:
    """The sum over the other rows of g times the slope of the distance; 0 where the distance is."""
    gap = a.unsqueeze(-2) - b.unsqueeze(-3)
    d, g = distance.unsqueeze(-1), g.unsqueeze(-1)
    if p == 0:
        return torch.zeros_like(a)
    if p == 1:
        return (gap.sign() * g).sum(-2)
    if p == float("inf"):
        return (gap.sign() * (gap.abs() == d) * g).sum(-2)
    slope = gap if p == 2 else gap.sign() * gap.abs() ** (p - 1)
    scale = g / d if p == 2 else g / d ** (p - 1)
    return torch.where(d == 0, 0.0, slope * scale).sum(-2)


@parts_of("_grouped_mm")
def _grouped_product(
    a: Tensor, b: Tensor, offs: Tensor | None = None, bias: Tensor | None = None, out_dtype: Any = None
) -> Tensor:
    """One product for each group of rows (a 2-d, b 3-d), of columns (a 3-d), or of terms (both 2-d)."""
    if bias is not None:
        refuse("_grouped_mm", "no rule for its bias")
    if a.dim() == 3 and b.dim() == 3:
        return torch.bmm(a, b)
    if offs is None:
        refuse("_grouped_mm", "it needs offsets for two-dimensional operands")
    ends = [int(end) for end in offs.tolist()]
    spans = list(zip([0, *ends[:-1]], ends, strict=True))
    if a.dim() == 2 and b.dim() == 2:
        return torch.stack([a[:, i:j] @ b[i:j] for i, j in spans])
    if a.dim() == 2:
        parts = [a[i:j] @ b[k] for k, (i, j) in enumerate(spans)]
        rest = a.new_zeros(a.shape[0] - ends[-1], b.shape[-1])
        return torch.cat([*parts, rest])
    columns = [a[k] @ b[:, i:j] for k, (i, j) in enumerate(spans)]
    return torch.cat([*columns, b.new_zeros(a.shape[1], b.shape[1] - ends[-1])], 1)


@parts_of("_trilinear")
def _trilinear(
    a: Tensor, b: Tensor, c: Tensor, expand1: list[int], expand2: list[int], expand3: list[int],
    sumdim: list[int], unroll_dim: int = 1,
) -> Tensor:  # fmt: skip
    """The products of three tensors with new axes of length 1, summed over some of the axes."""
    spread = [_with_axes(x, axes) for x, axes in ((a, expand1), (b, expand2), (c, expand3))]
    return (spread[0] * spread[1] * spread[2]).sum(sumdim)


def _with_axes(x: Tensor, axes: list[int]) -> Tensor:
    for axis in sorted(axes):
        x = x.unsqueeze(axis)
    return x
