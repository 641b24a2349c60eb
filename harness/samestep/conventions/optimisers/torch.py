"""PyTorch: torch.optim."""

from __future__ import annotations

from typing import Any

import torch
from torch import optim

from samestep.conventions.answers import default


def moved(make: Any, grads: Any, rates: Any = None, start: float = 0.0) -> Any:
    """Where a weight is after a step with each gradient, and its rate where rates are given."""
    w = torch.tensor([start], requires_grad=True)
    optimiser = make([w])
    for step, grad in enumerate(grads):
        if rates:
            optimiser.param_groups[0]["lr"] = rates[step]
        w.grad = torch.tensor([grad])
        optimiser.step()
    return w.detach()[0]


def sgd_default_rate() -> Any:
    return default(optim.SGD, "lr")


def momentum_with_two_rates() -> Any:
    return moved(lambda w: optim.SGD(w, lr=1.0, momentum=0.5), [1.0, 1.0], rates=[1.0, 2.0])


def nesterov_with_two_rates() -> Any:
    return moved(lambda w: optim.SGD(w, lr=1.0, momentum=0.5, nesterov=True), [1.0, 1.0], rates=[1.0, 2.0])


def adam_small_gradient() -> Any:
    return -moved(lambda w: optim.Adam(w, lr=1.0, eps=1e-8), [1e-7])


def adam_small_gradient_default_eps() -> Any:
    return -moved(lambda w: optim.Adam(w, lr=1.0), [1e-7])


def adam_default_eps() -> Any:
    return default(optim.Adam, "eps")


def adam_default_rate() -> Any:
    return default(optim.Adam, "lr")


def adam_weight_decay() -> Any:
    return moved(lambda w: optim.Adam(w, lr=0.1, weight_decay=0.1), [0.0], start=1.0)


def adamw_weight_decay() -> Any:
    return moved(lambda w: optim.AdamW(w, lr=0.1, weight_decay=0.1), [0.0], start=1.0)


def adamw_default_decay() -> Any:
    return default(optim.AdamW, "weight_decay")


def rmsprop_eps() -> Any:
    return -moved(lambda w: optim.RMSprop(w, lr=1.0, alpha=0.0, eps=3.0), [1.0])


def rmsprop_first_step() -> Any:
    return -moved(lambda w: optim.RMSprop(w, lr=1.0, alpha=0.75, eps=1e-8), [1.0])


def rmsprop_default_decay() -> Any:
    return default(optim.RMSprop, "alpha")


def rmsprop_default_eps() -> Any:
    return default(optim.RMSprop, "eps")


def rmsprop_default_rate() -> Any:
    return default(optim.RMSprop, "lr")


def adagrad_first_step() -> Any:
    return -moved(lambda w: optim.Adagrad(w, lr=1.0), [1.0])


def clip_by_norm() -> Any:
    w = torch.zeros(1, requires_grad=True)
    w.grad = torch.tensor([3e-6])
    torch.nn.utils.clip_grad_norm_([w], 1e-6)
    return w.grad[0] / 1e-6
