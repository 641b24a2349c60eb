"""PyTorch optim: an optimiser holds the weights, and step() moves each along its .grad."""

import torch
from torch import nn

from . import torch_nn

READ_AFTER = "torch_nn"


def adopt(params):
    model = torch_nn.adopt(params)
    return model, torch.optim.SGD(model.parameters())


def export(state):
    model, _ = state
    return torch_nn.export(model)


def forward(state, x):
    model, _ = state
    return torch_nn.forward(model, x)


def trace(state, x, y):
    model, _ = state
    return torch_nn.trace(model, x, y)


def loss_and_grads(state, x, y):
    model, _ = state
    return torch_nn.loss_and_grads(model, x, y)


def train_step(state, x, y, learning_rate):
    model, optimizer = state
    for group in optimizer.param_groups:  # where a schedule would set it
        group["lr"] = learning_rate

    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x), y, reduction="sum")
    loss.backward()
    optimizer.step()
    return state, loss.detach()


def train(state, x, y, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate)
        losses.append(loss)
    return state, torch.stack(losses)
