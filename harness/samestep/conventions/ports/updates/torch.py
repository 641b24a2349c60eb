"""PyTorch: torch.optim."""

from __future__ import annotations

from typing import Any

import torch
from torch import optim


def stepped(
    make: type[optim.Optimizer], w: torch.Tensor, g: torch.Tensor, rates: Any = (0.1,) * 3, **options: Any
) -> torch.Tensor:
    """Return the weights after a step with each gradient, each at its rate."""
    w = w.clone().requires_grad_()
    optimiser = make([w], lr=0.1, **options)
    for grad, rate in zip(g, rates, strict=True):
        optimiser.param_groups[0]["lr"] = rate
        w.grad = grad
        optimiser.step()
    return w


def adam_eps(w: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
    return stepped(optim.Adam, w, g)


def adamw_decay(w: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
    return stepped(optim.AdamW, w, g)


def adam_l2(w: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
    return stepped(optim.Adam, w, g, weight_decay=0.1)


def momentum(w: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
    return stepped(optim.SGD, w, g, rates=(0.1, 0.1, 0.01), momentum=0.9)


def dampening(w: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
    return stepped(optim.SGD, w, g, momentum=0.9)


def rmsprop(w: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
    return stepped(optim.RMSprop, w, g)


def adagrad(w: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
    return stepped(optim.Adagrad, w, g)
