"""What long matrix products lose one way, from a sample of their sums."""

from __future__ import annotations

import torch
from torch import Tensor

from samestep.agreement.arithmetic.long_sums import LONG, SAMPLES
from samestep.agreement.arithmetic.lost_terms import lossy_sums, may_lose, one_way_loss
from samestep.agreement.arithmetic.summation import sum_variance
from samestep.agreement.limits import rounding_deviation, unit_roundoff

_U = unit_roundoff("float32")


def sum_loss(rows: Tensor, total: Tensor) -> Tensor | None:
    """Return what sums over the rows (sums, terms) lose one way in float32; None for nothing."""
    terms = rows.T
    deviation = _deviation(terms)
    lossy = lossy_sums(torch, terms, deviation, _U)
    if not bool(lossy.any()):
        return None
    loss = torch.zeros_like(deviation)
    loss[lossy] = one_way_loss(torch, terms[:, lossy], _U)
    return loss.reshape(total.shape)


def _deviation(terms: Tensor) -> Tensor:
    variance = sum_variance(terms.sum(0), terms.square().sum(0), float(terms.shape[0]))
    return variance.sqrt() * rounding_deviation(_U)


def product_loss(a: Tensor, b: Tensor, product: Tensor) -> Tensor | None:
    """Return what a @ b loses one way in float32, in its own units and shape; None for nothing.

    The terms of `SAMPLES` of its sums are made, those that grow most evenly (|S| near sum |p|) first; another
    sum loses the share of its standard deviation that the sampled ones as even as it lose.
    """
    k = a.shape[-1]
    if k < LONG or a.is_complex():
        return None
    evenness = (product.abs() / _size(a, b).clamp_min(torch.finfo(torch.float64).tiny)).reshape(-1)
    most = evenness.argsort(descending=True)
    stride = max(1, most.numel() // (SAMPLES // 2))
    chosen = torch.cat([most[: SAMPLES // 2], most[::stride]]).unique()
    terms = _terms(a, b, product, chosen)
    deviation = _deviation(terms)
    if not may_lose(torch, terms, deviation, _U):
        return None
    ratio = one_way_loss(torch, terms, _U) / deviation.clamp_min(torch.finfo(torch.float64).tiny)
    order = evenness[chosen].argsort()
    known, ratio = evenness[chosen][order], ratio[order].cummax(0).values
    at = torch.searchsorted(known, evenness.contiguous()).clamp_max(known.numel() - 1)
    squares = _matmul(a.square(), b.square())
    spread = sum_variance(product, squares, float(k)).sqrt() * rounding_deviation(_U)
    return ratio[at].reshape(product.shape) * spread


def _matmul(a: Tensor, b: Tensor) -> Tensor:
    return torch.mm(a, b) if a.dim() == 2 else torch.bmm(a, b)


def _size(a: Tensor, b: Tensor) -> Tensor:
    return _matmul(a.abs(), b.abs())


def _terms(a: Tensor, b: Tensor, product: Tensor, chosen: Tensor) -> Tensor:
    """Return the products that some elements of a @ b are sums of: (k, chosen)."""
    at = torch.unravel_index(chosen, product.shape)
    left = a[at[:-1]] if a.dim() == 3 else a[at[0]]
    right = b.mT[(*at[:-2], at[-1])] if b.dim() == 3 else b.T[at[1]]
    return (left * right).T
