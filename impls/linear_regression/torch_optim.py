"""PyTorch nn and optim: a Linear of one input and one output holds w and b, and step() moves them."""

import torch
from torch import nn

READ_AFTER = "torch_autograd"


def adopt(params):
    model = nn.Linear(1, 1, device="meta")  # no memory, no initial values: they are given
    model.weight = nn.Parameter(params["w"].reshape(1, 1))  # (out, in)
    model.bias = nn.Parameter(params["b"].reshape(1))
    return model, torch.optim.SGD(model.parameters())


def export(state):
    model, _ = state
    return {"w": model.weight.squeeze(), "b": model.bias.squeeze()}


def predict(model, x):
    return model(x.unsqueeze(1)).squeeze(1)  # a layer wants a row for each point, and gives one


@torch.inference_mode()
def forward(state, x):
    model, _ = state
    return predict(model, x)


def loss_and_grads(state, x, y):
    model, optimizer = state
    optimizer.zero_grad()

    # Forward pass
    y_pred = predict(model, x)

    # Loss
    loss = nn.functional.mse_loss(y_pred, y)

    # Backward pass
    loss.backward()

    return loss.detach(), {"w": model.weight.grad.squeeze(), "b": model.bias.grad.squeeze()}


def train_step(state, x, y, learning_rate):
    _, optimizer = state
    for group in optimizer.param_groups:  # where a schedule would set it
        group["lr"] = learning_rate

    loss, _ = loss_and_grads(state, x, y)
    optimizer.step()
    return state, loss


def train(state, x, y, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate)
        losses.append(loss)
    return state, torch.stack(losses)
