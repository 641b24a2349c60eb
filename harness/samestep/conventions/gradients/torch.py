"""PyTorch: backward through the graph that the call recorded."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F

from samestep.conventions.answers import ONE_NAN, Numbers, or_word

ZERO = torch.tensor(0.0)


def slope(f: Callable[[torch.Tensor], torch.Tensor], at: Numbers = 0.0) -> torch.Tensor:
    """Return the derivative of ``f``, a function to a scalar, at ``at``, in the shape of ``at``."""
    x = torch.tensor(at, requires_grad=True)
    f(x).backward()
    return x.grad


def relu() -> torch.Tensor:
    return slope(torch.relu)


def relu_as_clip() -> torch.Tensor:
    return slope(lambda x: torch.clamp(x, min=0))


def relu_as_maximum_x_0() -> torch.Tensor:
    return slope(lambda x: torch.maximum(x, ZERO))


def relu_as_maximum_0_x() -> torch.Tensor:
    return slope(lambda x: torch.maximum(ZERO, x))


def relu_as_where() -> torch.Tensor:
    return slope(lambda x: torch.where(x > 0, x, 0))


def relu_as_abs() -> torch.Tensor:
    return slope(lambda x: (x + torch.abs(x)) / 2)


def relu_by_hand_above() -> torch.Tensor:
    h, grad = torch.zeros(1), torch.ones(1)
    return torch.where(h > 0, grad, 0)[0]


def relu_by_hand_below() -> torch.Tensor:
    h, grad = torch.zeros(1), torch.ones(1)
    grad[h < 0] = 0
    return grad[0]


def leaky_relu() -> torch.Tensor:
    return slope(lambda x: F.leaky_relu(x, 0.1))


def relu6_at_6() -> torch.Tensor:
    return slope(F.relu6, at=6.0)


def clip_at_bound() -> torch.Tensor:
    return slope(lambda x: torch.clamp(x, -1, 1), at=1.0)


def absolute() -> torch.Tensor:
    return slope(torch.abs)


def norm() -> torch.Tensor:
    return slope(torch.linalg.vector_norm, at=[0.0, 0.0])


def sqrt() -> torch.Tensor:
    return slope(torch.sqrt)


def power_of_zero() -> torch.Tensor:
    return slope(lambda y: ZERO**y, at=2.0)


def arctan2() -> torch.Tensor:
    return slope(lambda y: torch.atan2(y, ZERO))


def product_with_zero() -> torch.Tensor:
    return slope(torch.prod, at=[0.0, 2.0, 3.0])


def rounding() -> torch.Tensor:
    return slope(torch.round, at=1.2)


def maximum_of_both() -> torch.Tensor:
    return slope(lambda pair: torch.maximum(pair[0], pair[1]), at=[1.0, 1.0])


def max_of_all() -> torch.Tensor:
    return slope(torch.max, at=[1.0, 1.0])


def max_over_axis() -> torch.Tensor:
    return slope(lambda x: torch.max(x, dim=0).values, at=[1.0, 1.0])


def max_pool() -> torch.Tensor:
    return slope(lambda x: F.max_pool1d(x[None, None, :], 2).sum(), at=[1.0, 1.0])


def sort() -> torch.Tensor:
    weights = torch.tensor([1.0, 2.0])
    return slope(lambda x: (torch.sort(x).values * weights).sum(), at=[1.0, 1.0])


def where_sqrt() -> torch.Tensor:
    return slope(lambda x: torch.where(x > 0, torch.sqrt(x), 0))


def where_log() -> torch.Tensor:
    return slope(lambda x: torch.where(x > 0, torch.log(x), 0))


def where_division() -> torch.Tensor:
    return slope(lambda x: torch.where(x != 0, 1 / x, 0))


def logsumexp_of_nothing() -> torch.Tensor:
    return slope(lambda x: torch.logsumexp(x, dim=0), at=[-torch.inf, -torch.inf])


def relu_of_nan() -> torch.Tensor:
    return slope(torch.relu, at=torch.nan)


def relu_of_nan_as_clip() -> torch.Tensor:
    return slope(lambda x: torch.clamp(x, min=0), at=torch.nan)


def relu_of_nan_as_maximum() -> torch.Tensor:
    return slope(lambda x: torch.maximum(x, ZERO), at=torch.nan)


def relu_of_nan_as_where() -> torch.Tensor:
    return slope(lambda x: torch.where(x > 0, x, 0), at=torch.nan)


def relu_of_nan_by_hand() -> torch.Tensor:
    h, grad = torch.tensor([torch.nan]), torch.ones(1)
    grad[h <= 0] = 0
    return grad[0]


def nan_at_closed_gate() -> torch.Tensor:
    return slope(lambda x: torch.relu(x) * torch.nan, at=-1.0)


def nan_at_closed_gate_as_where() -> torch.Tensor:
    return slope(lambda x: torch.where(x > 0, x, 0) * torch.nan, at=-1.0)


def nan_in_x() -> torch.Tensor:
    x = torch.tensor(ONE_NAN)
    return slope(lambda w1: torch.relu(x @ w1).square().sum(), at=[[1.0], [1.0]])[:, 0]


def of_vector() -> torch.Tensor | str:
    return or_word("raises", RuntimeError, lambda: slope(lambda x: x * x, at=[1.0, 2.0]))


def of_unused() -> torch.Tensor | str:
    x, unused = torch.ones((), requires_grad=True), torch.ones((), requires_grad=True)
    return or_word("raises", RuntimeError, lambda: torch.autograd.grad(x * x, unused)[0])


def of_integer() -> torch.Tensor | str:
    return or_word("raises", RuntimeError, lambda: slope(lambda x: x * x, at=3))


def twice() -> torch.Tensor:
    x = torch.tensor(1.0, requires_grad=True)
    for _ in range(2):
        (3 * x).backward()
    return x.grad
