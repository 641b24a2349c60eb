"""A mistake of a public tutorial: a notebook's cell adds to the gradient of its last run."""

import torch

from samestep.impls.autograd_rules.torch_autograd import (
    adopt,
    chain_rule,
    export,
    hidden_change,
    leaf,
    of_ones,
    stop_gradient,
    vector_jacobian,
)

__all__ = [
    "accumulate", "adopt", "chain_rule", "export", "hidden_change", "of_ones", "stop_gradient",
    "vector_jacobian",
]  # fmt: skip

NOTEBOOK = {}


def accumulate(state, b):
    b = NOTEBOOK.setdefault("b", leaf(b))  # the mistake: made in a cell above, which is run once
    (3 * b**2).sum().backward()
    grad_once = b.grad.clone()
    (3 * b**2).sum().backward()
    grad_twice = b.grad.clone()
    (grad_afresh,) = torch.autograd.grad((3 * b**2).sum(), b)
    return grad_once, grad_twice, grad_afresh
