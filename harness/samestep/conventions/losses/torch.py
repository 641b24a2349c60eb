"""PyTorch: torch.nn.functional."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from samestep.conventions.answers import or_word


def bce_at_0() -> torch.Tensor:
    return F.binary_cross_entropy(torch.zeros(1), torch.ones(1))


def bce_gradient_at_0() -> torch.Tensor:
    p = torch.zeros(1, requires_grad=True)
    F.binary_cross_entropy(p, torch.ones(1)).backward()
    return p.grad[0]


def bce_with_logits_at_1000() -> torch.Tensor:
    return F.binary_cross_entropy_with_logits(torch.tensor([1000.0]), torch.zeros(1))


def log_softmax_of_large() -> torch.Tensor:
    return F.log_softmax(torch.tensor([1000.0, 0.0]), dim=0)


def log_of_softmax_of_large() -> torch.Tensor:
    return torch.log(F.softmax(torch.tensor([1000.0, 0.0]), dim=0))


def softmax_of_nothing() -> torch.Tensor:
    return F.softmax(torch.tensor([-torch.inf, -torch.inf]), dim=0)


def cross_entropy_with_minus_inf() -> torch.Tensor:
    return F.cross_entropy(torch.tensor([[0.0, -torch.inf]]), torch.tensor([0]))


def cross_entropy_with_minus_inf_one_hot() -> torch.Tensor:
    return F.cross_entropy(torch.tensor([[0.0, -torch.inf]]), torch.tensor([[1.0, 0.0]]))


def cross_entropy_of_probability_0() -> torch.Tensor:
    return F.nll_loss(torch.log(torch.tensor([[0.0, 1.0]])), torch.tensor([0]))


def label(number: int) -> torch.Tensor:
    logits, labels = torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([number])
    return or_word("raises", (IndexError, RuntimeError), lambda: F.cross_entropy(logits, labels))


def label_too_large() -> torch.Tensor:
    return label(3)


def label_minus_1() -> torch.Tensor:
    return label(-1)


def label_minus_100() -> torch.Tensor:
    return label(-100)


def reduction() -> torch.Tensor:
    return F.cross_entropy(torch.zeros(2, 2), torch.tensor([0, 1]))


def smoothing() -> torch.Tensor:
    return F.cross_entropy(torch.tensor([[1.0, 0.0]]), torch.tensor([0]), label_smoothing=0.5)


def divergence_at_0() -> torch.Tensor:
    return F.kl_div(torch.log(torch.tensor([0.5, 0.5])), torch.tensor([0.0, 1.0]), reduction="sum")


def huber_at_3() -> torch.Tensor:
    return F.huber_loss(torch.tensor([3.0]), torch.zeros(1))


def cosine_of_zero() -> torch.Tensor:
    return F.cosine_similarity(torch.zeros(2), torch.ones(2), dim=0)
