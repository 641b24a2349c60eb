"""PyTorch, BCELoss takes probabilities: a sigmoid rounds to exactly 0 or 1, and its logit is lost."""

import torch
from torch import nn

from .torch_optim import adopt, export, forward, named

READ_AFTER = "torch_optim"
DEPARTS = {
    "nan": "BCELoss raises for NaN, which is no probability",
    "nan_parameter": "BCELoss raises for NaN, which is no probability",
    "large_logits": "BCELoss clamps its logarithms at -100",
}


def loss_and_grads(state, x, y):
    state.optimizer.zero_grad()

    # Forward pass
    y_pred = torch.sigmoid(state.model(x))

    # Loss: from a probability that was rounded to 1, nobody can tell the logit
    loss = nn.functional.binary_cross_entropy(y_pred, y)

    # Backward pass: through the logarithms, and then through the sigmoid
    loss.backward()

    return loss.detach(), {name: p.grad.t() for name, p in named(state.model).items()}


def train_step(state, x, y, learning_rate, beta1, beta2, eps):
    for group in state.optimizer.param_groups:
        group.update(lr=learning_rate, betas=(beta1, beta2), eps=eps)

    loss, _ = loss_and_grads(state, x, y)
    state.optimizer.step()
    return state, loss


def train(state, x, y, learning_rate, beta1, beta2, eps, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate, beta1, beta2, eps)
        losses.append(loss)
    return state, torch.stack(losses)
