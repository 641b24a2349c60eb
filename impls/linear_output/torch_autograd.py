"""PyTorch, autograd writes the backward pass: weights and biases are leaves alike."""

import torch

READ_AFTER = "numpy_manual"


def adopt(params):
    return {name: value.requires_grad_() for name, value in params.items()}


def export(state):
    return dict(state)


@torch.no_grad()
def forward(state, x):
    h_sigmoid = torch.sigmoid(x @ state["w1"] + state["b1"])
    return h_sigmoid @ state["w2"] + state["b2"]


def trace(state, x, y):
    w1, b1, w2, b2 = state["w1"], state["b1"], state["w2"], state["b2"]

    # Forward pass
    h = x @ w1 + b1
    h_sigmoid = torch.sigmoid(h)
    y_pred = h_sigmoid @ w2 + b2

    # Loss
    loss = 0.5 * (y_pred - y).square().sum()

    return {"h": h, "h_sigmoid": h_sigmoid, "y_pred": y_pred, "loss": loss}


def loss_and_grads(state, x, y):
    loss = trace(state, x, y)["loss"]

    # Backward pass
    grads = torch.autograd.grad(loss, list(state.values()))
    return loss.detach(), dict(zip(state, grads, strict=True))


def train_step(state, x, y, learning_rate):
    loss, grads = loss_and_grads(state, x, y)
    with torch.no_grad():
        for name, grad in grads.items():
            state[name] -= learning_rate * grad
    return state, loss


def train(state, x, y, learning_rate, steps):
    losses = []
    for _ in range(steps):
        state, loss = train_step(state, x, y, learning_rate)
        losses.append(loss)
    return state, torch.stack(losses)
