"""Decompositions of losses and distances that torch's table lacks."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from samestep.agreement.arithmetic.torch.decompositions import parts_of

MEAN = 1
#: What `embedding_renorm_` adds to norms before it divides by them.
_ADDED = 10.0**-7


@parts_of("multilabel_margin_loss_forward")
def _multilabel_margin(x: Tensor, target: Tensor, reduction: int) -> tuple[Tensor, Tensor]:
    """max(0, 1 - x_t + x_j) / C for each target t and other class j; torch's own parts add padding."""
    rows, labels, given = _targets(x, target)
    places = torch.where(given, labels, rows.shape[1])
    marked = torch.zeros(rows.shape[0], rows.shape[1] + 1, dtype=x.dtype, device=x.device)
    is_target = marked.scatter(1, places, 1.0)[:, :-1]
    slack = _slack(rows, labels, given, is_target == 0).clamp_min(0)
    losses = (slack / rows.shape[1]).sum((1, 2))
    if reduction:
        losses = losses.mean() if reduction == MEAN else losses.sum()
    return losses.reshape(x.shape[:-1] if not reduction else ()), is_target.reshape(target.shape)


def _targets(x: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Rows of scores and of labels, and which labels stand before the first -1."""
    labels = target.reshape(-1, x.shape[-1])
    return x.reshape(labels.shape), labels.clamp_min(0), (labels >= 0).cumprod(1).bool()


def _slack(rows: Tensor, labels: Tensor, given: Tensor, others: Tensor) -> Tensor:
    """1 - x_t + x_j by (row, label, class), 0 where there is no such label or the class is one."""
    slack = 1 - rows.gather(1, labels).unsqueeze(2) + rows.unsqueeze(1)
    return torch.where(given.unsqueeze(2) & others.unsqueeze(1), slack, 0.0)


@parts_of("multilabel_margin_loss_backward")
def _multilabel_margin_backward(
    g: Tensor, x: Tensor, target: Tensor, reduction: int, is_target: Tensor
) -> Tensor:
    """Each slack that is positive pulls at x_j and x_t, by 1 / C."""
    rows, labels, given = _targets(x, target)
    slack = _slack(rows, labels, given, is_target.reshape(rows.shape) == 0)
    pulls = (slack > 0).to(x.dtype) / x.shape[-1]
    slope = pulls.sum(1).scatter_add(1, labels, -pulls.sum(2))
    scale = g.reshape(-1, 1) / rows.shape[0] if reduction == MEAN else g.reshape(-1, 1)
    return (slope * scale).reshape(x.shape)


@parts_of("_pdist_forward")
def _pdist(x: Tensor, p: float = 2.0) -> Tensor:
    """Distances of all pairs of rows."""
    i, j = torch.triu_indices(x.shape[0], x.shape[0], 1, device=x.device)
    return torch.linalg.vector_norm(x[i] - x[j], p, -1)


@parts_of("_pdist_backward")
def _pdist_backward(g: Tensor, x: Tensor, p: float, distances: Tensor) -> Tensor:
    """As for distances of all rows from all rows, each once."""
    n = x.shape[0]
    i, j = torch.triu_indices(n, n, 1, device=x.device)
    square = x.new_zeros(n, n)
    grads = square.index_put((i, j), g).index_put((j, i), g)
    every = square.index_put((i, j), distances).index_put((j, i), distances)
    return torch.ops.aten._cdist_backward.default(grads, x, x, p, every)


@parts_of("mvlgamma")
def _multivariate_lgamma(x: Tensor, p: int) -> Tensor:
    """The sum of log gamma(x + (1 - j) / 2), and a constant."""
    steps = torch.arange(p, dtype=torch.float64, device=x.device) / 2
    return torch.lgamma(x.unsqueeze(-1) - steps).sum(-1) + p * (p - 1) / 4 * math.log(math.pi)


@parts_of("embedding_renorm")
def _renormalised(weight: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> Tensor:
    """Rows that are looked up and longer than ``max_norm`` are shortened to it, in place."""
    used = indices.reshape(-1).unique()
    rows = weight[used]
    norms = torch.linalg.vector_norm(rows, norm_type, 1, keepdim=True)
    shorter = torch.where(norms > max_norm, max_norm / (norms + _ADDED), 1.0)
    return weight.index_copy_(0, used, rows * shorter)


@parts_of("conv_tbc")
def _convolution_of_sequences(x: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """A convolution of (time, batch, channels) by (time, in, out)."""
    return torch.conv1d(x.permute(1, 2, 0), weight.permute(2, 1, 0), bias, 1, pad).permute(2, 0, 1)
