"""PyTorch: torch.optim."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import optim

from samestep.conventions.answers import default


def weight_after(
    make: Callable[[list[torch.Tensor]], optim.Optimizer],
    grads: list[float],
    rates: list[float] | None = None,
    start: float = 0.0,
) -> torch.Tensor:
    """Return one weight after a step with each gradient, each at its own rate where ``rates`` are given."""
    w = torch.tensor([start], requires_grad=True)
    optimiser = make([w])
    for step, grad in enumerate(grads):
        if rates:
            optimiser.param_groups[0]["lr"] = rates[step]
        w.grad = torch.tensor([grad])
        optimiser.step()
    return w.detach()[0]


def sgd_default_rate() -> float | None:
    return default(optim.SGD, "lr")


def momentum_with_two_rates() -> torch.Tensor:
    return weight_after(lambda w: optim.SGD(w, lr=1.0, momentum=0.5), [1.0, 1.0], rates=[1.0, 2.0])


def nesterov_with_two_rates() -> torch.Tensor:
    return weight_after(
        lambda w: optim.SGD(w, lr=1.0, momentum=0.5, nesterov=True), [1.0, 1.0], rates=[1.0, 2.0]
    )


def adam_small_gradient() -> torch.Tensor:
    return -weight_after(lambda w: optim.Adam(w, lr=1.0, eps=1e-8), [1e-7])


def adam_small_gradient_default_eps() -> torch.Tensor:
    return -weight_after(lambda w: optim.Adam(w, lr=1.0), [1e-7])


def adam_default_eps() -> float | None:
    return default(optim.Adam, "eps")


def adam_default_rate() -> float | None:
    return default(optim.Adam, "lr")


def adam_weight_decay() -> torch.Tensor:
    return weight_after(lambda w: optim.Adam(w, lr=0.1, weight_decay=0.1), [0.0], start=1.0)


def adamw_weight_decay() -> torch.Tensor:
    return weight_after(lambda w: optim.AdamW(w, lr=0.1, weight_decay=0.1), [0.0], start=1.0)


def adamw_default_decay() -> float | None:
    return default(optim.AdamW, "weight_decay")


def rmsprop_eps() -> torch.Tensor:
    return -weight_after(lambda w: optim.RMSprop(w, lr=1.0, alpha=0.0, eps=3.0), [1.0])


def rmsprop_first_step() -> torch.Tensor:
    return -weight_after(lambda w: optim.RMSprop(w, lr=1.0, alpha=0.75, eps=1e-8), [1.0])


def rmsprop_default_decay() -> float | None:
    return default(optim.RMSprop, "alpha")


def rmsprop_default_eps() -> float | None:
    return default(optim.RMSprop, "eps")


def rmsprop_default_rate() -> float | None:
    return default(optim.RMSprop, "lr")


def adagrad_first_step() -> torch.Tensor:
    return -weight_after(lambda w: optim.Adagrad(w, lr=1.0), [1.0])


def clip_by_norm() -> torch.Tensor:
    w = torch.zeros(1, requires_grad=True)
    w.grad = torch.tensor([3e-6])
    torch.nn.utils.clip_grad_norm_([w], 1e-6)
    return w.grad[0] / 1e-6
